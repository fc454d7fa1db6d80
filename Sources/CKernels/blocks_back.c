// The way back through packed blocks: widened to bfloat16, panels of some rows at a time, for the product that is there for
// such panels.
#include "blocks.h"

typedef int32_t whole_lanes __attribute__((ext_vector_type(16)));

// To the nearest bfloat16, ties to even; the values of frozen weights are finite.
INLINE void round_bf16(const lanes *x, whole_lanes *bits) {
    memcpy(bits, x, sizeof *x);
    *bits += 0x7FFF + (*bits >> 16 & 1);
    *bits = *bits >> 16 & 0xFFFF;
}

INLINE void scales_of(W w, const uint8_t *from, size_t half, lanes *to) {
    if (w->is_wide) {
        load(to, (const float *)from + 16 * half);
        return;
    }
    for (size_t r = 0; r < 16; r++) (*to)[r] = half_to_float(bits16(from + 2 * (16 * half + r)));
}

KERNEL WIDE void blocks_widen_panel(W w, size_t panel, size_t columns, uint32_t *to) {
    const uint8_t *from = w->panels + panel * panel_bytes(w);
    for (size_t b = 0; b < w->blocks; b++, from += block_bytes(w)) {
        for (size_t half = 0; half < 2; half++) {
            lanes scale, minimum = 0;
            scales_of(w, from + code_bytes(w), half, &scale);
            if (w->has_minima) scales_of(w, from + code_bytes(w) + scale_bytes(w), half, &minimum);
            for (size_t four = 0; four < 8 && b * BLOCK + 4 * four < columns; four++) {
                whole_lanes codes;
                size_t place = w->bits == 4 ? four % 4 : four;
                memcpy(&codes, from + place * PANEL * 4 + half * 64, 64);
                if (w->bits == 4) codes = (four < 4 ? codes : codes >> 4) & 0x0F0F0F0F;
                for (size_t pair = 0; pair < 2 && b * BLOCK + 4 * four + 2 * pair < columns; pair++) {
                    whole_lanes rounded[2];
                    for (int j = 0; j < 2; j++) {
                        whole_lanes code = (codes >> (int)(16 * pair + 8 * (size_t)j) & 255) - w->zero;
                        lanes value = __builtin_convertvector(code, lanes) * scale + minimum;
                        round_bf16(&value, &rounded[j]);
                    }
                    rounded[0] |= rounded[1] << 16;
                    memcpy(to + ((b * BLOCK + 4 * four) / 2 + pair) * PANEL + half * 16, &rounded[0], 64);
                }
            }
        }
    }
}

typedef struct {
    W w;
    size_t columns, panel;
    uint32_t *to;
} widen_work;

static void widen_part(void *context, size_t part) {
    const widen_work *work = context;
    size_t words = (work->columns + 1) / 2 * PANEL;
    blocks_widen_panel(work->w, work->panel + part, work->columns, work->to + part * words);
}

void kernel_blocks_product_back(W w, const float *y, size_t rows, size_t columns, float alpha, float beta, float *x,
                                kernel_path path) {
    size_t panels = (w->rows + PANEL - 1) / PANEL, most = KERNEL_DEPTH / PANEL;
    if (most > panels) most = panels;
    widen_work work = {w, columns, 0, blocks_scratch(kernel_panels_size(most * PANEL, columns, 1))};
    for (; work.panel < panels; work.panel += most) {
        size_t count = panels - work.panel < most ? panels - work.panel : most, first = work.panel * PANEL;
        kernel_parallel(count, widen_part, &work);
        size_t depth = w->rows - first < count * PANEL ? w->rows - first : count * PANEL;
        kernel_product_work product = {
            .path = path,
            .m = rows, .n = columns, .k = depth,
            .a = y + first, .a_stride = w->rows,
            .b = work.to, .b_form = kernel_panels_bf16_back,
            .alpha = alpha, .beta = first == 0 ? beta : 1,
            .c = x, .c_stride = columns,
        };
        kernel_product(&product);
    }
}
