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

// ---- LayerNorm

// With constant columns the compiler unrolls rows of the usual widths; `columns` is one of them or any.
INLINE void layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                       float *restrict y, float *restrict mean, float *restrict inverse, size_t rows,
                       size_t columns) {
    // Row by row: the compiler would else turn four rows about, which takes longer.
#pragma clang loop vectorize(disable) unroll(disable)
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
#pragma clang fp reassociate(on)
        float sum = 0, squares = 0;
        for (size_t c = 0; c < columns; c++) sum += x[c];
        float centre = sum / (float)columns;
        for (size_t c = 0; c < columns; c++) squares += (x[c] - centre) * (x[c] - centre);
        float scale = 1.0f / sqrtf(squares / (float)columns + epsilon);
        for (size_t c = 0; c < columns; c++) y[c] = (x[c] - centre) * scale * weight[c] + bias[c];
        mean[r] = centre;
        inverse[r] = scale;
    }
}

KERNEL void kernel_layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y,
                              float *mean, float *inverse, size_t rows, size_t columns) {
    switch (columns) {
    case 16: return layer_norm(x, weight, bias, epsilon, y, mean, inverse, rows, 16);
    case 24: return layer_norm(x, weight, bias, epsilon, y, mean, inverse, rows, 24);
    case 32: return layer_norm(x, weight, bias, epsilon, y, mean, inverse, rows, 32);
    default: return layer_norm(x, weight, bias, epsilon, y, mean, inverse, rows, columns);
    }
}

// With s = inverse[r], n = (x − mean) s and g = weight · dy:  dx = s (g − mean(g) − n mean(g n)),
// dweight = Σ_r dy n,  dbias = Σ_r dy.
INLINE void layer_norm_backward(const float *x, const float *weight, const float *mean, const float *inverse,
                                const float *dy, float *restrict dx, float *restrict dweight,
                                float *restrict dbias, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns, dy += columns) {
#pragma clang fp reassociate(on)
        float s = inverse[r], centre = mean[r];
        if (dx) {
            float *restrict gradient = dx + r * columns;
            float sum = 0, dot = 0;
            for (size_t c = 0; c < columns; c++) {
                float g = weight[c] * dy[c];
                sum += g;
                dot += g * (x[c] - centre);
            }
            sum /= (float)columns;
            dot *= s * s / (float)columns;
            for (size_t c = 0; c < columns; c++)
                gradient[c] += s * (weight[c] * dy[c] - sum - (x[c] - centre) * dot);
        }
        if (dweight)
            for (size_t c = 0; c < columns; c++) dweight[c] += dy[c] * ((x[c] - centre) * s);
        if (dbias)
            for (size_t c = 0; c < columns; c++) dbias[c] += dy[c];
    }
}

KERNEL void kernel_layer_norm_backward(const float *x, const float *weight, const float *mean,
                                       const float *inverse, const float *dy, float *dx, float *dweight,
                                       float *dbias, size_t rows, size_t columns) {
    switch (columns) {
    case 16: return layer_norm_backward(x, weight, mean, inverse, dy, dx, dweight, dbias, rows, 16);
    case 24: return layer_norm_backward(x, weight, mean, inverse, dy, dx, dweight, dbias, rows, 24);
    case 32: return layer_norm_backward(x, weight, mean, inverse, dy, dx, dweight, dbias, rows, 32);
    default: return layer_norm_backward(x, weight, mean, inverse, dy, dx, dweight, dbias, rows, columns);
    }
}

void kernel_layer_norm_reference(const float *x, const float *weight, const float *bias, float epsilon,
                                 float *y, float *mean, float *inverse, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * columns;
        double sum = 0, squares = 0;
        for (size_t c = 0; c < columns; c++) sum += row[c];
        double centre = sum / (double)columns;
        for (size_t c = 0; c < columns; c++) squares += (row[c] - centre) * (row[c] - centre);
        double scale = 1.0 / sqrt(squares / (double)columns + (double)epsilon);
        for (size_t c = 0; c < columns; c++)
            y[r * columns + c] = (float)((row[c] - centre) * scale * weight[c] + bias[c]);
        mean[r] = (float)centre;
        inverse[r] = (float)scale;
    }
}

void kernel_layer_norm_backward_reference(const float *x, const float *weight, const float *mean,
                                          const float *inverse, const float *dy, float *dx, float *dweight,
                                          float *dbias, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * columns, *up = dy + r * columns;
        double s = inverse[r], sum = 0, dot = 0;
        for (size_t c = 0; c < columns; c++) {
            sum += (double)weight[c] * up[c];
            dot += (double)weight[c] * up[c] * ((double)row[c] - mean[r]) * s;
        }
        for (size_t c = 0; c < columns; c++) {
            double normed = ((double)row[c] - mean[r]) * s;
            double own = (double)weight[c] * up[c] - sum / (double)columns - normed * dot / (double)columns;
            if (dx) dx[r * columns + c] += (float)(s * own);
            if (dweight) dweight[c] += (float)(up[c] * normed);
            if (dbias) dbias[c] += up[c];
        }
    }
}
