// Blocks of 32 values, laid out as in ggml's ggml-common.h (block_q4_0 and so on), and 16-bit numbers.
#include "halves.h"

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

// The fifth bits of all 32 values are one word: bit j is value j's.
KERNEL void kernel_dequantise_q5_0(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 32; b++, blocks += 22, y += 32) {
        float d = half_to_float(bits16(blocks));
        uint32_t high = bits16(blocks + 2) | bits16(blocks + 4) << 16;
        const uint8_t *q = blocks + 6;
        for (int j = 0; j < 16; j++) {
            y[j] = d * (float)((int)((q[j] & 15u) | (high >> j & 1) << 4) - 16);
            y[j + 16] = d * (float)((int)(q[j] >> 4 | (high >> (j + 16) & 1) << 4) - 16);
        }
    }
}

KERNEL void kernel_dequantise_q5_1(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 32; b++, blocks += 24, y += 32) {
        float d = half_to_float(bits16(blocks)), m = half_to_float(bits16(blocks + 2));
        uint32_t high = bits16(blocks + 4) | bits16(blocks + 6) << 16;
        const uint8_t *q = blocks + 8;
        for (int j = 0; j < 16; j++) {
            y[j] = d * (float)((q[j] & 15u) | (high >> j & 1) << 4) + m;
            y[j + 16] = d * (float)(q[j] >> 4 | (high >> (j + 16) & 1) << 4) + m;
        }
    }
}

const int8_t kernel_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

KERNEL void kernel_dequantise_iq4_nl(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 32; b++, blocks += 18, y += 32) {
        float d = half_to_float(bits16(blocks));
        const uint8_t *q = blocks + 2;
        for (int j = 0; j < 16; j++) {
            y[j] = d * (float)kernel_iq4_values[q[j] & 15];
            y[j + 16] = d * (float)kernel_iq4_values[q[j] >> 4];
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
