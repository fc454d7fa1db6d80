// Sixteen states of one graph, or rows, side by side in the lanes: what is done for one node or link of all of
// them is then a whole-vector operation, whatever the widths.
#pragma once

#include "kernel.h"

// Transposes 16 × 16 numbers: in four stages, off-diagonal blocks of 8, 4, 2 and 1 lanes change places.
INLINE void transpose(lanes *r) {
    for (int i = 0; i < 16; i++) {
        if (i & 8) continue;
        lanes a = r[i], b = r[i + 8];
        r[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        r[i + 8] = __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    for (int i = 0; i < 16; i++) {
        if (i & 4) continue;
        lanes a = r[i], b = r[i + 4];
        r[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
        r[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
    for (int i = 0; i < 16; i++) {
        if (i & 2) continue;
        lanes a = r[i], b = r[i + 2];
        r[i] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
        r[i + 2] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
    for (int i = 0; i < 16; i++) {
        if (i & 1) continue;
        lanes a = r[i], b = r[i + 1];
        r[i] = __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
        r[i + 1] = __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    }
}

// Up to sixteen rows of `columns` values, `stride` apart, as columns [columns, 16]; lanes without a row are 0.
INLINE void to_lanes(const float *from, size_t stride, size_t count, size_t columns, float *to) {
    for (size_t c = 0; c < columns; c += 16) {
        size_t part = columns - c < 16 ? columns - c : 16;
        lanes rows[16];
        for (size_t i = 0; i < 16; i++) {
            rows[i] = 0;
            if (i >= count) continue;
            if (part == 16)
                load(&rows[i], from + i * stride + c);
            else
                load_part(&rows[i], from + i * stride + c, part, 0);
        }
        transpose(rows);
        for (size_t d = 0; d < part; d++) store(to + (c + d) * 16, &rows[d]);
    }
}

// The way back: writes the rows, or adds factor times them to what is there.
INLINE void from_lanes(const float *from, size_t stride, size_t count, size_t columns, int adds, float factor,
                       float *to) {
    for (size_t c = 0; c < columns; c += 16) {
        size_t part = columns - c < 16 ? columns - c : 16;
        lanes rows[16];
        for (size_t d = 0; d < 16; d++) {
            rows[d] = 0;
            if (d < part) load(&rows[d], from + (c + d) * 16);
        }
        transpose(rows);
        for (size_t i = 0; i < count; i++) {
            float *row = to + i * stride + c;
            lanes sum = rows[i];
            if (part == 16) {
                if (adds) {
                    load(&sum, row);
                    sum += factor * rows[i];
                }
                store(row, &sum);
            } else {
                for (size_t d = 0; d < part; d++) row[d] = adds ? row[d] + factor * sum[d] : sum[d];
            }
        }
    }
}

// e^x of some vectors, in place.
INLINE void exp_lanes(float *x, size_t count) {
    for (size_t t = 0; t < count * 16; t++) x[t] = exp_inline(x[t]);
}
