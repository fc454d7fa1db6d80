// Like attention.c, with several factors per score: the keys of each are packed once per key-value head, and
// four query rows at a time are multiplied with each factor's keys before the products are weighed.
#include "tile.h"

typedef const kernel_interaction_segment segment_t;
typedef const kernel_interaction_factor factor_t;

enum { FACTORS_MAX = 8 };

INLINE size_t column_count(segment_t *s) { return s->prefix_rows + s->own_before + s->rows; }

// How many columns query row i may see, before the mask.
INLINE size_t seen(segment_t *s, size_t i) {
    return s->causal ? s->prefix_rows + s->own_before + i + 1 : column_count(s);
}

INLINE head_rows keys_of(segment_t *s, factor_t *f, size_t kv) {
    return (head_rows){f->prefix_keys, f->own_keys, s->prefix_rows, s->key_value_heads * f->size,
                       kv * f->size};
}

INLINE head_rows values_of(segment_t *s, size_t kv) {
    return (head_rows){s->prefix_values, s->own_values, s->prefix_rows, s->key_value_heads * s->value_size,
                       kv * s->value_size};
}

INLINE const float *bias_row(segment_t *s, size_t i, size_t h) {
    return s->bias ? s->bias + (h * s->rows + i) * column_count(s) : NULL;
}

INLINE const uint8_t *mask_row(segment_t *s, size_t i) {
    return s->mask ? s->mask + i * column_count(s) : NULL;
}

// 1 over the number of keys that query row i sees; 1 if it sees none.
INLINE float mean_factor(segment_t *s, size_t i) {
    size_t visible = seen(s, i);
    const uint8_t *mask = mask_row(s, i);
    if (mask) {
        size_t count = 0;
        for (size_t t = 0; t < visible; t++) count += mask[t] != 0;
        visible = count;
    }
    return visible ? 1.0f / (float)visible : 1.0f;
}

size_t kernel_interaction_scratch(const kernel_interaction_segment *s) {
    size_t width = padded(column_count(s)), depth = padded(s->value_size), largest = depth, sum = 0, rows = 0;
    for (size_t a = 0; a < s->factor_count; a++) {
        sum += s->factors[a].size;
        rows += padded(s->factors[a].size);
        largest = larger(largest, padded(s->factors[a].size));
    }
    // For the gradients, which need more: keys and values transposed; keys, dkeys and dvalues by rows; a tile
    // of scores per factor and three more; a tile of queries per factor, one of dout and one of results.
    return (sum + s->value_size) * width + (2 * rows + depth) * width
           + (s->factor_count + 3) * TILE * width + TILE * (rows + depth + largest);
}

// z[t] = offset + scale z[t], or that times what `product` holds.
INLINE void affine(float *restrict z, factor_t *f, size_t n) {
    float offset = f->offset, scale = f->scale;
    for (size_t t = 0; t < n; t++) z[t] = offset + scale * z[t];
}

INLINE void multiply_affine(float *restrict product, const float *restrict z, factor_t *f, size_t n) {
    float offset = f->offset, scale = f->scale;
    for (size_t t = 0; t < n; t++) product[t] *= offset + scale * z[t];
}

INLINE void add_bias(segment_t *s, size_t i, size_t h, float *restrict z) {
    const float *restrict bias = bias_row(s, i, h);
    size_t n = seen(s, i);
    if (bias)
        for (size_t t = 0; t < n; t++) z[t] += bias[t];
}

// What is left out becomes `out`, whatever it was.
INLINE void leave_out(segment_t *s, size_t i, float *restrict z, float out) {
    const uint8_t *restrict mask = mask_row(s, i);
    size_t n = seen(s, i);
    if (mask)
        for (size_t t = 0; t < n; t++) z[t] = mask[t] ? z[t] : out;
}

// The product of scores of query row i becomes the weights of its values, zeros from what it sees up to
// `width`; returns log Σ exp, for softmax.
INLINE float weigh(segment_t *s, size_t i, size_t h, float *restrict z, size_t width) {
    size_t visible = seen(s, i);
    float largest = -INFINITY, sum = 0, factor = 1;
    add_bias(s, i, h, z);
    memset(z + visible, 0, (width - visible) * sizeof(float));
    if (s->weighting != KERNEL_SOFTMAX) {
        leave_out(s, i, z, 0);
        if (s->weighting == KERNEL_MEAN) factor = mean_factor(s, i);
        for (size_t t = 0; t < visible; t++) z[t] *= factor;
        return 0;
    }
    leave_out(s, i, z, -INFINITY);
    largest = row_maximum(z, visible);
    if (largest == -INFINITY) {
        memset(z, 0, visible * sizeof(float));
        return -INFINITY;
    }
    {
#pragma clang fp reassociate(on)
        for (size_t t = 0; t < visible; t++) {
            z[t] = exp_inline(z[t] - largest);
            sum += z[t];
        }
    }
    factor = 1.0f / sum;
    for (size_t t = 0; t < visible; t++) z[t] *= factor;
    return largest + logf(sum);
}

// Decoding: one query row, too few to repay the packing.
INLINE void attend_one(segment_t *s, float *scratch, float *out, float *lse) {
    size_t columns = column_count(s), D = s->value_size, group = s->heads / s->key_value_heads;
    float *restrict scores = scratch, *restrict other = scores + columns;
    for (size_t h = 0; h < s->heads; h++) {
        for (size_t a = 0; a < s->factor_count; a++) {
            factor_t *f = s->factors + a;
            const head_rows keys = keys_of(s, f, h / group);
            const float *q = f->q + h * f->size;
            float *restrict to = a ? other : scores;
            for (size_t t = 0; t < columns; t++) {
#pragma clang fp reassociate(on)
                const float *key = row_at(&keys, t);
                float dot = 0;
                for (size_t d = 0; d < f->size; d++) dot += q[d] * key[d];
                to[t] = dot;
            }
            if (a) multiply_affine(scores, other, f, columns);
            else affine(scores, f, columns);
        }
        float sum = weigh(s, 0, h, scores, columns), *restrict row = out + h * D;
        const head_rows values = values_of(s, h / group);
        memset(row, 0, D * sizeof(float));
        for (size_t t = 0; t < columns; t++) {
            const float *value = row_at(&values, t);
            for (size_t d = 0; d < D; d++) row[d] += scores[t] * value[d];
        }
        if (lse) lse[h] = sum;
    }
}

KERNEL void kernel_interaction(const kernel_interaction_segment *s, float *scratch, float *out, float *lse) {
    if (s->rows == 1) {
        attend_one(s, scratch, out, s->weighting == KERNEL_SOFTMAX ? lse : NULL);
        return;
    }
    size_t D = s->value_size, depth = padded(D), columns = column_count(s), width = padded(columns);
    size_t group = s->heads / s->key_value_heads;
    float *values = scratch, *scores = values + width * depth, *other = scores + TILE * width;
    float *result = other + TILE * width, *next = result + TILE * depth, *queries, *keys[FACTORS_MAX];
    for (size_t a = 0; a < s->factor_count; a++) {
        keys[a] = next;
        next += s->factors[a].size * width;
    }
    queries = next;
    for (size_t kv = 0; kv < s->key_value_heads; kv++) {
        const head_rows value_head = values_of(s, kv);
        pack(&value_head, columns, D, NULL, width, values, depth);
        for (size_t a = 0; a < s->factor_count; a++) {
            const head_rows key_head = keys_of(s, s->factors + a, kv);
            pack(&key_head, columns, s->factors[a].size, keys[a], width, NULL, 0);
        }
        for (size_t h = kv * group; h < (kv + 1) * group; h++)
            for (size_t i = 0; i < s->rows; i += TILE) {
                size_t count = s->rows - i < TILE ? s->rows - i : TILE, last = seen(s, i + count - 1);
                size_t used = padded(last);
                for (size_t a = 0; a < s->factor_count; a++) {
                    factor_t *f = s->factors + a;
                    size_t R = f->size, stride = s->heads * R;
                    take_tile(f->q + i * stride + h * R, stride, count, R, queries, padded(R));
                    tile_product(queries, padded(R), keys[a], width, a ? other : scores, width, R, used);
                    for (size_t k = 0; k < count; k++) {
                        if (a) multiply_affine(scores + k * width, other + k * width, f, used);
                        else affine(scores + k * width, f, used);
                    }
                }
                for (size_t k = 0; k < count; k++) {
                    float sum = weigh(s, i + k, h, scores + k * width, used);
                    if (lse && s->weighting == KERNEL_SOFTMAX) lse[(i + k) * s->heads + h] = sum;
                }
                for (size_t k = count; k < TILE; k++) memset(scores + k * width, 0, used * sizeof(float));
                tile_product(scores, width, values, depth, result, depth, last, depth);
                for (size_t k = 0; k < count; k++)
                    memcpy(out + ((i + k) * s->heads + h) * D, result + k * depth, D * sizeof(float));
            }
    }
}

// Of one query row: z holds its product of scores and dz dout · v; on return z holds the weights of the
// values and dz the gradient to the score (after the bias), both zero where nothing is seen.
INLINE void weigh_backward(segment_t *s, const kernel_interaction_gradients *g, size_t i, size_t h,
                           float *restrict z, float *restrict dz, size_t width) {
    size_t visible = seen(s, i), at = i * s->heads + h, D = s->value_size;
    add_bias(s, i, h, z);
    if (s->weighting == KERNEL_SOFTMAX) {
#pragma clang fp reassociate(on)
        float delta = 0, sum = g->lse[at];
        const float *o = g->out + at * D, *dout = g->dout + at * D;
        if (sum == -INFINITY) visible = 0;
        for (size_t d = 0; d < D; d++) delta += dout[d] * o[d];
        for (size_t t = 0; t < visible; t++) {
            z[t] = exp_inline(z[t] - sum);
            dz[t] = z[t] * (dz[t] - delta);
        }
    } else if (s->weighting == KERNEL_MEAN) {
        float factor = mean_factor(s, i);
        for (size_t t = 0; t < visible; t++) {
            z[t] *= factor;
            dz[t] *= factor;
        }
    }
    if (visible) {
        leave_out(s, i, z, 0);
        leave_out(s, i, dz, 0);
    }
    memset(z + visible, 0, (width - visible) * sizeof(float));
    memset(dz + visible, 0, (width - visible) * sizeof(float));
}

// With z = Π_a f_a and f_a = offset_a + scale_a q_a · k_a:  df_a = scale_a dz Π_{b ≠ a} f_b,
// dq_a += Σ_t df_a k_t,  dk_t += df_a q_a.
KERNEL void kernel_interaction_backward(const kernel_interaction_segment *s,
                                        const kernel_interaction_gradients *g, float *scratch) {
    size_t D = s->value_size, depth = padded(D), columns = column_count(s), width = padded(columns);
    size_t heads = s->heads, group = heads / s->key_value_heads, A = s->factor_count, tile = TILE * width;
    float *values = scratch, *dvalues = values + D * width, *douts = dvalues + width * depth;
    float *scores = douts + TILE * depth, *dscores = scores + tile, *others = dscores + tile;
    float *keys[FACTORS_MAX], *key_rows[FACTORS_MAX], *dkeys[FACTORS_MAX], *queries[FACTORS_MAX];
    float *factors[FACTORS_MAX], *next = others + tile, *result;
    for (size_t a = 0; a < A; a++) {
        size_t R = s->factors[a].size;
        factors[a] = next;
        keys[a] = factors[a] + tile;
        key_rows[a] = keys[a] + R * width;
        dkeys[a] = key_rows[a] + width * padded(R);
        queries[a] = dkeys[a] + width * padded(R);
        next = queries[a] + TILE * padded(R);
    }
    result = next;
    for (size_t kv = 0; kv < s->key_value_heads; kv++) {
        const head_rows value_head = values_of(s, kv);
        head_rows key_heads[FACTORS_MAX];
        pack(&value_head, columns, D, values, width, NULL, 0);
        memset(dvalues, 0, width * depth * sizeof(float));
        for (size_t a = 0; a < A; a++) {
            size_t R = s->factors[a].size;
            key_heads[a] = keys_of(s, s->factors + a, kv);
            pack(&key_heads[a], columns, R, keys[a], width, key_rows[a], padded(R));
            memset(dkeys[a], 0, width * padded(R) * sizeof(float));
        }
        for (size_t h = kv * group; h < (kv + 1) * group; h++)
            for (size_t i = 0; i < s->rows; i += TILE) {
                size_t count = s->rows - i < TILE ? s->rows - i : TILE, last = seen(s, i + count - 1);
                size_t used = padded(last);
                for (size_t a = 0; a < A; a++) {
                    factor_t *f = s->factors + a;
                    size_t R = f->size, stride = heads * R;
                    take_tile(f->q + i * stride + h * R, stride, count, R, queries[a], padded(R));
                    tile_product(queries[a], padded(R), keys[a], width, factors[a], width, R, used);
                    for (size_t k = 0; k < TILE; k++) {
                        float *restrict f_k = factors[a] + k * width, *restrict z = scores + k * width;
                        affine(f_k, f, used);
                        if (a == 0) memcpy(z, f_k, used * sizeof(float));
                        else
                            for (size_t t = 0; t < used; t++) z[t] *= f_k[t];
                    }
                }
                take_tile(g->dout + (i * heads + h) * D, heads * D, count, D, douts, depth);
                tile_product(douts, depth, values, width, dscores, width, D, used);
                for (size_t k = 0; k < TILE; k++) {
                    float *z = scores + k * width, *restrict dz = dscores + k * width;
                    if (k >= count) {
                        memset(z, 0, used * sizeof(float));
                        memset(dz, 0, used * sizeof(float));
                        continue;
                    }
                    weigh_backward(s, g, i + k, h, z, dz, used);
                    if (g->dbias) {
                        float *restrict dbias = g->dbias + (h * s->rows + i + k) * columns;
                        size_t visible = seen(s, i + k);
                        for (size_t t = 0; t < visible; t++) dbias[t] += dz[t];
                    }
                }
                if (g->down_values) tile_outer(scores, width, douts, depth, dvalues, last, depth);
                for (size_t a = 0; a < A; a++) {
                    const kernel_interaction_factor_gradients *to = g->factors + a;
                    size_t R = s->factors[a].size, deep = padded(R);
                    if (!to->dq && !to->down_keys) continue;
                    for (size_t k = 0; k < TILE; k++) {
                        float *restrict df = others + k * width, scale = s->factors[a].scale;
                        const float *restrict dz = dscores + k * width;
                        for (size_t t = 0; t < used; t++) df[t] = scale * dz[t];
                        for (size_t b = 0; b < A; b++) {
                            const float *restrict f_k = factors[b] + k * width;
                            if (b != a)
                                for (size_t t = 0; t < used; t++) df[t] *= f_k[t];
                        }
                    }
                    if (to->dq) {
                        tile_product(others, width, key_rows[a], deep, result, deep, last, deep);
                        add_rows(to->dq + (i * heads + h) * R, heads * R, result, deep, count, R);
                    }
                    if (to->down_keys) tile_outer(others, width, queries[a], deep, dkeys[a], last, deep);
                }
            }
        if (g->down_values)
            add_packed(&value_head, g->dprefix_values, g->down_values, dvalues, depth, columns, D);
        for (size_t a = 0; a < A; a++) {
            const kernel_interaction_factor_gradients *to = g->factors + a;
            size_t R = s->factors[a].size;
            if (to->down_keys)
                add_packed(&key_heads[a], to->dprefix_keys, to->down_keys, dkeys[a], padded(R), columns, R);
        }
    }
}
