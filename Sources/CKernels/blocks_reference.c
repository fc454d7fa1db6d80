// The scalar twins of the kernels on packed blocks.
#include "blocks.h"

void kernel_blocks_multiply_reference(W w, X x, size_t first, size_t end, float alpha, float beta, float *y) {
    for (size_t row = first * PANEL; row < end * PANEL && row < w->rows; row++) {
        const uint8_t *panel = w->panels + row / PANEL * panel_bytes(w);
        size_t lane = row % PANEL;
        for (size_t i = 0; i < x->rows; i++) {
            input_place place = place_of(x, i);
            float sum = 0;
            for (size_t b = 0; b < w->blocks; b++) {
                size_t at = place.first + b * place.step;
                int32_t dot = x->starts[at];
                for (size_t c = 0; c < BLOCK; c++) dot += block_code(w, panel, b, lane, c) * x->codes[at * BLOCK + c];
                sum = fmaf((float)dot, block_scale(w, panel, b, lane, 0) * x->scales[at], sum);
                if (w->has_minima) sum = fmaf(block_scale(w, panel, b, lane, 1), x->sums[at], sum);
            }
            float *to = y + i * w->rows + row;
            *to = beta == 0 ? alpha * sum : fmaf(alpha, sum, beta * *to);
        }
    }
}

void kernel_blocks_round_reference(const float *x, size_t columns, size_t first, size_t end, int zero, X to) {
    for (size_t row = first; row < end; row++) {
        input_place place = place_of(to, row);
        for (size_t b = 0; b < to->blocks; b++) {
            size_t at = place.first + b * place.step;
            float largest = 0;
            int finite = 1;
            for (size_t c = b * BLOCK; c < (b + 1) * BLOCK && c < columns; c++) {
                finite &= isfinite(x[row * columns + c]) != 0;
                largest = fmaxf(largest, fabsf(x[row * columns + c]));
            }
            float inverse = !finite || largest < 0x1p-100f ? 0 : 127.0f / largest;
            int32_t sum = 0;
            for (size_t j = 0; j < BLOCK; j++) {
                size_t c = b * BLOCK + j;
                int32_t code = finite && c < columns ? (int32_t)rintf(x[row * columns + c] * inverse) : 0;
                to->codes[at * BLOCK + j] = (int8_t)code;
                sum += code;
            }
            to->scales[at] = finite ? largest * (1.0f / 127.0f) : NAN;
            to->starts[at] = -zero * sum;
            to->sums[at] = to->scales[at] * (float)sum;
        }
    }
}
