// How packed blocks lie in memory, shared by the files that pack them and multiply with them.
#pragma once

#include "halves.h"
#include "pool_kernels.h"

typedef const kernel_blocks *W;
typedef const kernel_block_inputs *X;

// Rows of a panel, and values of a block.
#define PANEL KERNEL_BLOCK_PANEL
#define BLOCK 32
// The most inputs that a panel is multiplied with at once.
#define GROUP 6

INLINE size_t code_bytes(W w) { return w->bits == 4 ? PANEL * BLOCK / 2 : PANEL * BLOCK; }
INLINE size_t scale_bytes(W w) { return w->is_wide ? PANEL * 4 : PANEL * 2; }
INLINE size_t block_bytes(W w) { return code_bytes(w) + scale_bytes(w) * (w->has_minima ? 2 : 1); }
INLINE size_t panel_bytes(W w) { return w->blocks * block_bytes(w); }

// Inputs lie in groups of nearly equal size, at most `together` rows, which keep a block of each row side by side.
INLINE size_t group_count(X x) { return (x->rows + x->together - 1) / x->together; }
INLINE size_t group_start(X x, size_t group) {
    size_t count = group_count(x), extra = x->rows % count;
    return group * (x->rows / count) + (group < extra ? group : extra);
}

// The place of a row's first block, and how far it is to the next.
typedef struct {
    size_t first, step;
} input_place;

INLINE input_place place_of(X x, size_t row) {
    size_t count = group_count(x), size = x->rows / count, extra = x->rows % count;
    size_t group = row < extra * (size + 1) ? row / (size + 1) : extra + (row - extra * (size + 1)) / size;
    size_t start = group_start(x, group);
    return (input_place){start * x->blocks + row - start, group_start(x, group + 1) - start};
}

// A value's code, and the scale or minimum of its block, one at a time.
INLINE int block_code(W w, const uint8_t *panel, size_t block, size_t lane, size_t column) {
    const uint8_t *codes = panel + block * block_bytes(w) + lane * 4 + column % 4;
    size_t four = column / 4;
    if (w->bits == 8) return codes[four * PANEL * 4];
    int both = codes[four % 4 * PANEL * 4];
    return four < 4 ? both & 15 : both >> 4;
}

INLINE float block_scale(W w, const uint8_t *panel, size_t block, size_t lane, int is_minimum) {
    const uint8_t *scales = panel + block * block_bytes(w) + code_bytes(w) + (is_minimum ? scale_bytes(w) : 0);
    if (!w->is_wide) return half_to_float(bits16(scales + 2 * lane));
    float value;
    memcpy(&value, scales + 4 * lane, 4);
    return value;
}

// alpha · X Wᵀ + beta · y for some panels, on a path.
void blocks_tiles(W w, X x, size_t first, size_t end, float alpha, float beta, float *y, kernel_path path);
// Memory of the calling thread, until it asks again, aligned to 64 bytes.
void *blocks_scratch(size_t bytes);
// A panel as bfloat16 in pairs of columns [columns / 2, row, 2].
void blocks_widen_panel(W w, size_t panel, size_t columns, uint32_t *to);
