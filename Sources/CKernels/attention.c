// Each key-value head of a segment is packed once: keys transposed to [D, columns] (and, for the gradients,
// also as [columns, D]), values as [columns, D], where `columns` counts prefix and own rows together; widths
// are padded with zeros to whole lanes. Four query rows are then handled at a time by small matrix products.
#include "kernel.h"

enum { TILE = 4 };

typedef const kernel_attention_segment segment_t;

INLINE size_t padded(size_t n) { return (n + 15) / 16 * 16; }

INLINE size_t column_count(segment_t *s) { return s->prefix_rows + s->own_before + s->rows; }

size_t kernel_attention_scratch(const kernel_attention_segment *s) {
    size_t width = padded(column_count(s)), depth = padded(s->head_size);
    // For the gradients, which need more: keys and values transposed; keys, dkeys and dvalues by rows; two
    // tiles of scores and three of heads.
    return 2 * s->head_size * width + 3 * width * depth + 2 * TILE * width + 3 * TILE * depth;
}

// c [TILE, width] = a [TILE, depth] b [depth, width]; width is a multiple of 16.
INLINE void tile_product(const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc,
                         size_t depth, size_t width) {
    for (size_t j = 0; j < width; j += 16) {
        lanes sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, column;
        for (size_t d = 0; d < depth; d++) {
            load(&column, b + d * ldb + j);
            sum0 += a[d] * column;
            sum1 += a[lda + d] * column;
            sum2 += a[2 * lda + d] * column;
            sum3 += a[3 * lda + d] * column;
        }
        store(c + j, &sum0);
        store(c + ldc + j, &sum1);
        store(c + 2 * ldc + j, &sum2);
        store(c + 3 * ldc + j, &sum3);
    }
}

// c [count, width] += aᵀ b, with a [TILE, count], b [TILE, width]; width is a multiple of 16.
INLINE void tile_outer(const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t count,
                       size_t width) {
    for (size_t j = 0; j < width; j += 16) {
        lanes b0, b1, b2, b3, sum;
        load(&b0, b + j);
        load(&b1, b + ldb + j);
        load(&b2, b + 2 * ldb + j);
        load(&b3, b + 3 * ldb + j);
        for (size_t t = 0; t < count; t++) {
            load(&sum, c + t * width + j);
            sum += a[t] * b0 + a[lda + t] * b1 + a[2 * lda + t] * b2 + a[3 * lda + t] * b3;
            store(c + t * width + j, &sum);
        }
    }
}

// Row t of one key-value head, counting the prefix rows first; `at` is where the head starts in a row.
INLINE const float *row_at(segment_t *s, const float *prefix, const float *own, size_t t, size_t at) {
    size_t stride = s->key_value_heads * s->head_size;
    return t < s->prefix_rows ? prefix + t * stride + at : own + (t - s->prefix_rows) * stride + at;
}

// Packs one head of prefix and own rows. transposed [D, width] and rows [width, depth] may each be NULL.
INLINE void pack(segment_t *s, const float *prefix, const float *own, size_t at, float *transposed,
                 size_t width, float *rows, size_t depth) {
    size_t count = column_count(s), D = s->head_size;
    for (size_t t = 0; t < count; t++) {
        const float *from = row_at(s, prefix, own, t, at);
        if (rows) {
            memcpy(rows + t * depth, from, D * sizeof(float));
            memset(rows + t * depth + D, 0, (depth - D) * sizeof(float));
        }
        if (transposed)
            for (size_t d = 0; d < D; d++) transposed[d * width + t] = from[d];
    }
    if (rows) memset(rows + count * depth, 0, (width - count) * depth * sizeof(float));
    if (transposed)
        for (size_t d = 0; d < D; d++)
            memset(transposed + d * width + count, 0, (width - count) * sizeof(float));
}

// Copies up to TILE query-shaped rows of one head to [TILE, depth], filling with zeros.
INLINE void take_tile(const float *from, size_t stride, size_t count, size_t D, float *tile, size_t depth) {
    memset(tile, 0, TILE * depth * sizeof(float));
    for (size_t i = 0; i < count; i++) memcpy(tile + i * depth, from + i * stride, D * sizeof(float));
}

// Decoding: one query row, too few to repay the packing. Scores by dot products, then one pass over the
// values.
INLINE void attend_one(segment_t *s, float *scratch, float *out, float *lse) {
    size_t D = s->head_size, columns = column_count(s);
    float *restrict scores = scratch;
    for (size_t h = 0; h < s->heads; h++) {
        size_t at = h / (s->heads / s->key_value_heads) * D;
        const float *q = s->q + h * D;
        float largest = -INFINITY;
        for (size_t t = 0; t < columns; t++) {
#pragma clang fp reassociate(on)
            const float *key = row_at(s, s->prefix_keys, s->own_keys, t, at);
            float dot = 0;
            for (size_t d = 0; d < D; d++) dot += q[d] * key[d];
            scores[t] = dot * s->scale;
            largest = scores[t] > largest ? scores[t] : largest;
        }
        float sum = 0, *restrict row = out + h * D;
        {
#pragma clang fp reassociate(on)
            for (size_t t = 0; t < columns; t++) {
                scores[t] = exp_inline(scores[t] - largest);
                sum += scores[t];
            }
        }
        memset(row, 0, D * sizeof(float));
        for (size_t t = 0; t < columns; t++) {
            const float *value = row_at(s, s->prefix_values, s->own_values, t, at);
            float weight = scores[t] / sum;
            for (size_t d = 0; d < D; d++) row[d] += weight * value[d];
        }
        if (lse) lse[h] = largest + logf(sum);
    }
}

// Scores to probabilities for the first `visible` columns of a row, zeros up to `width`; returns log Σ exp.
INLINE float normalise(float *scores, float scale, size_t visible, size_t width) {
    float largest = row_maximum(scores, visible), sum = 0;
    {
#pragma clang fp reassociate(on)
        for (size_t t = 0; t < visible; t++) {
            scores[t] = exp_inline((scores[t] - largest) * scale);
            sum += scores[t];
        }
    }
    float factor = 1.0f / sum;
    for (size_t t = 0; t < visible; t++) scores[t] *= factor;
    memset(scores + visible, 0, (width - visible) * sizeof(float));
    return largest * scale + logf(sum);
}

KERNEL void kernel_attention(const kernel_attention_segment *s, float *scratch, float *out, float *lse) {
    if (s->rows == 1) {
        attend_one(s, scratch, out, lse);
        return;
    }
    size_t D = s->head_size, depth = padded(D), width = padded(column_count(s));
    size_t group = s->heads / s->key_value_heads;
    float *keys = scratch, *values = keys + D * width, *scores = values + width * depth;
    float *queries = scores + TILE * width, *result = queries + TILE * depth;
    for (size_t kv = 0; kv < s->key_value_heads; kv++) {
        size_t at = kv * D;
        pack(s, s->prefix_keys, s->own_keys, at, keys, width, NULL, 0);
        pack(s, s->prefix_values, s->own_values, at, NULL, width, values, depth);
        for (size_t h = kv * group; h < (kv + 1) * group; h++)
            for (size_t i = 0; i < s->rows; i += TILE) {
                size_t count = s->rows - i < TILE ? s->rows - i : TILE;
                size_t base = s->prefix_rows + s->own_before + i, used = padded(base + count);
                take_tile(s->q + i * s->heads * D + h * D, s->heads * D, count, D, queries, depth);
                tile_product(queries, depth, keys, width, scores, width, D, used);
                for (size_t k = 0; k < TILE; k++) {
                    size_t visible = base + (k < count ? k : count - 1) + 1;
                    float sum = normalise(scores + k * width, s->scale, visible, used);
                    if (lse && k < count) lse[(i + k) * s->heads + h] = sum;
                }
                tile_product(scores, width, values, depth, result, depth, base + count, depth);
                for (size_t k = 0; k < count; k++)
                    memcpy(out + ((i + k) * s->heads + h) * D, result + k * depth, D * sizeof(float));
            }
    }
}

INLINE void add_rows(float *to, size_t stride, const float *from, size_t depth, size_t rows, size_t D) {
    for (size_t t = 0; t < rows; t++)
        for (size_t d = 0; d < D; d++) to[t * stride + d] += from[t * depth + d];
}

// Per query row, with p the probabilities, δ = dout · out:  dv_t += p_t dout,  ds_t = p_t (dout · v_t − δ)
// scale, dq += Σ_t ds_t k_t,  dk_t += ds_t q  (FlashAttention-2, arXiv:2307.08691, section 2.2).
KERNEL void kernel_attention_backward(const kernel_attention_segment *s,
                                      const kernel_attention_gradients *g, float *scratch) {
    size_t D = s->head_size, depth = padded(D), width = padded(column_count(s)), heads = s->heads;
    size_t group = heads / s->key_value_heads, stride = s->key_value_heads * D, own = s->own_before + s->rows;
    float *keys = scratch, *values = keys + D * width, *key_rows = values + D * width;
    float *dkeys = key_rows + width * depth, *dvalues = dkeys + width * depth;
    float *scores = dvalues + width * depth, *dscores = scores + TILE * width;
    float *queries = dscores + TILE * width, *douts = queries + TILE * depth, *result = douts + TILE * depth;
    for (size_t kv = 0; kv < s->key_value_heads; kv++) {
        size_t at = kv * D;
        pack(s, s->prefix_keys, s->own_keys, at, keys, width, key_rows, depth);
        pack(s, s->prefix_values, s->own_values, at, values, width, NULL, 0);
        memset(dkeys, 0, 2 * width * depth * sizeof(float));
        for (size_t h = kv * group; h < (kv + 1) * group; h++)
            for (size_t i = 0; i < s->rows; i += TILE) {
                size_t count = s->rows - i < TILE ? s->rows - i : TILE, from = (i * heads + h) * D;
                size_t base = s->prefix_rows + s->own_before + i, used = padded(base + count);
                take_tile(s->q + from, heads * D, count, D, queries, depth);
                take_tile(g->dout + from, heads * D, count, D, douts, depth);
                tile_product(queries, depth, keys, width, scores, width, D, used);
                tile_product(douts, depth, values, width, dscores, width, D, used);
                for (size_t k = 0; k < TILE; k++) {
                    float *p = scores + k * width, *restrict ds = dscores + k * width;
                    size_t visible = k < count ? base + k + 1 : 0;
                    if (visible) {
#pragma clang fp reassociate(on)
                        float delta = 0, sum = g->lse[(i + k) * heads + h], scale = s->scale;
                        const float *o = g->out + ((i + k) * heads + h) * D;
                        for (size_t d = 0; d < D; d++) delta += douts[k * depth + d] * o[d];
                        for (size_t t = 0; t < visible; t++) {
                            p[t] = exp_inline(p[t] * scale - sum);
                            ds[t] = p[t] * (ds[t] - delta) * scale;
                        }
                    }
                    memset(p + visible, 0, (used - visible) * sizeof(float));
                    memset(ds + visible, 0, (used - visible) * sizeof(float));
                }
                if (g->dq) {
                    tile_product(dscores, width, key_rows, depth, result, depth, base + count, depth);
                    add_rows(g->dq + from, heads * D, result, depth, count, D);
                }
                tile_outer(dscores, width, queries, depth, dkeys, base + count, depth);
                tile_outer(scores, width, douts, depth, dvalues, base + count, depth);
            }
        if (g->down_keys) {
            size_t skip = s->prefix_rows * depth;
            if (s->prefix_rows) {
                add_rows(g->dprefix_keys + at, stride, dkeys, depth, s->prefix_rows, D);
                add_rows(g->dprefix_values + at, stride, dvalues, depth, s->prefix_rows, D);
            }
            add_rows(g->down_keys + at, stride, dkeys + skip, depth, own, D);
            add_rows(g->down_values + at, stride, dvalues + skip, depth, own, D);
        }
    }
}
