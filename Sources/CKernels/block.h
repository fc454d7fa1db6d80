// Small matrix products on strided operands, in registers: what attention and low-rank maps are made of.
#pragma once

#include "kernel.h"

// c [R, 16 V] = or += a b, with a's element (r, d) at a + r row + d step, and b [depth, 16 V] of stride ldb. R and V are
// constants, so that the sums stay in registers.
INLINE void block_tile(const float *a, size_t row, size_t step, const float *b, size_t ldb, float *c, size_t ldc,
                       size_t depth, int adds, const int R, const int V) {
    lanes sum[8][4];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < V; v++) {
            sum[r][v] = 0;
            if (adds) load(&sum[r][v], c + (size_t)r * ldc + (size_t)v * 16);
        }
    for (size_t d = 0; d < depth; d++) {
        lanes column[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < V; v++) load(&column[v], b + d * ldb + (size_t)v * 16);
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
            lanes value = a[(size_t)r * row + d * step];
#pragma clang loop unroll(full)
            for (int v = 0; v < V; v++) sum[r][v] += value * column[v];
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < V; v++) store(c + (size_t)r * ldc + (size_t)v * 16, &sum[r][v]);
}

// The same for any number of rows.
INLINE void block_rows(const float *a, size_t row, size_t step, const float *b, size_t ldb, float *c, size_t ldc,
                       size_t rows, size_t depth, int adds, const int R, const int V) {
    size_t i = 0;
    for (; i + R <= rows; i += R) block_tile(a + i * row, row, step, b, ldb, c + i * ldc, ldc, depth, adds, R, V);
    if (R > 4 && rows - i >= 4) {
        block_tile(a + i * row, row, step, b, ldb, c + i * ldc, ldc, depth, adds, 4, V);
        i += 4;
    }
    if (rows - i >= 2) {
        block_tile(a + i * row, row, step, b, ldb, c + i * ldc, ldc, depth, adds, 2, V);
        i += 2;
    }
    if (rows - i >= 1) block_tile(a + i * row, row, step, b, ldb, c + i * ldc, ldc, depth, adds, 1, V);
}

// c [rows, width] = or += a b; width is a multiple of 16. `wide`: there are 32 registers of sixteen floats.
INLINE void block_product(const float *a, size_t row, size_t step, const float *b, size_t ldb, float *c, size_t ldc,
                          size_t rows, size_t depth, size_t width, int adds, int wide) {
    size_t j = 0;
    if (wide) {
        for (; j + 32 <= width; j += 32) block_rows(a, row, step, b + j, ldb, c + j, ldc, rows, depth, adds, 8, 2);
        for (; j < width; j += 16) block_rows(a, row, step, b + j, ldb, c + j, ldc, rows, depth, adds, 8, 1);
    } else {
        for (; j < width; j += 16) block_rows(a, row, step, b + j, ldb, c + j, ldc, rows, depth, adds, 4, 1);
    }
}
