// Each key-value head of a segment is packed once: keys transposed to [D, columns] (and, for the gradients,
// also as [columns, D]), values as [columns, D], where `columns` counts prefix and own rows together; widths
// are padded with zeros to whole lanes. Four query rows are then handled at a time by small matrix products.
#include "tile.h"

typedef const kernel_attention_segment segment_t;

INLINE size_t column_count(segment_t *s) { return s->prefix_rows + s->own_before + s->rows; }

size_t kernel_attention_scratch(const kernel_attention_segment *s) {
    size_t width = padded(column_count(s)), depth = padded(s->head_size);
    // Keys transposed, values by rows, a tile of scores and two of heads.
    return s->head_size * width + width * depth + TILE * width + 2 * TILE * depth;
}

// The first column that a query row sees whose last one is `base`; 0 without a window.
INLINE size_t first_column(segment_t *s, size_t base) {
    return s->window && base + 1 > s->window ? base + 1 - s->window : 0;
}

// Scores q·k to soft-capped ones: cap tanh(scale q·k / cap).
INLINE void soften(float *restrict scores, float scale, float cap, size_t n) {
    for (size_t t = 0; t < n; t++) scores[t] = cap * tanh_inline(scores[t] * scale / cap);
}

// One head of keys or values.
INLINE head_rows head_of(segment_t *s, const float *prefix, const float *own, size_t at) {
    return (head_rows){prefix, own, s->prefix_rows, s->key_value_heads * s->head_size, at};
}

// Decoding: one query row, too few to repay the packing. Scores by dot products, then one pass over the
// values.
INLINE void attend_one(segment_t *s, float *scratch, float *out, float *lse) {
    size_t D = s->head_size, columns = column_count(s), first = first_column(s, columns - 1);
    float *restrict scores = scratch;
    for (size_t h = 0; h < s->heads; h++) {
        size_t at = h / (s->heads / s->key_value_heads) * D;
        const head_rows keys = head_of(s, s->prefix_keys, s->own_keys, at);
        const head_rows values = head_of(s, s->prefix_values, s->own_values, at);
        const float *q = s->q + h * D;
        float largest = -INFINITY;
        for (size_t t = first; t < columns; t++) {
#pragma clang fp reassociate(on)
            const float *key = row_at(&keys, t);
            float dot = 0;
            for (size_t d = 0; d < D; d++) dot += q[d] * key[d];
            scores[t] = dot * s->scale;
            if (s->cap > 0.0f) scores[t] = s->cap * tanh_inline(scores[t] / s->cap);
            largest = scores[t] > largest ? scores[t] : largest;
        }
        float sum = 0, *restrict row = out + h * D;
        {
#pragma clang fp reassociate(on)
            for (size_t t = first; t < columns; t++) {
                scores[t] = exp_inline(scores[t] - largest);
                sum += scores[t];
            }
        }
        memset(row, 0, D * sizeof(float));
        for (size_t t = first; t < columns; t++) {
            const float *value = row_at(&values, t);
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
    size_t D = s->head_size, depth = padded(D), columns = column_count(s), width = padded(columns);
    size_t group = s->heads / s->key_value_heads;
    float *keys = scratch, *values = keys + D * width, *scores = values + width * depth;
    float *queries = scores + TILE * width, *result = queries + TILE * depth;
    for (size_t kv = 0; kv < s->key_value_heads; kv++) {
        const head_rows key_head = head_of(s, s->prefix_keys, s->own_keys, kv * D);
        const head_rows value_head = head_of(s, s->prefix_values, s->own_values, kv * D);
        pack(&key_head, columns, D, keys, width, NULL, 0);
        pack(&value_head, columns, D, NULL, width, values, depth);
        for (size_t h = kv * group; h < (kv + 1) * group; h++)
            for (size_t i = 0; i < s->rows; i += TILE) {
                size_t count = s->rows - i < TILE ? s->rows - i : TILE;
                size_t base = s->prefix_rows + s->own_before + i, used = padded(base + count);
                // Columns before `from` are outside of the window of all of the tile's rows.
                size_t from = first_column(s, base) / 16 * 16;
                take_tile(s->q + i * s->heads * D + h * D, s->heads * D, count, D, queries, depth);
                tile_product(queries, depth, keys + from, width, scores + from, width, D, used - from);
                for (size_t k = 0; k < TILE; k++) {
                    size_t last = base + (k < count ? k : count - 1), first = first_column(s, last);
                    float *row = scores + k * width, scale = s->scale;
                    if (s->cap > 0.0f) {
                        soften(row + first, scale, s->cap, last + 1 - first);
                        scale = 1.0f;
                    }
                    memset(row + from, 0, (first - from) * sizeof(float));
                    float sum = normalise(row + first, scale, last + 1 - first, used - first);
                    if (lse && k < count) lse[(i + k) * s->heads + h] = sum;
                }
                tile_product(scores + from, width, values + from * depth, depth, result, depth,
                             base + count - from, depth);
                for (size_t k = 0; k < count; k++)
                    memcpy(out + ((i + k) * s->heads + h) * D, result + k * depth, D * sizeof(float));
            }
    }
}
