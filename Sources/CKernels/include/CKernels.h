// CKernels: the loops over elements that Swift cannot express fast.
//
// Conventions, for every function below:
//   - arrays are contiguous row-major float32 unless said; a matrix [rows, columns] holds row after row;
//   - pointers may be unaligned; outputs may not overlap inputs unless said; n = 0 and rows = 0 are allowed;
//   - a `…_backward` ADDS to its gradient outputs (+=); a NULL gradient output is skipped where said;
//   - one thread, unless it is said that those of the pool share the work; the same input gives the same bits on the
//     same CPU type: lanes are summed in a fixed order;
//   - on x86-64 Linux the loader picks the clone for AVX-512 (x86-64-v4), AVX2 (x86-64-v3) or the base
//     instruction set; clones differ in the last bits, because they fuse multiply and add differently;
//   - `…_reference` is the scalar twin: it documents the fast one and is its test oracle. It uses libm.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "attention_kernels.h"
#include "block_kernels.h"
#include "dequantise_kernels.h"
#include "graph_kernels.h"
#include "peak_kernels.h"
#include "pool_kernels.h"
#include "product_kernels.h"
#include "sampling_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- exp.c

/// y[i] = exp(x[i]); y may be x.
/// Relative error at most 2.5e-7 for x in [-87.33, 88.72]. Below -87.3365 the result is 0 (no subnormals),
/// above 88.7228 it is +inf; NaN stays NaN; exp(0) is exactly 1.
void kernel_exp(const float *x, float *y, size_t n);
void kernel_exp_reference(const float *x, float *y, size_t n);

// ---- quantise.c

/// float32 to IEEE binary16 (little endian), to the nearest, ties to even; beyond ±65504 it becomes ±65504, NaN
/// stays NaN.
void kernel_quantise_f16(const float *x, uint8_t *halves, size_t n);
void kernel_quantise_f16_reference(const float *x, uint8_t *halves, size_t n);
/// float32 to bfloat16 (little endian), to the nearest, ties to even; NaN stays NaN.
void kernel_quantise_bf16(const float *x, uint8_t *halves, size_t n);
void kernel_quantise_bf16_reference(const float *x, uint8_t *halves, size_t n);
/// float32 to Q8_0 with d = the largest magnitude / 127; every value finite and d at most 65504.
void kernel_quantise_q8_0(const float *x, uint8_t *blocks, size_t n);
void kernel_quantise_q8_0_reference(const float *x, uint8_t *blocks, size_t n);

// ---- merge.c

/// sum[i] += weight x[i], in double.
void kernel_add_weighted(const float *x, double weight, double *sum, size_t n);
void kernel_add_weighted_reference(const float *x, double weight, double *sum, size_t n);
/// y [rows, 4] = matrix [rows, columns] · probesᵀ [columns, 4], with the four vectors of `probes` one after another;
/// where `other` is not NULL, plus other [rows, columns] · other_probesᵀ.
void kernel_probe(const float *matrix, const float *probes, const float *other, const float *other_probes, float *y,
                  size_t rows, size_t columns);
void kernel_probe_reference(const float *matrix, const float *probes, const float *other, const float *other_probes,
                            float *y, size_t rows, size_t columns);
/// sketch[(first + i) mod length] += signs[i] x[i], with first < length.
void kernel_fold(const float *x, const int8_t *signs, size_t n, float *sketch, size_t length, size_t first);
void kernel_fold_reference(const float *x, const int8_t *signs, size_t n, float *sketch, size_t length,
                           size_t first);

// ---- elementwise.c

/// y[i] = a[i] + b[i]; y may be a or b.
void kernel_add(const float *a, const float *b, float *y, size_t n);
void kernel_add_reference(const float *a, const float *b, float *y, size_t n);
/// y[i] += scale x[i].
void kernel_add_scaled(const float *x, float scale, float *y, size_t n);
void kernel_add_scaled_reference(const float *x, float scale, float *y, size_t n);
/// y[i] += a[i] b[i].
void kernel_add_product(const float *a, const float *b, float *y, size_t n);
void kernel_add_product_reference(const float *a, const float *b, float *y, size_t n);
/// y[i] = scale x[i]; y may be x.
void kernel_scale(const float *x, float scale, float *y, size_t n);
void kernel_scale_reference(const float *x, float scale, float *y, size_t n);
/// y[r, c] = x[r, c] + v[c]; y may be x.
void kernel_add_vector(const float *x, const float *v, float *y, size_t rows, size_t columns);
void kernel_add_vector_reference(const float *x, const float *v, float *y, size_t rows, size_t columns);
/// v[c] += Σ_r x[r, c].
void kernel_sum_rows(const float *x, float *v, size_t rows, size_t columns);
void kernel_sum_rows_reference(const float *x, float *v, size_t rows, size_t columns);
/// y[r, :] = table[index[r], :]; every index must be in [0, rows of table): the caller checks.
void kernel_gather_rows(const float *table, const int32_t *index, float *y, size_t rows, size_t columns);
void kernel_gather_rows_reference(const float *table, const int32_t *index, float *y, size_t rows,
                                  size_t columns);
/// table[index[r], :] += scale x[r, :], in the order of r; indices may repeat; every index is in range.
void kernel_scatter_add_rows(const float *x, const int32_t *index, float scale, float *table, size_t rows,
                             size_t columns);
void kernel_scatter_add_rows_reference(const float *x, const int32_t *index, float scale, float *table,
                                       size_t rows, size_t columns);
/// y[r, c] = or += x[r, c], rows of `columns` values x_stride and y_stride apart.
void kernel_copy_rows(const float *x, size_t x_stride, float *y, size_t y_stride, int adds, size_t rows,
                      size_t columns);
void kernel_copy_rows_reference(const float *x, size_t x_stride, float *y, size_t y_stride, int adds, size_t rows,
                                size_t columns);
/// y[r, c] = or += scale[r] x[r, c].
void kernel_scale_rows(const float *x, const float *scale, int adds, float *y, size_t rows, size_t columns);
void kernel_scale_rows_reference(const float *x, const float *scale, int adds, float *y, size_t rows,
                                 size_t columns);
/// Σ x[i]², squared and summed in double.
double kernel_sum_of_squares(const float *x, size_t n);
double kernel_sum_of_squares_reference(const float *x, size_t n);
/// 1 if every value is finite (neither infinite nor NaN), else 0.
int kernel_all_finite(const float *x, size_t n);
int kernel_all_finite_reference(const float *x, size_t n);

// ---- norm.c

/// RMSNorm: inverse[r] = 1/√(mean_c x[r, c]² + epsilon), y[r, c] = x[r, c] inverse[r] weight[c].
/// Relative error at most 1e-5 for |x| in [1e-15, 1e15] (the squares must not leave float32). y may be x.
void kernel_rms_norm(const float *x, const float *weight, float epsilon, float *y, float *inverse,
                     size_t rows, size_t columns);
void kernel_rms_norm_reference(const float *x, const float *weight, float epsilon, float *y, float *inverse,
                               size_t rows, size_t columns);
/// dx += the gradient to x, dweight += the gradient to weight; either may be NULL.
void kernel_rms_norm_backward(const float *x, const float *weight, const float *inverse, const float *dy,
                              float *dx, float *dweight, size_t rows, size_t columns);
void kernel_rms_norm_backward_reference(const float *x, const float *weight, const float *inverse,
                                        const float *dy, float *dx, float *dweight, size_t rows,
                                        size_t columns);

/// LayerNorm: mean[r] = mean_c x[r, c], inverse[r] = 1/√(mean_c (x[r, c] − mean[r])² + epsilon),
/// y[r, c] = (x[r, c] − mean[r]) inverse[r] weight[c] + bias[c].
void kernel_layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y,
                       float *mean, float *inverse, size_t rows, size_t columns);
void kernel_layer_norm_reference(const float *x, const float *weight, const float *bias, float epsilon,
                                 float *y, float *mean, float *inverse, size_t rows, size_t columns);
/// dx +=, dweight +=, dbias += the gradients; each may be NULL.
void kernel_layer_norm_backward(const float *x, const float *weight, const float *mean, const float *inverse,
                                const float *dy, float *dx, float *dweight, float *dbias, size_t rows,
                                size_t columns);
void kernel_layer_norm_backward_reference(const float *x, const float *weight, const float *mean,
                                          const float *inverse, const float *dy, float *dx, float *dweight,
                                          float *dbias, size_t rows, size_t columns);

// ---- rope.c

/// Rotary position embedding, half-split layout: within each head of size D, the pair (i, i + D/2) turns by
/// the angle of row positions[r] of the tables cosine and sine [positions, D/2]. D is even; x is
/// [rows, heads · D]. Where only the first rotary_size = R elements of a head turn, R stands for D in this. direction +1 turns forward, −1 back (the transpose, which is the vjp). With
/// accumulate ≠ 0 the result is added to y.
void kernel_rope(const float *x, const int32_t *positions, const float *cosine, const float *sine,
                 float direction, int accumulate, float *y, size_t rows, size_t heads, size_t head_size,
                 size_t rotary_size);
void kernel_rope_reference(const float *x, const int32_t *positions, const float *cosine, const float *sine,
                           float direction, int accumulate, float *y, size_t rows, size_t heads,
                           size_t head_size, size_t rotary_size);

// ---- activation.c

/// SwiGLU: y[i] = gate[i] sigmoid(gate[i]) up[i]; y may be gate or up. Relative error at most 1e-6.
void kernel_swiglu(const float *gate, const float *up, float *y, size_t n);
void kernel_swiglu_reference(const float *gate, const float *up, float *y, size_t n);
/// ReLU: y[i] = max(x[i], 0); y may be x. NaN becomes 0.
void kernel_rectify(const float *x, float *y, size_t n);
void kernel_rectify_reference(const float *x, float *y, size_t n);
/// dx[i] += dy[i] where y[i] > 0, with y as kernel_rectify made it.
void kernel_rectify_backward(const float *y, const float *dy, float *dx, size_t n);
void kernel_rectify_backward_reference(const float *y, const float *dy, float *dx, size_t n);
/// dgate += …, dup += …; either may be NULL.
void kernel_swiglu_backward(const float *gate, const float *up, const float *dy, float *dgate, float *dup,
                            size_t n);
void kernel_swiglu_backward_reference(const float *gate, const float *up, const float *dy, float *dgate,
                                      float *dup, size_t n);

/// GEGLU with GELU by tanh: y[i] = g(gate[i]) up[i], g(x) = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2; y may be
/// gate or up. Absolute error of g at most 2e-7 max(1, |x|).
void kernel_geglu(const float *gate, const float *up, float *y, size_t n);
void kernel_geglu_reference(const float *gate, const float *up, float *y, size_t n);
/// dgate += …, dup += …; either may be NULL.
void kernel_geglu_backward(const float *gate, const float *up, const float *dy, float *dgate, float *dup, size_t n);
void kernel_geglu_backward_reference(const float *gate, const float *up, const float *dy, float *dgate,
                                     float *dup, size_t n);

/// Soft cap: y[i] = factor tanh(x[i]), and its slope 1 − tanh² unless `slope` is NULL; y may be x.
/// Relative error at most 5e-7.
void kernel_soft_cap(const float *x, float factor, float *y, float *slope, size_t n);
void kernel_soft_cap_reference(const float *x, float factor, float *y, float *slope, size_t n);

/// GELU, the exact one: y[i] = x[i] Φ(x[i]), and its slope Φ(x) + x φ(x) unless `slope` is NULL. Absolute error at
/// most 2e-7 max(1, |x|) in both. NaN stays NaN.
void kernel_gelu(const float *x, float *y, float *slope, size_t n);
void kernel_gelu_reference(const float *x, float *y, float *slope, size_t n);
/// ELU with α = 1: y[i] = x[i] if positive, else e^x[i] − 1; y may be x. Absolute error at most 2e-7.
void kernel_elu(const float *x, float *y, size_t n);
void kernel_elu_reference(const float *x, float *y, size_t n);
/// dx[i] += dy[i] times the slope, which is 1 where y[i] > 0, else y[i] + 1.
void kernel_elu_backward(const float *y, const float *dy, float *dx, size_t n);
void kernel_elu_backward_reference(const float *y, const float *dy, float *dx, size_t n);

// ---- softmax.c: over rows of logits x [rows, columns], columns ≥ 1

/// lse[r] = log Σ_c exp(x[r, c]), by way of the row's maximum. Absolute error at most 1e-6 (1 + |lse|) for
/// rows of up to 2^20 columns. A row of −inf gives −inf; a row with NaN gives NaN.
void kernel_log_sum_exp(const float *x, float *lse, size_t rows, size_t columns);
void kernel_log_sum_exp_reference(const float *x, float *lse, size_t rows, size_t columns);
/// x[r, c] = factor[r] exp(x[r, c] − lse[r]), in place.
void kernel_softmax_scaled(float *x, const float *lse, const float *factor, size_t rows, size_t columns);
void kernel_softmax_scaled_reference(float *x, const float *lse, const float *factor, size_t rows,
                                     size_t columns);
/// x[r, c] = exp(x[r, c] − the row's largest) in place, sum[r] = Σ_c of that, lse[r] as kernel_log_sum_exp; entropy and
/// best as kernel_row_statistics, or NULL.
void kernel_softmax_sums(float *x, float *sum, float *lse, float *entropy, int32_t *best, size_t rows,
                         size_t columns);
void kernel_softmax_sums_reference(float *x, float *sum, float *lse, float *entropy, int32_t *best, size_t rows,
                                   size_t columns);
/// entropy[r] = −Σ_c p log p in nats with p = exp(x − lse); absolute error at most 2e-6 (1 + |lse|).
/// best[r] = the first column of the largest logit.
void kernel_row_statistics(const float *x, const float *lse, float *entropy, int32_t *best, size_t rows,
                           size_t columns);
void kernel_row_statistics_reference(const float *x, const float *lse, float *entropy, int32_t *best,
                                     size_t rows, size_t columns);

// ---- adamw.c

/// One AdamW step (Loshchilov and Hutter 2019) as PyTorch computes it, for one parameter of n values:
///   m += complement1 (g − m);  v = beta2 v + complement2 g²;
///   p = keep p − size m / (√v / correction2_root + epsilon)
/// with, for step t and in double: keep = 1 − rate decay, complement_k = 1 − beta_k, size = rate / (1 −
/// beta1^t), correction2_root = √(1 − beta2^t).
typedef struct {
    float keep, size, complement1, beta2, complement2, correction2_root, epsilon;
} kernel_adamw_step;
void kernel_adamw(const kernel_adamw_step *step, const float *g, float *p, float *m, float *v, size_t n);
void kernel_adamw_reference(const kernel_adamw_step *step, const float *g, float *p, float *m, float *v,
                            size_t n);

#ifdef __cplusplus
}
#endif
