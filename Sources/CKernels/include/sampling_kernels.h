// Kernels of sampling: attention of new rows over cached keys and values, and drawing a token; the conventions are those
// of CKernels.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- cached_attention.c: causal softmax attention of one new row of each sequence

/// How many rows of a sequence a page of the cache holds.
enum { KERNEL_PAGE_ROWS = 16 };

/// One layer of a cache. Its part of a page starts `offset` bytes in and holds, for each key-value head, the keys
/// [head_size, 16] with a row of the sequence in each column, then the values [16, head_size rounded up to 16].
/// Numbers are float32, or binary16 if `is_half` (beyond ±65504 they become ±65504). Heads, scale, cap and window
/// are those of attention.c.
typedef struct {
    size_t heads, key_value_heads, head_size;
    float scale, cap;
    size_t window;
    int is_half;
    size_t offset;
} kernel_cache_layer;

/// How many bytes of a page a layer takes; a multiple of 64.
size_t kernel_cache_bytes(const kernel_cache_layer *layer);
/// Stores `rows` keys and values [rows, key_value_heads head_size] as rows `first`, first + 1, … of a sequence.
void kernel_cache_store(const kernel_cache_layer *layer, const float *keys, const float *values, size_t rows,
                        size_t first, uint8_t *const *pages);
void kernel_cache_store_reference(const kernel_cache_layer *layer, const float *keys, const float *values,
                                  size_t rows, size_t first, uint8_t *const *pages);

/// The rows of a sequence that are its own, that of its query included, which is the last one.
typedef struct {
    size_t rows;
    uint8_t *const *pages;
} kernel_cache_own;

/// Sequences with one beginning: their queries are rows `first` to first + count − 1 of q and out, which hold
/// heads · head_size values each. A query sees all rows of the prefix, then the sequence's own. `prefix` may be
/// NULL when prefix_rows is 0.
typedef struct {
    size_t first, count, prefix_rows;
    uint8_t *const *prefix;
    const kernel_cache_own *own;  // [count]
} kernel_cache_group;

/// How many floats of scratch one head of a group needs.
size_t kernel_cached_attention_scratch(const kernel_cache_layer *layer, const kernel_cache_group *group);
/// The query heads of one key-value head. Keys and values of the prefix are read once for all of the group; a
/// sequence gets the same bits in whatever group it is.
void kernel_cached_attention(const kernel_cache_layer *layer, const kernel_cache_group *group,
                             size_t key_value_head, const float *q, float *scratch, float *out);
void kernel_cached_attention_reference(const kernel_cache_layer *layer, const kernel_cache_group *group,
                                       size_t key_value_head, const float *q, float *out);

// ---- draw.c: one column of a row of logits x [columns], columns ≥ 1, at probabilities softmax(scale x)

/// A column and the logarithm of its probability; −1 where there is nothing to draw from: a logit is NaN or +inf,
/// or all are −inf.
typedef struct {
    int32_t column;
    float log_probability;
} kernel_drawn;

/// The first token whose cumulative probability exceeds `uniform`, of [0, 1); scale > 0.
kernel_drawn kernel_draw(const float *x, size_t columns, float scale, double uniform);
kernel_drawn kernel_draw_reference(const float *x, size_t columns, float scale, double uniform);
/// The first of the most likely tokens, with its probability at scale 1.
kernel_drawn kernel_draw_greedy(const float *x, size_t columns);
kernel_drawn kernel_draw_greedy_reference(const float *x, size_t columns);
/// A least value of scale x such that the tokens at or above it have probability `share` together, in (0, 1), and
/// hardly more tokens than that needs; the logarithm of the sum of the exponentials of scale x goes to `sum`, and is
/// not finite where there is nothing to draw from.
float kernel_nucleus(const float *x, size_t columns, float scale, double share, float *sum);
/// Takes the tokens whose scale x is at least `least`: their numbers, in order, and probabilities e^(scale x − sum).
/// Returns how many there are; `taken` and `probabilities` may both be NULL.
size_t kernel_nucleus_take(const float *x, size_t columns, float scale, float least, float sum, int32_t *taken,
                           float *probabilities);

#ifdef __cplusplus
}
#endif
