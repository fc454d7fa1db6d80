// What merging clients' updates takes: running sums in double, and the products and folds of movement sketches.
#include "kernel.h"

KERNEL void kernel_add_weighted(const float *x, double weight, double *sum, size_t n) {
    for (size_t i = 0; i < n; i++) sum[i] += weight * (double)x[i];
}

void kernel_add_weighted_reference(const float *x, double weight, double *sum, size_t n) {
    for (size_t i = 0; i < n; i++) sum[i] += weight * (double)x[i];
}

// sums[4 p + q] += row p of `matrix`, taken by four vectors q of `probes` [4, n], lane by lane.
WIDE INLINE void add_probes(lanes sums[8], const float *row, const float *next, const float *probes, size_t n) {
    lanes x, y, z;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        load(&x, row + i);
        load(&y, next + i);
        for (int q = 0; q < 4; q++) {
            load(&z, probes + q * n + i);
            sums[q] += x * z;
            sums[4 + q] += y * z;
        }
    }
    if (i == n) return;
    load_part(&x, row + i, n - i, 0);
    load_part(&y, next + i, n - i, 0);
    for (int q = 0; q < 4; q++) {
        load_part(&z, probes + q * n + i, n - i, 0);
        sums[q] += x * z;
        sums[4 + q] += y * z;
    }
}

// y[i] = the sum of the lanes of sums[i], 0 ≤ i < 8: halves, then quarters, then pairs of neighbouring vectors in one.
WIDE INLINE void eight_sums(const lanes sums[8], float *y) {
    typedef float half __attribute__((ext_vector_type(8)));
    lanes four[4], two[2], one;
    for (int i = 0; i < 4; i++) {
        lanes a = sums[i], b = sums[i + 4];
        four[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
                  __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    for (int i = 0; i < 2; i++) {
        lanes a = four[i], b = four[i + 2];
        two[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
                 __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
    one = __builtin_shufflevector(two[0], two[1], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
          __builtin_shufflevector(two[0], two[1], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    half sum = __builtin_shufflevector(one, one, 0, 2, 4, 6, 8, 10, 12, 14) +
               __builtin_shufflevector(one, one, 1, 3, 5, 7, 9, 11, 13, 15);
    memcpy(y, &sum, sizeof sum);
}

KERNEL void kernel_probe(const float *matrix, const float *probes, const float *other,
                              const float *other_probes, float *y, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row += 2) {
        // The last of an odd number of rows is taken twice.
        size_t at = row * columns, next = (row + 1 < rows ? row + 1 : row) * columns;
        lanes sums[8] = {0};
        float both[8];
        add_probes(sums, matrix + at, matrix + next, probes, columns);
        if (other) add_probes(sums, other + at, other + next, other_probes, columns);
        eight_sums(sums, both);
        memcpy(y + 4 * row, both, (row + 1 < rows ? 8 : 4) * sizeof(float));
    }
}

void kernel_probe_reference(const float *matrix, const float *probes, const float *other,
                            const float *other_probes, float *y, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++)
        for (size_t q = 0; q < 4; q++) {
            double sum = 0;
            for (size_t c = 0; c < columns; c++) {
                sum += (double)matrix[row * columns + c] * probes[q * columns + c];
                if (other) sum += (double)other[row * columns + c] * other_probes[q * columns + c];
            }
            y[4 * row + q] = (float)sum;
        }
}

KERNEL void kernel_fold(const float *x, const int8_t *signs, size_t n, float *sketch, size_t length, size_t first) {
    while (n > 0) {
        size_t count = n < length - first ? n : length - first;
        float *place = sketch + first;
        for (size_t i = 0; i < count; i++) place[i] += (float)signs[i] * x[i];
        x += count, signs += count, n -= count, first = 0;
    }
}

void kernel_fold_reference(const float *x, const int8_t *signs, size_t n, float *sketch, size_t length,
                           size_t first) {
    for (size_t i = 0; i < n; i++) sketch[(first + i) % length] += (float)signs[i] * x[i];
}
