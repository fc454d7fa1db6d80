#include "kernel.h"

KERNEL void kernel_exp(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = exp_inline(x[i]);
}

void kernel_exp_reference(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = (float)exp((double)x[i]);
}
