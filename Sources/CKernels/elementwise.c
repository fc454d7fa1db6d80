#include "kernel.h"

KERNEL void kernel_add(const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

KERNEL void kernel_add_scaled(const float *x, float scale, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += scale * x[i];
}

KERNEL void kernel_add_product(const float *a, const float *b, float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += a[i] * b[i];
}

KERNEL void kernel_scale(const float *x, float scale, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = scale * x[i];
}

KERNEL void kernel_add_vector(const float *x, const float *v, float *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) y[r * columns + c] = x[r * columns + c] + v[c];
}

KERNEL void kernel_sum_rows(const float *x, float *restrict v, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) v[c] += x[r * columns + c];
}

void kernel_gather_rows(const float *table, const int32_t *index, float *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * columns, table + (size_t)index[r] * columns, columns * sizeof(float));
}

KERNEL void kernel_scatter_add_rows(const float *x, const int32_t *index, float scale, float *table,
                                    size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * columns;
        float *to = table + (size_t)index[r] * columns;
        for (size_t c = 0; c < columns; c++) to[c] += scale * from[c];
    }
}

KERNEL double kernel_sum_of_squares(const float *x, size_t n) {
#pragma clang fp reassociate(on)
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

KERNEL int kernel_all_finite(const float *x, size_t n) {
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        bad |= (bits & 0x7F800000u) == 0x7F800000u;
    }
    return bad == 0;
}

KERNEL void kernel_copy_rows(const float *x, size_t x_stride, float *y, size_t y_stride, int adds, size_t rows,
                             size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * x_stride;
        float *restrict to = y + r * y_stride;
        if (adds) {
            for (size_t c = 0; c < columns; c++) to[c] += from[c];
        } else {
            memcpy(to, from, columns * sizeof(float));
        }
    }
}

KERNEL void kernel_scale_rows(const float *x, const float *scale, int adds, float *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * columns;
        float *restrict to = y + r * columns, factor = scale[r];
        if (adds) {
            for (size_t c = 0; c < columns; c++) to[c] += factor * from[c];
        } else {
            for (size_t c = 0; c < columns; c++) to[c] = factor * from[c];
        }
    }
}

// ---- Scalar twins

void kernel_add_reference(const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

void kernel_add_scaled_reference(const float *x, float scale, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += scale * x[i];
}

void kernel_scale_reference(const float *x, float scale, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = scale * x[i];
}

void kernel_add_vector_reference(const float *x, const float *v, float *y, size_t rows, size_t columns) {
    for (size_t i = 0; i < rows * columns; i++) y[i] = x[i] + v[i % columns];
}

void kernel_sum_rows_reference(const float *x, float *v, size_t rows, size_t columns) {
    for (size_t i = 0; i < rows * columns; i++) v[i % columns] += x[i];
}

void kernel_gather_rows_reference(const float *table, const int32_t *index, float *y, size_t rows,
                                  size_t columns) {
    for (size_t i = 0; i < rows * columns; i++)
        y[i] = table[(size_t)index[i / columns] * columns + i % columns];
}

void kernel_scatter_add_rows_reference(const float *x, const int32_t *index, float scale, float *table,
                                       size_t rows, size_t columns) {
    for (size_t i = 0; i < rows * columns; i++)
        table[(size_t)index[i / columns] * columns + i % columns] += scale * x[i];
}

double kernel_sum_of_squares_reference(const float *x, size_t n) { return kernel_dot_reference(x, x, n); }

double kernel_dot_reference(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

int kernel_all_finite_reference(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return 0;
    return 1;
}

void kernel_add_product_reference(const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = (float)(y[i] + (double)a[i] * b[i]);
}

void kernel_copy_rows_reference(const float *x, size_t x_stride, float *y, size_t y_stride, int adds, size_t rows,
                                size_t columns) {
    for (size_t i = 0; i < rows * columns; i++) {
        size_t to = i / columns * y_stride + i % columns;
        y[to] = x[i / columns * x_stride + i % columns] + (adds ? y[to] : 0.0f);
    }
}

void kernel_scale_rows_reference(const float *x, const float *scale, int adds, float *y, size_t rows,
                                 size_t columns) {
    for (size_t i = 0; i < rows * columns; i++)
        y[i] = (float)((adds ? y[i] : 0.0) + (double)scale[i / columns] * x[i]);
}
