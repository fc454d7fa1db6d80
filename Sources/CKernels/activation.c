#include "kernel.h"

KERNEL void kernel_swiglu(const float *gate, const float *up, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = gate[i] / (1.0f + exp_inline(-gate[i])) * up[i];
}

// With σ = sigmoid(gate):  dup = dy gate σ,  dgate = dy up σ (1 + gate (1 − σ)).
KERNEL void kernel_swiglu_backward(const float *gate, const float *up, const float *dy, float *restrict dgate,
                                   float *restrict dup, size_t n) {
    if (dgate && dup) {
        for (size_t i = 0; i < n; i++) {
            float sigmoid = 1.0f / (1.0f + exp_inline(-gate[i]));
            dgate[i] += dy[i] * up[i] * sigmoid * (1.0f + gate[i] * (1.0f - sigmoid));
            dup[i] += dy[i] * gate[i] * sigmoid;
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        float sigmoid = 1.0f / (1.0f + exp_inline(-gate[i]));
        if (dgate) dgate[i] += dy[i] * up[i] * sigmoid * (1.0f + gate[i] * (1.0f - sigmoid));
        if (dup) dup[i] += dy[i] * gate[i] * sigmoid;
    }
}

// ---- Scalar twins

void kernel_swiglu_reference(const float *gate, const float *up, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = (float)(gate[i] / (1.0 + exp(-(double)gate[i])) * up[i]);
}

void kernel_swiglu_backward_reference(const float *gate, const float *up, const float *dy, float *dgate,
                                      float *dup, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double g = gate[i], sigmoid = 1.0 / (1.0 + exp(-g));
        if (dgate) dgate[i] += (float)(dy[i] * (double)up[i] * sigmoid * (1.0 + g * (1.0 - sigmoid)));
        if (dup) dup[i] += (float)(dy[i] * g * sigmoid);
    }
}

KERNEL void kernel_rectify(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

KERNEL void kernel_rectify_backward(const float *y, const float *dy, float *dx, size_t n) {
    for (size_t i = 0; i < n; i++) dx[i] += y[i] > 0.0f ? dy[i] : 0.0f;
}

void kernel_rectify_reference(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = fmaxf(x[i], 0.0f);
}

void kernel_rectify_backward_reference(const float *y, const float *dy, float *dx, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (y[i] > 0.0f) dx[i] += dy[i];
}
