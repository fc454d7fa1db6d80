// A tile of a product: some rows of a, packed step after step, times a panel of b, with steps `b_step` words
// apart.
#pragma once

#include "kernel.h"

// Where a tile goes: c = alpha · sum + beta · c.
typedef struct {
    float *c;
    size_t stride;
    float alpha, beta;
} tile_output;

typedef void tile_function(const void *a, const void *b, size_t b_step, size_t steps, const tile_output *to,
                           size_t columns);

// Tiles of 1 … `rows` rows; a is [steps, step, rows].
typedef struct {
    size_t rows, step;
    tile_function *const *tiles;
} tile_kernel;

// The tiles of a path, of float32 or of pairs in bfloat16.
const tile_kernel *product_tiles(kernel_path path, int bf16);

// Blocks of the depth are as equal as multiples of 32 can be.
INLINE size_t product_depth(size_t k) {
    size_t blocks = (k + KERNEL_DEPTH - 1) / KERNEL_DEPTH, depth = (k + blocks - 1) / blocks;
    return (depth + KERNEL_PANEL - 1) / KERNEL_PANEL * KERNEL_PANEL;
}
