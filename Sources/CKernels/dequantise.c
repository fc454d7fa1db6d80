// Block layouts as in ggml's ggml-quants.c (block_q8_0, block_q4_0, block_q4_1, block_q6_K).
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

KERNEL void kernel_dequantise_q8_0(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 32; b++, blocks += 34, y += 32) {
        float d = half_to_float(bits16(blocks));
        const int8_t *q = (const int8_t *)(blocks + 2);
        for (int j = 0; j < 32; j++) y[j] = d * (float)q[j];
    }
}

KERNEL void kernel_dequantise_q4_0(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 32; b++, blocks += 18, y += 32) {
        float d = half_to_float(bits16(blocks));
        const uint8_t *q = blocks + 2;
        for (int j = 0; j < 16; j++) {
            y[j] = d * (float)((int)(q[j] & 15) - 8);
            y[j + 16] = d * (float)((int)(q[j] >> 4) - 8);
        }
    }
}

KERNEL void kernel_dequantise_q4_1(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 32; b++, blocks += 20, y += 32) {
        float d = half_to_float(bits16(blocks)), m = half_to_float(bits16(blocks + 2));
        const uint8_t *q = blocks + 4;
        for (int j = 0; j < 16; j++) {
            y[j] = d * (float)(q[j] & 15) + m;
            y[j + 16] = d * (float)(q[j] >> 4) + m;
        }
    }
}

// Two halves of 128 values; in each, byte l of ql serves values l and l + 64, byte l + 32 values l + 32 and l
// + 96, and the four bit pairs of qh[l] are the upper bits of those four; sixteen values share a scale.
KERNEL void kernel_dequantise_q6_k(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 256; b++, blocks += 210) {
        const int8_t *scales = (const int8_t *)(blocks + 192);
        float d = half_to_float(bits16(blocks + 208));
        for (int part = 0; part < 2; part++, y += 128) {
            const uint8_t *ql = blocks + 64 * part, *qh = blocks + 128 + 32 * part;
            const int8_t *s = scales + 8 * part;
            for (int l = 0; l < 32; l++) {
                int group = l / 16;
                int q0 = (ql[l] & 15) | (qh[l] & 3) << 4;
                int q1 = (ql[l + 32] & 15) | (qh[l] >> 2 & 3) << 4;
                int q2 = ql[l] >> 4 | (qh[l] >> 4 & 3) << 4;
                int q3 = ql[l + 32] >> 4 | (qh[l] >> 6) << 4;
                y[l] = d * s[group] * (float)(q0 - 32);
                y[l + 32] = d * s[group + 2] * (float)(q1 - 32);
                y[l + 64] = d * s[group + 4] * (float)(q2 - 32);
                y[l + 96] = d * s[group + 6] * (float)(q3 - 32);
            }
        }
    }
}

KERNEL void kernel_dequantise_f16(const uint8_t *halves, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = half_to_float(bits16(halves + 2 * i));
}

KERNEL void kernel_dequantise_bf16(const uint8_t *halves, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = bits16(halves + 2 * i) << 16;
        memcpy(y + i, &bits, 4);
    }
}

// ---- Scalar twins: one value at a time, from its index.

static float half_reference(const uint8_t *p) {
    uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
    float sign = h >> 15 ? -1.0f : 1.0f;
    if (exponent == 31) return fraction ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(1024 + fraction), exponent - 25);
}

void kernel_dequantise_q8_0_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 32 * 34;
        y[i] = half_reference(block) * (float)(int8_t)block[2 + i % 32];
    }
}

void kernel_dequantise_q4_0_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 32 * 18;
        int q = block[2 + i % 16] >> (i % 32 < 16 ? 0 : 4) & 15;
        y[i] = half_reference(block) * (float)(q - 8);
    }
}

void kernel_dequantise_q4_1_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 32 * 20;
        int q = block[4 + i % 16] >> (i % 32 < 16 ? 0 : 4) & 15;
        y[i] = half_reference(block) * (float)q + half_reference(block + 2);
    }
}

void kernel_dequantise_q6_k_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 256 * 210;
        size_t part = i % 256 / 128, within = i % 128, quarter = within / 32, l = within % 32;
        int low = block[64 * part + l + 32 * (quarter & 1)] >> (quarter < 2 ? 0 : 4) & 15;
        int high = block[128 + 32 * part + l] >> (2 * quarter) & 3;
        int scale = (int8_t)block[192 + i % 256 / 16];
        y[i] = half_reference(block + 208) * (float)scale * (float)((low | high << 4) - 32);
    }
}

void kernel_dequantise_f16_reference(const uint8_t *halves, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = half_reference(halves + 2 * i);
}

void kernel_dequantise_bf16_reference(const uint8_t *halves, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int high = halves[2 * i + 1], low = halves[2 * i];
        int exponent = (high & 127) << 1 | low >> 7, fraction = low & 127;
        float sign = high >> 7 ? -1.0f : 1.0f;
        if (exponent == 255) y[i] = fraction ? NAN : sign * INFINITY;
        else if (exponent == 0) y[i] = sign * ldexpf((float)fraction, -133);
        else y[i] = sign * ldexpf((float)(128 + fraction), exponent - 134);
    }
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

KERNEL void kernel_quantise_f16(const float *x, uint8_t *halves, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint16_t half = (uint16_t)float_to_half(x[i]);
        memcpy(halves + 2 * i, &half, 2);
    }
}

void kernel_quantise_f16_reference(const float *x, uint8_t *halves, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float value = fabsf(x[i]);
        uint32_t half;
        if (isnan(value)) {
            half = 0x7E00u;
        } else if (value >= 65504.0f) {
            half = 0x7BFFu;
        } else if (value == 0.0f) {
            half = 0;
        } else {
            int exponent;
            frexpf(value, &exponent);  // value = m 2^exponent, m in [0.5, 1)
            if (exponent < -13) exponent = -13;
            long steps = lrintf(ldexpf(value, 11 - exponent));  // ties to even
            half = (uint32_t)((exponent + 13) * 1024 + steps);
        }
        half |= signbit(x[i]) ? 0x8000u : 0u;
        halves[2 * i] = (uint8_t)half;
        halves[2 * i + 1] = (uint8_t)(half >> 8);
    }
}
