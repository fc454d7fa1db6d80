// The scalar twin of matrix products.
#include "product_tiles.h"

static float rounded(float x) {
    uint8_t half[2];
    kernel_quantise_bf16_reference(&x, half, 1);
    uint32_t bits = (uint32_t)half[0] << 16 | (uint32_t)half[1] << 24;
    memcpy(&x, &bits, 4);
    return x;
}

// An element of a weight in panels.
static float panel_at(const void *panels, size_t row, size_t column, size_t columns, int bf16) {
    size_t words = bf16 ? (columns + 1) / 2 : columns, at = bf16 ? column / 2 : column;
    size_t place = (row / KERNEL_PANEL * words + at) * KERNEL_PANEL + row % KERNEL_PANEL;
    uint32_t word = ((const uint32_t *)panels)[place];
    if (bf16) word = column % 2 ? word & 0xFFFF0000u : word << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
}

static float b_at(const kernel_product_work *work, size_t p, size_t column) {
    const float *b = work->b;
    switch (work->b_form) {
    case kernel_rows: return b[p * work->b_stride + column];
    case kernel_columns: return b[column * work->b_stride + p];
    case kernel_panels: return panel_at(b, column, p, work->k, 0);
    case kernel_panels_back: return panel_at(b, p, column, work->n, 0);
    case kernel_panels_bf16: return panel_at(b, column, p, work->k, 1);
    case kernel_panels_bf16_back: return panel_at(b, p, column, work->n, 1);
    }
}

void kernel_product_reference(const kernel_product_work *work) {
    int bf16 = work->b_form >= kernel_panels_bf16;
    for (size_t row = 0; row < work->m; row++)
        for (size_t column = 0; column < work->n; column++) {
            float *c = work->c + row * work->c_stride + column;
            if (work->k == 0) *c = work->beta == 0 ? 0 : work->beta * *c;
            float beta = work->beta;
            for (size_t first = 0, depth = 0; first < work->k; first += depth, beta = 1) {
                depth = product_depth(work->k);
                if (depth > work->k - first) depth = work->k - first;
                float sum = 0;
                for (size_t step = 0; step < depth; step++) {
                    // Of a pair the second comes first.
                    size_t p = first + (bf16 ? step ^ 1 : step);
                    if (bf16 && step == depth - 1 && depth % 2) p = first + step;
                    if (p >= work->k) continue;
                    float a = work->a[work->a_transposed ? p * work->a_stride + row : row * work->a_stride + p];
                    sum = fmaf(bf16 ? rounded(a) : a, b_at(work, p, column), sum);
                }
                *c = beta == 0 ? work->alpha * sum : fmaf(beta, *c, work->alpha * sum);
            }
        }
}

void kernel_gather_panels_reference(const void *panels, const int32_t *index, float *y, size_t count,
                                    size_t columns, int bf16) {
    for (size_t i = 0; i < count; i++)
        for (size_t column = 0; column < columns; column++)
            y[i * columns + column] = panel_at(panels, (size_t)index[i], column, columns, bf16);
}
