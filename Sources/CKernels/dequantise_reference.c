// Scalar twins of the block readers and writers: one value at a time, from its index.
#include "halves.h"

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

// The value's five bits in Q5_0 and Q5_1, whose fifth bits and nibbles follow the halves.
static int five_bits_reference(const uint8_t *bits, size_t j) {
    return (bits[4 + j % 16] >> (j < 16 ? 0 : 4) & 15) | (bits[j / 8] >> j % 8 & 1) << 4;
}

void kernel_dequantise_q5_0_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 32 * 22;
        y[i] = half_reference(block) * (float)(five_bits_reference(block + 2, i % 32) - 16);
    }
}

void kernel_dequantise_q5_1_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 32 * 24;
        float step = half_reference(block), least = half_reference(block + 2);
        y[i] = step * (float)five_bits_reference(block + 4, i % 32) + least;
    }
}

void kernel_dequantise_iq4_nl_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 32 * 18;
        int q = block[2 + i % 16] >> (i % 32 < 16 ? 0 : 4) & 15;
        y[i] = half_reference(block) * (float)kernel_iq4_values[q];
    }
}

// The two bits of value i of a block of 256, four values to a byte.
static int two_bits_reference(const uint8_t *bits, size_t i) {
    return bits[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3;
}

void kernel_dequantise_q2_k_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 256 * 84;
        int packed = block[i % 256 / 16];
        float step = half_reference(block + 80) * (float)(packed & 15);
        float least = half_reference(block + 82) * (float)(packed >> 4);
        y[i] = step * (float)two_bits_reference(block + 16, i % 256) - least;
    }
}

void kernel_dequantise_q3_k_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 256 * 110, *packed = block + 96;
        size_t within = i % 256, k = within / 16;
        int low = packed[k % 8] >> (k < 8 ? 0 : 4) & 15, high = packed[8 + k % 4] >> 2 * (k / 4) & 3;
        float step = half_reference(block + 108) * (float)((low | high << 4) - 32);
        int isWhole = block[within % 32] >> within / 32 & 1;
        y[i] = step * (float)(two_bits_reference(block + 32, within) - (isWhole ? 0 : 4));
    }
}

// Number `j` of the sixteen six-bit numbers of Q4_K and Q5_K: eight scales, then eight minima.
static int six_bits_reference(const uint8_t *packed, size_t j) {
    size_t isMinimum = j / 8, k = j % 8;
    if (k < 4) return packed[k + 4 * isMinimum] & 63;
    int low = packed[8 + k - 4] >> (isMinimum ? 4 : 0) & 15;
    return low | packed[k - 4 + 4 * isMinimum] >> 6 << 4;
}

static float q4_k_reference(const uint8_t *block, const uint8_t *nibbles, int high, size_t i) {
    int q = (nibbles[i / 64 * 32 + i % 32] >> (i / 32 % 2 ? 4 : 0) & 15) | high << 4;
    float step = half_reference(block) * (float)six_bits_reference(block + 4, i / 32);
    return step * (float)q - half_reference(block + 2) * (float)six_bits_reference(block + 4, 8 + i / 32);
}

void kernel_dequantise_q4_k_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 256 * 144;
        y[i] = q4_k_reference(block, block + 16, 0, i % 256);
    }
}

void kernel_dequantise_q5_k_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 256 * 176;
        size_t within = i % 256;
        y[i] = q4_k_reference(block, block + 48, block[16 + within % 32] >> within / 32 & 1, within);
    }
}

void kernel_dequantise_iq4_xs_reference(const uint8_t *blocks, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *block = blocks + i / 256 * 136;
        size_t run = i % 256 / 32;
        int low = block[4 + run / 2] >> (run % 2 ? 4 : 0) & 15;
        int high = block[2 + run / 4] >> 2 * (run % 4) & 3;
        int q = block[8 + 16 * run + i % 16] >> (i % 32 < 16 ? 0 : 4) & 15;
        y[i] = half_reference(block) * (float)((low | high << 4) - 32) * (float)kernel_iq4_values[q];
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

void kernel_quantise_bf16_reference(const float *x, uint8_t *halves, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        uint32_t upper = bits >> 16, rest = bits & 0xFFFFu;
        if (isnan(x[i])) upper |= 64;
        else if (rest > 0x8000u || (rest == 0x8000u && upper % 2 == 1)) upper++;
        halves[2 * i] = (uint8_t)upper;
        halves[2 * i + 1] = (uint8_t)(upper >> 8);
    }
}

void kernel_quantise_q8_0_reference(const float *x, uint8_t *blocks, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const float *first = x + i / 32 * 32;
        float largest = 0;
        for (size_t j = 0; j < 32; j++) largest = fmaxf(largest, fabsf(first[j]));
        float d = largest / 127.0f;
        uint8_t *block = blocks + i / 32 * 34;
        kernel_quantise_f16_reference(&d, block, 1);
        block[2 + i % 32] = (uint8_t)(int8_t)(d < 0x1p-126f ? 0 : roundf(x[i] * (1.0f / d)));
    }
}
