// Kernels of attention in sequences: softmax attention, products of scores, HyperAttention; the conventions are those of
// CKernels.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- attention.c: causal softmax attention with grouped-query heads over a packed batch, and its gradients

/// The rows of one segment within the batch, and those of its prefix. Row i of the segment attends to all of the prefix and
/// to its own rows up to i.
typedef struct {
    size_t first, rows;
    size_t prefix_first, prefix_rows;
} kernel_attention_place;

/// A batch of N rows: q [N, heads head_size], k and v [N, key_value_heads head_size]; query head h reads key-value head
/// h / (heads / key_value_heads). head_size is a multiple of 16. With a window w > 0 a row sees the last w only of the rows
/// that it could see, its own included. With a cap c > 0 scores are soft-capped: c tanh(scale q·k / c). `keys` and `values`
/// hold k and v transposed head by head, each [head_size, stride]; `values` is for the gradients alone. `wide` chooses
/// the sizes of tiles: 1 where there are 32 registers of sixteen floats (AVX-512), else 0.
typedef struct {
    size_t heads, key_value_heads, head_size, stride;
    int wide;
    float scale;    // of the scores; 1/√head_size
    float cap;      // 0: none
    size_t window;  // 0: none
    const float *q, *k, *v, *keys, *values;
} kernel_attention_batch;

/// The stride of transposed heads of `rows` rows.
size_t kernel_attention_stride(size_t rows);
/// Transposes head number `head` of x [rows, heads size] to [size, stride]; size is a multiple of 16.
void kernel_attention_transpose(const float *x, size_t rows, size_t heads, size_t size, size_t head, float *to);
/// Query head `head` of one segment: out as q; lse [N, heads] = log of the sum of exponentials of the scores, or NULL.
/// Memory for some rows of scores belongs to the thread that calls.
void kernel_attention(const kernel_attention_batch *batch, const kernel_attention_place *place, size_t head,
                      float *out, float *lse);
void kernel_attention_reference(const kernel_attention_batch *batch, const kernel_attention_place *place,
                                size_t head, float *out, float *lse);
/// The gradients from one query head, all +=. Recomputes the probabilities from lse. `out` is the forward result (its
/// product with dout is the softmax's correction term), laid out as q like dout and dq; dq may be NULL. The others are of
/// this head's keys and values: a row of head_size values every `stride` floats, those of the prefix and those of the
/// segment's own rows; the four may be NULL together (the prefix ones also when there is no prefix).
typedef struct {
    const float *out, *lse, *dout;
    float *dq, *dprefix_keys, *dprefix_values, *down_keys, *down_values;
    size_t stride;
} kernel_attention_gradients;
void kernel_attention_backward(const kernel_attention_batch *batch, const kernel_attention_place *place,
                               size_t head, const kernel_attention_gradients *gradients);
void kernel_attention_backward_reference(const kernel_attention_batch *batch, const kernel_attention_place *place,
                                         size_t head, const kernel_attention_gradients *gradients);

// ---- interaction.c: attention with products of scores, masks and biases

/// One factor of a score: offset + scale q·k. A row of q holds heads · size values, a row of keys
/// key_value_heads · size.
typedef struct {
    size_t size;
    float offset, scale;
    const float *q, *prefix_keys, *own_keys;
} kernel_interaction_factor;

/// What the scores weigh the values with: softmax over the visible keys, the scores as they are, or these
/// divided by the number of visible keys.
enum { KERNEL_SOFTMAX = 0, KERNEL_SUM = 1, KERNEL_MEAN = 2 };

/// One segment, laid out as that of attention.c. Query row i sees all `prefix_rows` rows of the prefix and
/// its own rows 0 to own_before + i if `causal`, else all own rows. The score of a row and a key is the
/// product of the factors, then + bias; a 0 in `mask` then leaves the key out, whatever its score. `columns`
/// is prefix_rows + own_before + rows. A row that sees no key gives zeros. There are 1 to 8 factors.
typedef struct {
    size_t rows, prefix_rows, own_before;
    size_t heads, key_value_heads, value_size, factor_count;
    int causal, weighting;
    const kernel_interaction_factor *factors;
    const float *prefix_values, *own_values;
    const uint8_t *mask;  // [rows, columns] or NULL
    const float *bias;    // [heads, rows, columns] or NULL
} kernel_interaction_segment;

/// The gradients to one factor, laid out as its q and keys. dq may be NULL; the two of the keys may be NULL
/// together (that of the prefix also when prefix_rows is 0).
typedef struct {
    float *dq, *dprefix_keys, *down_keys;
} kernel_interaction_factor_gradients;

/// How many floats of scratch kernel_interaction and kernel_interaction_backward need for a segment.
size_t kernel_interaction_scratch(const kernel_interaction_segment *segment);
/// out [rows, heads value_size]; lse [rows, heads] = log of the sum of exponentials of the scores (−inf for a
/// row that sees nothing), written for KERNEL_SOFTMAX only, or NULL.
void kernel_interaction(const kernel_interaction_segment *segment, float *scratch, float *out, float *lse);
void kernel_interaction_reference(const kernel_interaction_segment *segment, float *out, float *lse);
/// Gradients, all +=. `out` and `lse` are the forward results, read for KERNEL_SOFTMAX only. The value
/// gradients may be NULL together as those of the keys; dbias [heads, rows, columns] may be NULL.
typedef struct {
    const float *out, *lse, *dout;
    const kernel_interaction_factor_gradients *factors;
    float *dprefix_values, *down_values, *dbias;
} kernel_interaction_gradients;
void kernel_interaction_backward(const kernel_interaction_segment *segment,
                                 const kernel_interaction_gradients *gradients, float *scratch);
void kernel_interaction_backward_reference(const kernel_interaction_segment *segment,
                                           const kernel_interaction_gradients *gradients);

// ---- hyper.c: HyperAttention of order n, whose scores are of a query and n − 1 keys

/// One of the n − 1 places of a tuple of keys: rows of keys hold heads · size values, of values heads ·
/// value_size. A window w > 0 leaves the query's own position and the w − 1 before it to look back at.
typedef struct {
    const float *prefix_keys, *own_keys, *prefix_values, *own_values;
    size_t window;  // 0: no bound
} kernel_hyper_place;

/// One segment; rows, prefix, own_before, causal and mask as in interaction.c, each key of a tuple on its
/// own. There are 1 to 7 places. `scale`, `bias` and windows are for kernel_hyper, `divides` for
/// kernel_hyper_linear.
typedef struct {
    size_t rows, prefix_rows, own_before;
    size_t heads, size, value_size, place_count;
    int causal, divides;
    float scale;
    const float *q;  // [rows, heads size]
    const kernel_hyper_place *places;
    const uint8_t *mask;  // [rows, columns] or NULL
    const float *bias;    // [heads, rows, columns] or NULL
} kernel_hyper_segment;

/// The gradients to one place, laid out as its keys and values; the two of the keys, and the two of the
/// values, may be NULL together (those of the prefix also when prefix_rows is 0).
typedef struct {
    float *dprefix_keys, *down_keys, *dprefix_values, *down_values;
} kernel_hyper_place_gradients;

/// Gradients, all +=. `out` and `lse` are results of kernel_hyper and read by its gradients only. dq may be
/// NULL, as may dbias [heads, rows, columns].
typedef struct {
    const float *out, *lse, *dout;
    float *dq;
    const kernel_hyper_place_gradients *places;
    float *dbias;
} kernel_hyper_gradients;

/// How many floats of scratch kernel_hyper and kernel_hyper_backward need for a segment.
size_t kernel_hyper_scratch(const kernel_hyper_segment *segment);
/// out [rows, heads value_size]: the mean of Π_m v^m[j_m] over the visible tuples (j_1, …), weighed with the
/// softmax over all of them of scale Σ_σ q[σ] Π_m k^m[j_m, σ] + Σ_m bias[j_m]. lse [rows, heads] = log of the
/// sum of exponentials (−inf for a row that sees nothing), or NULL. Time (columns)^(n−1) size per row.
void kernel_hyper(const kernel_hyper_segment *segment, float *scratch, float *out, float *lse);
void kernel_hyper_reference(const kernel_hyper_segment *segment, float *out, float *lse);
void kernel_hyper_backward(const kernel_hyper_segment *segment, const kernel_hyper_gradients *gradients,
                           float *scratch);
void kernel_hyper_backward_reference(const kernel_hyper_segment *segment,
                                     const kernel_hyper_gradients *gradients);

// ---- hyper_linear.c: the same without softmax, by sums over the keys

// A state of one sequence: [heads, 2, place_count, size, value_size], first the sums P_m = Σ_j k^m[j]
// (v^m[j])ᵀ over the rows it has seen, then what rounding has added to each (the sums are compensated).

/// How many floats of scratch the functions below need for a segment.
size_t kernel_hyper_linear_scratch(const kernel_hyper_segment *segment);
/// out [rows, heads value_size]: out[c] = Σ_σ q[σ] Π_m P_m[σ, c], with P_m over the keys that the row sees;
/// if `divides`, over the number of these to the power of place_count. Time linear in columns, except with a
/// mask (rows times columns).
void kernel_hyper_linear(const kernel_hyper_segment *segment, float *scratch, float *out);
void kernel_hyper_linear_reference(const kernel_hyper_segment *segment, float *out);
void kernel_hyper_linear_backward(const kernel_hyper_segment *segment,
                                  const kernel_hyper_gradients *gradients, float *scratch);
void kernel_hyper_linear_backward_reference(const kernel_hyper_segment *segment,
                                            const kernel_hyper_gradients *gradients);
/// Adds all rows of a segment, prefix and own, to a state; q is not read.
void kernel_hyper_state_add(const kernel_hyper_segment *segment, float *state);
/// Generation: adds `rows` new rows to a state, in place, and gives the output of each, as
/// kernel_hyper_linear would after the own_before rows in the state. Keys and values are of the new rows
/// only; causal, without prefix and mask.
void kernel_hyper_step(const kernel_hyper_segment *segment, float *state, float *scratch, float *out);

#ifdef __cplusplus
}
#endif
