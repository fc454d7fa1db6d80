// What the attention kernels share: rows of a prefix and of a segment packed for matrix products, and small
// products of four rows at a time.
#pragma once

#include "kernel.h"

enum { TILE = 4 };

INLINE size_t padded(size_t n) { return (n + 15) / 16 * 16; }
INLINE size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// One head of the rows of a prefix, then of the segment's own; `at` is where the head starts in a row.
typedef struct {
    const float *prefix, *own;
    size_t prefix_rows, stride, at;
} head_rows;

// Row t of the head, counting the prefix rows first.
INLINE const float *row_at(const head_rows *head, size_t t) {
    return t < head->prefix_rows ? head->prefix + t * head->stride + head->at
                                 : head->own + (t - head->prefix_rows) * head->stride + head->at;
}

// Packs `count` rows of D values. transposed [D, width] and rows [width, depth] may each be NULL; both are
// filled up with zeros.
INLINE void pack(const head_rows *head, size_t count, size_t D, float *transposed, size_t width, float *rows,
                 size_t depth) {
    for (size_t t = 0; t < count; t++) {
        const float *from = row_at(head, t);
        if (rows) {
            memcpy(rows + t * depth, from, D * sizeof(float));
            memset(rows + t * depth + D, 0, (depth - D) * sizeof(float));
        }
        if (transposed)
            for (size_t d = 0; d < D; d++) transposed[d * width + t] = from[d];
    }
    if (rows) memset(rows + count * depth, 0, (width - count) * depth * sizeof(float));
    if (transposed)
        for (size_t d = 0; d < D; d++)
            memset(transposed + d * width + count, 0, (width - count) * sizeof(float));
}

// c [TILE, width] = a [TILE, depth] b [depth, width]; width is a multiple of 16.
INLINE void tile_product(const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc,
                         size_t depth, size_t width) {
    for (size_t j = 0; j < width; j += 16) {
        lanes sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, column;
        for (size_t d = 0; d < depth; d++) {
            load(&column, b + d * ldb + j);
            sum0 += a[d] * column;
            sum1 += a[lda + d] * column;
            sum2 += a[2 * lda + d] * column;
            sum3 += a[3 * lda + d] * column;
        }
        store(c + j, &sum0);
        store(c + ldc + j, &sum1);
        store(c + 2 * ldc + j, &sum2);
        store(c + 3 * ldc + j, &sum3);
    }
}

// c [count, width] += aᵀ b, with a [TILE, count], b [TILE, width]; width is a multiple of 16.
INLINE void tile_outer(const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t count,
                       size_t width) {
    for (size_t j = 0; j < width; j += 16) {
        lanes b0, b1, b2, b3, sum;
        load(&b0, b + j);
        load(&b1, b + ldb + j);
        load(&b2, b + 2 * ldb + j);
        load(&b3, b + 3 * ldb + j);
        for (size_t t = 0; t < count; t++) {
            load(&sum, c + t * width + j);
            sum += a[t] * b0 + a[lda + t] * b1 + a[2 * lda + t] * b2 + a[3 * lda + t] * b3;
            store(c + t * width + j, &sum);
        }
    }
}

// Copies up to TILE query-shaped rows of one head to [TILE, depth], filling with zeros.
INLINE void take_tile(const float *from, size_t stride, size_t count, size_t D, float *tile, size_t depth) {
    memset(tile, 0, TILE * depth * sizeof(float));
    for (size_t i = 0; i < count; i++) memcpy(tile + i * depth, from + i * stride, D * sizeof(float));
}

INLINE void add_rows(float *to, size_t stride, const float *from, size_t depth, size_t rows, size_t D) {
    for (size_t t = 0; t < rows; t++)
        for (size_t d = 0; d < D; d++) to[t * stride + d] += from[t * depth + d];
}

// Adds a packed gradient [prefix rows, then own rows; depth] to those of the prefix and of the own rows, laid
// out as in `head`.
INLINE void add_packed(const head_rows *head, float *prefix, float *own, const float *packed, size_t depth,
                       size_t count, size_t D) {
    if (head->prefix_rows) add_rows(prefix + head->at, head->stride, packed, depth, head->prefix_rows, D);
    add_rows(own + head->at, head->stride, packed + head->prefix_rows * depth, depth,
             count - head->prefix_rows, D);
}
