#include "kernel.h"

KERNEL void kernel_rms_norm(const float *x, const float *weight, float epsilon, float *y, float *inverse,
                            size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
#pragma clang fp reassociate(on)
        float squares = 0;
        for (size_t c = 0; c < columns; c++) squares += x[c] * x[c];
        float scale = 1.0f / sqrtf(squares / (float)columns + epsilon);
        for (size_t c = 0; c < columns; c++) y[c] = x[c] * scale * weight[c];
        inverse[r] = scale;
    }
}

// With s = inverse[r] and g = weight · dy:  dx = s g − x s³ mean(g · x),  dweight = Σ_r dy x s.
KERNEL void kernel_rms_norm_backward(const float *x, const float *weight, const float *inverse,
                                     const float *dy, float *dx, float *dweight, size_t rows,
                                     size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns, dy += columns) {
#pragma clang fp reassociate(on)
        float s = inverse[r];
        if (dx) {
            float *restrict gradient = dx + r * columns;
            float dot = 0;
            for (size_t c = 0; c < columns; c++) dot += weight[c] * dy[c] * x[c];
            float correction = dot * s * s * s / (float)columns;
            for (size_t c = 0; c < columns; c++) gradient[c] += s * (weight[c] * dy[c]) - x[c] * correction;
        }
        if (dweight) {
            float *restrict gradient = dweight;
            for (size_t c = 0; c < columns; c++) gradient[c] += dy[c] * (x[c] * s);
        }
    }
}

// ---- Scalar twins

void kernel_rms_norm_reference(const float *x, const float *weight, float epsilon, float *y, float *inverse,
                               size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * columns;
        double squares = kernel_dot_reference(row, row, columns);
        double scale = 1.0 / sqrt(squares / (double)columns + (double)epsilon);
        inverse[r] = (float)scale;
        for (size_t c = 0; c < columns; c++) y[r * columns + c] = (float)(row[c] * scale * weight[c]);
    }
}

void kernel_rms_norm_backward_reference(const float *x, const float *weight, const float *inverse,
                                        const float *dy, float *dx, float *dweight, size_t rows,
                                        size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * columns, *up = dy + r * columns;
        double s = inverse[r], dot = 0;
        for (size_t c = 0; c < columns; c++) dot += (double)weight[c] * up[c] * row[c];
        for (size_t c = 0; c < columns; c++) {
            double own = s * weight[c] * up[c], shared = row[c] * s * s * s * dot / (double)columns;
            if (dx) dx[r * columns + c] += (float)(own - shared);
            if (dweight) dweight[c] += (float)(up[c] * row[c] * s);
        }
    }
}
