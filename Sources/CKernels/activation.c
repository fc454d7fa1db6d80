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

// Φ(x) = (1 + erf(x / √2)) / 2 by Abramowitz and Stegun, 7.1.26: erf(z) = 1 − P(t) e^(−z²) for z ≥ 0, with
// t = 1 / (1 + 0.3275911 z) and P of degree 5. One exponential serves Φ and its slope φ(x) = e^(−x²/2) / √(2π).
INLINE void normal(float x, float *cumulative, float *density) {
    float z = fabsf(x) * 0.70710678118654752f;
    float t = 1.0f / (1.0f + 0.3275911f * z);
    float bell = exp_inline(-z * z);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float tail = 0.5f * p * t * bell;
    *cumulative = x < 0.0f ? tail : 1.0f - tail;
    *density = 0.39894228040143268f * bell;
}

KERNEL void kernel_gelu(const float *restrict x, float *restrict y, float *restrict slope, size_t n) {
    float cumulative, density;
    if (slope) {
        for (size_t i = 0; i < n; i++) {
            normal(x[i], &cumulative, &density);
            y[i] = x[i] * cumulative;
            slope[i] = cumulative + x[i] * density;
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        normal(x[i], &cumulative, &density);
        y[i] = x[i] * cumulative;
    }
}

KERNEL void kernel_soft_cap(const float *x, float factor, float *y, float *restrict slope, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float t = tanh_inline(x[i]);
        y[i] = factor * t;
        if (slope) slope[i] = 1.0f - t * t;
    }
}

// With t = tanh(u), u = √(2/π) (x + 0.044715 x³):  g = x (1 + t) / 2,  g' = (1 + t) / 2 + x (1 − t²) u' / 2.
INLINE float gelu_tanh(float x, float *slope) {
    float square = x * x, t = tanh_inline(0.7978845608f * x * (1.0f + 0.044715f * square));
    float half = 0.5f * (1.0f + t);
    *slope = half + 0.5f * x * (1.0f - t * t) * 0.7978845608f * (1.0f + 0.134145f * square);
    return x * half;
}

KERNEL void kernel_geglu(const float *gate, const float *up, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float slope;
        y[i] = gelu_tanh(gate[i], &slope) * up[i];
    }
}

KERNEL void kernel_geglu_backward(const float *gate, const float *up, const float *dy, float *restrict dgate,
                                  float *restrict dup, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float slope, g = gelu_tanh(gate[i], &slope);
        if (dgate) dgate[i] += dy[i] * up[i] * slope;
        if (dup) dup[i] += dy[i] * g;
    }
}

KERNEL void kernel_elu(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float below = exp_inline(x[i]) - 1.0f;
        y[i] = x[i] > 0.0f ? x[i] : below;
    }
}

KERNEL void kernel_elu_backward(const float *y, const float *dy, float *dx, size_t n) {
    for (size_t i = 0; i < n; i++) dx[i] += dy[i] * (y[i] > 0.0f ? 1.0f : y[i] + 1.0f);
}

void kernel_gelu_reference(const float *x, float *y, float *slope, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double v = x[i], cumulative = 0.5 * erfc(-v / sqrt(2.0));
        y[i] = (float)(v * cumulative);
        if (slope) slope[i] = (float)(cumulative + v * exp(-0.5 * v * v) / sqrt(8.0 * atan(1.0)));
    }
}

void kernel_elu_reference(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0.0f ? x[i] : (float)expm1((double)x[i]);
}

void kernel_elu_backward_reference(const float *y, const float *dy, float *dx, size_t n) {
    for (size_t i = 0; i < n; i++) dx[i] += y[i] > 0.0f ? dy[i] : (float)(dy[i] * ((double)y[i] + 1.0));
}

void kernel_soft_cap_reference(const float *x, float factor, float *y, float *slope, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double t = tanh((double)x[i]);
        y[i] = (float)(factor * t);
        if (slope) slope[i] = (float)(1 - t * t);
    }
}

static double gelu_tanh_reference(double x, double *slope) {
    double root = sqrt(2 / M_PI), t = tanh(root * (x + 0.044715 * x * x * x));
    *slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x);
    return 0.5 * x * (1 + t);
}

void kernel_geglu_reference(const float *gate, const float *up, float *y, size_t n) {
    double slope;
    for (size_t i = 0; i < n; i++) y[i] = (float)(gelu_tanh_reference(gate[i], &slope) * up[i]);
}

void kernel_geglu_backward_reference(const float *gate, const float *up, const float *dy, float *dgate,
                                     float *dup, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double slope, g = gelu_tanh_reference(gate[i], &slope);
        if (dgate) dgate[i] += (float)(dy[i] * (double)up[i] * slope);
        if (dup) dup[i] += (float)(dy[i] * g);
    }
}
