#include "softmax.h"

KERNEL void kernel_log_sum_exp(const float *x, float *lse, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns) {
        float largest = row_maximum(x, columns);
        // Subtracting −inf (or +inf) from itself would give NaN where the answer is that infinity.
        float offset = isinf(largest) ? 0.0f : largest;
        double sum = 0;
        for (size_t start = 0; start < columns; start += PIECE)
            sum += piece_sum(x + start, piece_end(start, columns) - start, 1, offset);
        lse[r] = offset + (float)log(sum);
    }
}

KERNEL void kernel_softmax_scaled(float *x, const float *lse, const float *factor, size_t rows,
                                  size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns)
        for (size_t c = 0; c < columns; c++) x[c] = factor[r] * exp_inline(x[c] - lse[r]);
}

// In one pass, with z = x − the largest: e^z, its sum, Σ z e^z for the entropy log Σ e^z − Σ z e^z / Σ e^z, and the
// first piece that holds the largest.
KERNEL WIDE void kernel_softmax_sums(float *x, float *sum, float *lse, float *entropy, int32_t *best, size_t rows,
                                     size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns) {
        float largest = row_maximum(x, columns);
        float offset = isinf(largest) ? 0.0f : largest;
        double total = 0, weighed = 0;
        size_t place = columns;
        for (size_t start = 0; start < columns; start += PIECE) {
#pragma clang fp reassociate(on)
            size_t end = piece_end(start, columns);
            if (place == columns && row_maximum(x + start, end - start) == largest) {
                place = start;
                while (place < end && x[place] != largest) place++;
                if (place == end) place = columns;  // a piece of NaN alone
            }
            float piece = 0, product = 0;
            for (size_t c = start; c < end; c++) {
                float z = x[c] - offset, e = exp_inline(z);
                piece += e;
                product += e > 0.0f ? e * z : 0.0f;
                x[c] = e;
            }
            total += piece;
            weighed += product;
        }
        sum[r] = (float)total;
        lse[r] = offset + (float)log(total);
        if (entropy) entropy[r] = (float)(log(total) - weighed / total);
        if (best) best[r] = place < columns ? (int32_t)place : 0;
    }
}

// −Σ p log p = −Σ p (x − lse); a probability that underflows to 0 counts 0, also where x is −inf.
KERNEL void kernel_row_statistics(const float *x, const float *lse, float *entropy, int32_t *best,
                                  size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns) {
        double sum = 0;
        for (size_t start = 0; start < columns; start += PIECE) {
#pragma clang fp reassociate(on)
            float piece = 0;
            for (size_t c = start; c < piece_end(start, columns); c++) {
                float log_probability = x[c] - lse[r];
                float probability = exp_inline(log_probability);
                piece += probability > 0.0f ? probability * log_probability : 0.0f;
            }
            sum += piece;
        }
        entropy[r] = (float)-sum;
        float largest = row_maximum(x, columns);
        size_t c = 0;
        while (c < columns && x[c] != largest) c++;
        best[r] = c < columns ? (int32_t)c : 0;
    }
}

// ---- Scalar twins

void kernel_log_sum_exp_reference(const float *x, float *lse, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        double largest = -INFINITY, sum = 0;
        for (size_t c = 0; c < columns; c++) largest = fmax(largest, x[r * columns + c]);
        double offset = isinf(largest) ? 0.0 : largest;
        for (size_t c = 0; c < columns; c++) sum += exp(x[r * columns + c] - offset);
        lse[r] = (float)(offset + log(sum));
    }
}

void kernel_softmax_scaled_reference(float *x, const float *lse, const float *factor, size_t rows,
                                     size_t columns) {
    for (size_t i = 0; i < rows * columns; i++)
        x[i] = (float)(factor[i / columns] * exp((double)x[i] - lse[i / columns]));
}

void kernel_row_statistics_reference(const float *x, const float *lse, float *entropy, int32_t *best,
                                     size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * columns;
        double sum = 0;
        best[r] = 0;
        for (size_t c = 0; c < columns; c++) {
            double log_probability = (double)row[c] - lse[r], probability = exp(log_probability);
            if (probability > 0) sum += probability * log_probability;
            if (row[c] > row[best[r]]) best[r] = (int32_t)c;
        }
        entropy[r] = (float)-sum;
    }
}

void kernel_softmax_sums_reference(float *x, float *sum, float *lse, float *entropy, int32_t *best, size_t rows,
                                   size_t columns) {
    kernel_log_sum_exp_reference(x, lse, rows, columns);
    if (entropy && best) kernel_row_statistics_reference(x, lse, entropy, best, rows, columns);
    for (size_t r = 0; r < rows; r++, x += columns) {
        double largest = -INFINITY, total = 0;
        for (size_t c = 0; c < columns; c++) largest = fmax(largest, x[c]);
        for (size_t c = 0; c < columns; c++) {
            double e = exp(x[c] - (isinf(largest) ? 0.0 : largest));
            total += e;
            x[c] = (float)e;
        }
        sum[r] = (float)total;
    }
}
