// float32 to 16-bit numbers and to blocks.
#include "halves.h"

KERNEL void kernel_quantise_f16(const float *x, uint8_t *halves, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint16_t half = (uint16_t)float_to_half(x[i]);
        memcpy(halves + 2 * i, &half, 2);
    }
}

// To the nearest, ties to even; a NaN stays one.
KERNEL void kernel_quantise_bf16(const float *x, uint8_t *halves, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        uint32_t quiet = (bits & 0xFFFF0000u) | 0x400000u;
        uint32_t rounded = bits + 0x7FFFu + (bits >> 16 & 1);
        uint16_t half = (uint16_t)(((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded) >> 16);
        memcpy(halves + 2 * i, &half, 2);
    }
}

// The largest magnitude of a block becomes ±127, halves round away from zero.
KERNEL void kernel_quantise_q8_0(const float *x, uint8_t *blocks, size_t n) {
    for (size_t b = 0; b < n / 32; b++, blocks += 34, x += 32) {
        float largest = 0;
        for (int j = 0; j < 32; j++) {
            float magnitude = fabsf(x[j]);
            largest = magnitude > largest ? magnitude : largest;
        }
        float d = largest / 127.0f, inverse = d < 0x1p-126f ? 0 : 1.0f / d;
        uint16_t half = (uint16_t)float_to_half(d);
        memcpy(blocks, &half, 2);
        for (int j = 0; j < 32; j++) {
            float q = x[j] * inverse, magnitude = fabsf(q), whole = floorf(magnitude);
            whole += magnitude - whole >= 0.5f ? 1.0f : 0.0f;
            blocks[2 + j] = (uint8_t)(int8_t)(q < 0 ? -whole : whole);
        }
    }
}
