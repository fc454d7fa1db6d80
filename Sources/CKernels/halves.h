// What the files that read and write blocks share: binary16 as bits, and the scales of K-quants.
#pragma once

#include "kernel.h"

INLINE uint32_t bits16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

// binary16 → binary32 without branches: the exponent is moved by a multiplication, which also normalises
// subnormals; infinities and NaN get the exponent they lost.
INLINE float half_to_float(uint32_t h) {
    uint32_t magnitude = (h & 0x7FFFu) << 13;
    float value;
    memcpy(&value, &magnitude, 4);
    value *= 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bits |= (h & 0x7C00u) == 0x7C00u ? 0x7F800000u : 0u;
    bits |= (h & 0x8000u) << 16;
    memcpy(&value, &bits, 4);
    return value;
}

// binary32 → binary16 without branches: multiplying by 2^-112 makes the subnormals of binary16 those of
// binary32, so that one integer rounding (to the nearest, ties to even) serves all.
INLINE uint32_t float_to_half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    uint32_t nan = magnitude > 0x7F800000u;
    float value;
    memcpy(&value, &magnitude, 4);
    value = value > 65504.0f ? 65504.0f : value;
    value *= 0x1p-112f;
    memcpy(&magnitude, &value, 4);
    magnitude += 0x0FFFu + ((magnitude >> 13) & 1u);
    return sign | (nan ? 0x7E00u : magnitude >> 13);
}

// Scale j and minimum j of six bits each from twelve bytes: the first four whole in bytes j and j + 4, the upper
// bits of the last four above them, their lower bits in bytes 8 to 11.
INLINE void scale_and_minimum(const uint8_t *s, int j, float *scale, float *minimum) {
    if (j < 4) {
        *scale = (float)(s[j] & 63);
        *minimum = (float)(s[j + 4] & 63);
    } else {
        *scale = (float)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
        *minimum = (float)(s[j + 4] >> 4 | (s[j] >> 6) << 4);
    }
}
