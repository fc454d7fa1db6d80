// What the kernels over rows of logits share: how sums of exponentials are cut into pieces.
#pragma once

#include "kernel.h"

// Long rows are summed in pieces of so many columns in float, and the pieces in double: a float sum of 2^20
// equal terms would be off by 1e-4.
enum { PIECE = 1024 };

INLINE size_t piece_end(size_t start, size_t columns) {
    return columns - start < PIECE ? columns : start + PIECE;
}

// Σ e^(scale x − offset) over up to PIECE columns.
INLINE float piece_sum(const float *x, size_t count, float scale, float offset) {
#pragma clang fp reassociate(on)
    float sum = 0;
    for (size_t c = 0; c < count; c++) sum += exp_inline(x[c] * scale - offset);
    return sum;
}
