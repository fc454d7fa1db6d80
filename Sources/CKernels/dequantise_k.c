// Blocks of 256 values, laid out as in ggml's ggml-common.h (block_q2_K and so on).
#include "halves.h"

// Sixteen values share a scale and a minimum of four bits each. Two halves of 128 values; in each, the four bit
// pairs of byte l serve values l, l + 32, l + 64 and l + 96.
KERNEL void kernel_dequantise_q2_k(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 256; b++, blocks += 84) {
        float d = half_to_float(bits16(blocks + 80)), m = half_to_float(bits16(blocks + 82));
        for (int run = 0; run < 8; run++, y += 32) {
            const uint8_t *q = blocks + 16 + 32 * (run / 4), *s = blocks + 2 * run;
            int shift = 2 * (run % 4);
            for (int half = 0; half < 32; half += 16) {
                float scale = d * (float)(s[half / 16] & 15), minimum = m * (float)(s[half / 16] >> 4);
                for (int l = half; l < half + 16; l++) y[l] = scale * (float)(q[l] >> shift & 3) - minimum;
            }
        }
    }
}

// As Q2_K without minima; what bit `run` of hmask[l] leaves out is 4. The sixteen scales have their four low bits
// in the nibbles of eight bytes and their two high bits in the four pairs of four bytes.
KERNEL void kernel_dequantise_q3_k(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 256; b++, blocks += 110) {
        const uint8_t *packed = blocks + 96;
        float d = half_to_float(bits16(blocks + 108)), scales[16];
        for (int k = 0; k < 16; k++) {
            int low = packed[k % 8] >> 4 * (k / 8) & 15, high = packed[8 + k % 4] >> 2 * (k / 4) & 3;
            scales[k] = d * (float)((low | high << 4) - 32);
        }
        for (int run = 0; run < 8; run++, y += 32) {
            const uint8_t *q = blocks + 32 + 32 * (run / 4);
            int shift = 2 * (run % 4);
            for (int half = 0; half < 32; half += 16) {
                float scale = scales[2 * run + half / 16];
                for (int l = half; l < half + 16; l++) {
                    int value = (q[l] >> shift & 3) - 4 + (blocks[l] >> run & 1) * 4;
                    y[l] = scale * (float)value;
                }
            }
        }
    }
}

// 32 values share a scale and a minimum; the nibbles of 32 bytes serve two runs.
KERNEL void kernel_dequantise_q4_k(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 256; b++, blocks += 144) {
        float d = half_to_float(bits16(blocks)), m = half_to_float(bits16(blocks + 2));
        for (int run = 0; run < 8; run++, y += 32) {
            const uint8_t *q = blocks + 16 + 32 * (run / 2);
            int shift = 4 * (run % 2);
            float scale, minimum;
            scale_and_minimum(blocks + 4, run, &scale, &minimum);
            scale *= d;
            minimum *= m;
            for (int l = 0; l < 32; l++) y[l] = scale * (float)(q[l] >> shift & 15) - minimum;
        }
    }
}

// As Q4_K with a fifth bit: bit `run` of qh[l].
KERNEL void kernel_dequantise_q5_k(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 256; b++, blocks += 176) {
        float d = half_to_float(bits16(blocks)), m = half_to_float(bits16(blocks + 2));
        for (int run = 0; run < 8; run++, y += 32) {
            const uint8_t *high = blocks + 16, *q = blocks + 48 + 32 * (run / 2);
            int shift = 4 * (run % 2);
            float scale, minimum;
            scale_and_minimum(blocks + 4, run, &scale, &minimum);
            scale *= d;
            minimum *= m;
            for (int l = 0; l < 32; l++) {
                int value = (q[l] >> shift & 15) | (high[l] >> run & 1) << 4;
                y[l] = scale * (float)value - minimum;
            }
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

// 32 values share a scale of six bits, four low ones in a nibble and two high ones in a pair of one word.
KERNEL void kernel_dequantise_iq4_xs(const uint8_t *blocks, float *y, size_t n) {
    for (size_t b = 0; b < n / 256; b++, blocks += 136) {
        float d = half_to_float(bits16(blocks));
        int upper = (int)bits16(blocks + 2);
        for (int run = 0; run < 8; run++, y += 32) {
            const uint8_t *q = blocks + 8 + 16 * run;
            int scale = (blocks[4 + run / 2] >> 4 * (run % 2) & 15) | (upper >> 2 * run & 3) << 4;
            float step = d * (float)(scale - 32);
            for (int j = 0; j < 16; j++) {
                y[j] = step * (float)kernel_iq4_values[q[j] & 15];
                y[j + 16] = step * (float)kernel_iq4_values[q[j] >> 4];
            }
        }
    }
}
