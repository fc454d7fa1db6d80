// Kernels that widen blocks of GGUF (ggml) files; the conventions are those of CKernels.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- dequantise.c, dequantise_k.c: GGUF (ggml) blocks to float32. `n` counts values and must be a multiple of
// the block. Every step but the last is exact, so that all ways of computing a value agree in every bit.

/// Q4_0: 32 values in 18 bytes: half d, 16 bytes; value j = d (low nibble of byte j − 8), value 16 + j = the
/// same with the high nibble.
void kernel_dequantise_q4_0(const uint8_t *blocks, float *y, size_t n);
/// Q4_1: 32 values in 20 bytes: half d, half m, 16 bytes; value j = d low + m, value 16 + j = d high + m.
void kernel_dequantise_q4_1(const uint8_t *blocks, float *y, size_t n);
/// Q5_0: 32 values in 22 bytes: half d, 32 fifth bits, nibbles as Q4_0; value = d (q − 16).
void kernel_dequantise_q5_0(const uint8_t *blocks, float *y, size_t n);
/// Q5_1: 32 values in 24 bytes: half d, half m, 32 fifth bits, nibbles; value = d q + m.
void kernel_dequantise_q5_1(const uint8_t *blocks, float *y, size_t n);
/// Q8_0: 32 values in 34 bytes: half d, int8 q[32]; value = d q.
void kernel_dequantise_q8_0(const uint8_t *blocks, float *y, size_t n);
/// IQ4_NL: 32 values in 18 bytes: half d, nibbles as Q4_0; value = d kernel_iq4_values[q].
void kernel_dequantise_iq4_nl(const uint8_t *blocks, float *y, size_t n);
/// Q2_K: 256 values in 84 bytes: nibbles of scale and minimum [16], qs[64], half d, half m; value = d scale
/// q − m minimum.
void kernel_dequantise_q2_k(const uint8_t *blocks, float *y, size_t n);
/// Q3_K: 256 values in 110 bytes: hmask[32], qs[64], scales[12], half d; value = d (scale − 32) (q − 4
/// where the mask has no bit).
void kernel_dequantise_q3_k(const uint8_t *blocks, float *y, size_t n);
/// Q4_K: 256 values in 144 bytes: half d, half m, scales and minima [12], qs[128]; value = d scale q − m
/// minimum.
void kernel_dequantise_q4_k(const uint8_t *blocks, float *y, size_t n);
/// Q5_K: 256 values in 176 bytes: half d, half m, scales and minima [12], qh[32], qs[128]; value as Q4_K.
void kernel_dequantise_q5_k(const uint8_t *blocks, float *y, size_t n);
/// Q6_K: 256 values in 210 bytes: ql[128], qh[64], int8 scales[16], half d; value = d scale (6-bit q − 32).
void kernel_dequantise_q6_k(const uint8_t *blocks, float *y, size_t n);
/// IQ4_XS: 256 values in 136 bytes: half d, upper scale bits (16), scales[4], qs[128]; value = d
/// (scale − 32) kernel_iq4_values[q].
void kernel_dequantise_iq4_xs(const uint8_t *blocks, float *y, size_t n);
/// IEEE binary16 (little endian) to float32, exact, subnormals, infinities and NaN included.
void kernel_dequantise_f16(const uint8_t *blocks, float *y, size_t n);
/// bfloat16 (little endian) to float32, exact.
void kernel_dequantise_bf16(const uint8_t *blocks, float *y, size_t n);
/// The sixteen values of IQ4_NL and IQ4_XS.
extern const int8_t kernel_iq4_values[16];
void kernel_dequantise_q4_0_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q4_1_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q5_0_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q5_1_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q8_0_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_iq4_nl_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q2_k_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q3_k_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q4_k_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q5_k_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_q6_k_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_iq4_xs_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_f16_reference(const uint8_t *blocks, float *y, size_t n);
void kernel_dequantise_bf16_reference(const uint8_t *blocks, float *y, size_t n);

#ifdef __cplusplus
}
#endif
