// Shared by the .c files: the dispatch attribute, sixteen lanes, and the vector exponential.
#pragma once

#include <math.h>
#include <string.h>

#include "CKernels.h"

// The loader resolves a cloned function once, to the best clone for the CPU. Inlined helpers take the clone's
// instruction set; anything that is called rather than inlined would not, hence always_inline.
#if defined(__x86_64__) && defined(__linux__)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif
// For loops over `lanes`: the compiler then keeps sixteen floats in one register where there are such registers,
// which it does not by itself.
#define WIDE __attribute__((min_vector_width(512)))
#define INLINE static inline __attribute__((always_inline))

// Sixteen floats; the compiler splits them where registers are narrower. Passed by pointer only: passing
// vectors by value between functions changes the calling convention from clone to clone.
typedef float lanes __attribute__((ext_vector_type(16)));

INLINE void load(lanes *v, const float *p) { memcpy(v, p, sizeof *v); }
INLINE void store(float *p, const lanes *v) { memcpy(p, v, sizeof *v); }

// Loads the first `count` < 16 lanes and fills the rest.
INLINE void load_part(lanes *v, const float *p, size_t count, float fill) {
    float part[16];
    for (size_t i = 0; i < 16; i++) part[i] = i < count ? p[i] : fill;
    memcpy(v, part, sizeof *v);
}

// The lanes summed pairwise, always in the same order.
INLINE float lanes_sum(const lanes *v) {
    float s[16];
    memcpy(s, v, sizeof s);
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; i++) s[i] += s[i + width];
    return s[0];
}

// The plain sum of products in double, for the scalar twins.
double kernel_dot_reference(const float *a, const float *b, size_t n);

// exp as in Cephes' expf: x = n ln 2 + r with |r| ≤ ln 2 / 2, exp(r) by a polynomial of degree 7, times 2ⁿ in
// two factors (one alone overflows at n = 128). Adding 1.5·2²³ rounds to an integer, left in the low bits.
INLINE float exp_inline(float x) {
    const float shift = 0x1.8p23f;
    float shifted = x * 1.44269504088896341f + shift;
    uint32_t bits;
    memcpy(&bits, &shifted, 4);
    int32_t n = (int32_t)(bits - 0x4B400000u);
    float whole = shifted - shift;
    float r = x - whole * 0.693359375f;
    r = r - whole * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    int32_t half = n >> 1;
    uint32_t first = ((uint32_t)half + 127u) << 23, second = ((uint32_t)(n - half) + 127u) << 23;
    float low, high;
    memcpy(&low, &first, 4);
    memcpy(&high, &second, 4);
    float y = p * low * high;
    y = x < -87.3365f ? 0.0f : y;
    return x > 88.7228f ? INFINITY : y;
}

// tanh: an odd polynomial below 0.625 (Cephes' tanhf), 1 − 2 / (e^2|x| + 1) above; a relative error of at most 4e-7.
INLINE float tanh_inline(float x) {
    float size = fabsf(x), square = x * x;
    float p = -5.70498872745e-3f;
    p = p * square + 2.06390887954e-2f;
    p = p * square - 5.37397155531e-2f;
    p = p * square + 1.33314422036e-1f;
    p = p * square - 3.33332819422e-1f;
    float near = p * square * x + x;
    float far = copysignf(1.0f - 2.0f / (exp_inline(2.0f * size) + 1.0f), x);
    return size < 0.625f ? near : far;
}

// The largest of a row; NaN lanes are skipped here and come back through the sum of exponentials.
INLINE float row_maximum(const float *x, size_t n) {
    lanes best = -INFINITY, v;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        load(&v, x + i);
        best = v > best ? v : best;
    }
    load_part(&v, x + i, n - i, -INFINITY);
    best = v > best ? v : best;
    float largest = best[0];
    for (int lane = 1; lane < 16; lane++) largest = best[lane] > largest ? best[lane] : largest;
    return largest;
}
