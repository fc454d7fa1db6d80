// Keys (and for the gradients values) of a whole batch are transposed once, head by head, so that the columns of a
// segment are a range of them; everything else is read where it lies. Eight query rows of one head are handled at a time.
#include <stdlib.h>

#include "block.h"
#include "lanes.h"

typedef const kernel_attention_batch batch_t;
typedef const kernel_attention_place place_t;

enum { QUERIES = 8, BLOCK = 32 };

INLINE size_t padded(size_t n) { return (n + 15) / 16 * 16; }

// Floats of this thread alone, kept for its next use.
static float *thread_scratch(size_t count) {
    static _Thread_local float *memory;
    static _Thread_local size_t held;
    if (count > held) {
        free(memory);
        held = padded(count);
        memory = aligned_alloc(64, held * sizeof(float));
    }
    return memory;
}

size_t kernel_attention_stride(size_t rows) { return padded(rows) + 16; }

KERNEL WIDE void kernel_attention_transpose(const float *x, size_t rows, size_t heads, size_t size, size_t head,
                                       float *to) {
    size_t stride = kernel_attention_stride(rows), from = heads * size;
    for (size_t t = 0; t < rows; t += 16) {
        size_t count = rows - t < 16 ? rows - t : 16;
        for (size_t c = 0; c < size; c += 16) {
            lanes r[16];
            for (size_t i = 0; i < 16; i++) {
                r[i] = 0;
                if (i < count) load(&r[i], x + (t + i) * from + head * size + c);
            }
            transpose(r);
            for (size_t d = 0; d < 16; d++) store(to + (c + d) * stride + t, &r[d]);
        }
    }
    for (size_t d = 0; d < size; d++) memset(to + d * stride + padded(rows), 0, 16 * sizeof(float));
}

// What a row sees: columns [prefix_from, prefix_rows) of the prefix and [own_from, own_to) of its segment.
typedef struct {
    size_t prefix_from, own_from, own_to;
} sight_t;

INLINE sight_t sight_of(batch_t *b, place_t *p, size_t i) {
    size_t last = p->prefix_rows + i, first = b->window && last + 1 > b->window ? last + 1 - b->window : 0;
    size_t prefix = first < p->prefix_rows ? first : p->prefix_rows;
    return (sight_t){prefix, first - prefix, i + 1};
}

// The columns that a tile of rows looks at, from whole vectors on.
typedef struct {
    size_t prefix_from, prefix_used, own_from, own_used;
} columns_t;

INLINE columns_t columns_of(batch_t *b, place_t *p, size_t i, size_t count) {
    sight_t first = sight_of(b, p, i);
    return (columns_t){first.prefix_from / 16 * 16, padded(p->prefix_rows), first.own_from / 16 * 16, padded(i + count)};
}

// a [count, D] times the transposed columns: z [count, width], first those of the prefix, then those of the segment.
INLINE void look(batch_t *b, place_t *p, const float *a, size_t count, const float *columns, float *z, size_t width,
                 columns_t c, int wide) {
    size_t row = b->heads * b->head_size, D = b->head_size, own = padded(p->prefix_rows);
    if (p->prefix_rows)
        block_product(a, row, 1, columns + p->prefix_first + c.prefix_from, b->stride, z + c.prefix_from, width, count,
                      D, c.prefix_used - c.prefix_from, 0, wide);
    block_product(a, row, 1, columns + p->first + c.own_from, b->stride, z + own + c.own_from, width, count, D,
                  c.own_used - c.own_from, 0, wide);
}

// to [count, D] = or += weights [count, width] times the rows of x, a tensor like keys and values.
INLINE void gather(batch_t *b, place_t *p, const float *z, size_t width, const float *x, size_t kv, float *to,
                   size_t count, columns_t c, size_t seen, int adds, int wide) {
    size_t D = b->head_size, ldb = b->key_value_heads * D, row = b->heads * D, own = padded(p->prefix_rows);
    if (p->prefix_rows > c.prefix_from) {
        block_product(z + c.prefix_from, width, 1, x + (p->prefix_first + c.prefix_from) * ldb + kv * D, ldb, to, row,
                      count, p->prefix_rows - c.prefix_from, D, adds, wide);
        adds = 1;
    }
    block_product(z + own + c.own_from, width, 1, x + (p->first + c.own_from) * ldb + kv * D, ldb, to, row, count,
                  seen - c.own_from, D, adds, wide);
}

INLINE void clear(float *z, size_t from, size_t to) {
    if (to > from) memset(z + from, 0, (to - from) * sizeof(float));
}

// Zeros what a row does not see of the columns of its tile.
INLINE void hide(float *z, place_t *p, sight_t s, columns_t c) {
    float *own = z + padded(p->prefix_rows);
    clear(z, c.prefix_from, s.prefix_from);
    clear(z, p->prefix_rows, c.prefix_used);
    clear(own, c.own_from, s.own_from);
    clear(own, s.own_to, c.own_used);
}

INLINE void cap_scores(float *restrict z, size_t from, size_t to, float scale, float cap) {
    for (size_t t = from; t < to; t++) z[t] = cap * tanh_inline(z[t] * scale / cap);
}

INLINE float exponentials(float *restrict z, size_t from, size_t to, float largest, float scale) {
#pragma clang fp reassociate(on)
    float sum = 0;
    for (size_t t = from; t < to; t++) {
        z[t] = exp_inline((z[t] - largest) * scale);
        sum += z[t];
    }
    return sum;
}

KERNEL WIDE void kernel_attention(const kernel_attention_batch *b, const kernel_attention_place *p, size_t h,
                                           float *out, float *lse) {
    size_t D = b->head_size, H = b->heads, kv = h / (H / b->key_value_heads), own = padded(p->prefix_rows);
    size_t width = own + padded(p->rows) + 16;
    int wide = b->wide;
    float *z = thread_scratch(QUERIES * width);
    const float *columns = b->keys + kv * D * b->stride;
    for (size_t i = 0; i < p->rows; i += QUERIES) {
        size_t count = p->rows - i < QUERIES ? p->rows - i : QUERIES, at = ((p->first + i) * H + h) * D;
        columns_t c = columns_of(b, p, i, count);
        float factor[QUERIES];
        look(b, p, b->q + at, count, columns, z, width, c, wide);
        for (size_t k = 0; k < count; k++) {
            sight_t s = sight_of(b, p, i + k);
            float *row = z + k * width, scale = b->scale;
            if (b->cap > 0.0f) {
                cap_scores(row, s.prefix_from, p->prefix_rows, scale, b->cap);
                cap_scores(row + own, s.own_from, s.own_to, scale, b->cap);
                scale = 1.0f;
            }
            float largest = row_maximum(row + own + s.own_from, s.own_to - s.own_from);
            if (s.prefix_from < p->prefix_rows) {
                float other = row_maximum(row + s.prefix_from, p->prefix_rows - s.prefix_from);
                largest = other > largest ? other : largest;
            }
            float sum = exponentials(row, s.prefix_from, p->prefix_rows, largest, scale)
                        + exponentials(row + own, s.own_from, s.own_to, largest, scale);
            hide(row, p, s, c);
            factor[k] = 1.0f / sum;
            if (lse) lse[(p->first + i + k) * H + h] = largest * scale + logf(sum);
        }
        gather(b, p, z, width, b->v, kv, out + at, count, c, i + count, 0, wide);
        for (size_t k = 0; k < count; k++)
            for (size_t d = 0; d < D; d++) out[at + k * H * D + d] *= factor[k];
    }
}

// z holds scores and dz dout · v of one row; then the probabilities and the gradient to q·k.
INLINE void probabilities(float *restrict z, float *restrict dz, size_t from, size_t to, float scale, float cap,
                          float lse, float delta) {
    if (cap > 0.0f) {
        for (size_t t = from; t < to; t++) {
            float tanh = tanh_inline(z[t] * scale / cap);
            z[t] = exp_inline(cap * tanh - lse);
            dz[t] = z[t] * (dz[t] - delta) * (1.0f - tanh * tanh) * scale;
        }
        return;
    }
    for (size_t t = from; t < to; t++) {
        z[t] = exp_inline(z[t] * scale - lse);
        dz[t] = z[t] * (dz[t] - delta) * scale;
    }
}

// to [from …< end, D] += zᵀ x: the gradient to keys or values from rows i …< i + n of the queries, of which column t is
// seen by those from t on where the columns are the segment's own.
INLINE void spread(const float *z, size_t width, const float *x, size_t ldx, float *to, size_t ldt, size_t n,
                   size_t from, size_t end, size_t D, size_t i, int causal, int wide) {
    for (size_t t = from; t < end; t += QUERIES) {
        size_t count = end - t < QUERIES ? end - t : QUERIES, skip = causal && t > i ? t - i : 0;
        block_product(z + skip * width + t, 1, width, x + skip * ldx, ldx, to + t * ldt, ldt, count, n - skip, D, 1,
                      wide);
    }
}

KERNEL WIDE void kernel_attention_backward(const kernel_attention_batch *b, const kernel_attention_place *p,
                                                    size_t h, const kernel_attention_gradients *g) {
    size_t D = b->head_size, H = b->heads, kv = h / (H / b->key_value_heads), own = padded(p->prefix_rows);
    size_t width = own + padded(p->rows) + 16;
    int wide = b->wide;
    float *z = thread_scratch(2 * BLOCK * width), *dz = z + BLOCK * width;
    const float *keys = b->keys + kv * D * b->stride, *values = b->values + kv * D * b->stride;
    for (size_t i = 0; i < p->rows; i += BLOCK) {
        size_t block = p->rows - i < BLOCK ? p->rows - i : BLOCK, at = ((p->first + i) * H + h) * D;
        columns_t all = columns_of(b, p, i, block);
        for (size_t j = 0; j < block; j += QUERIES) {
            size_t count = block - j < QUERIES ? block - j : QUERIES, here = at + j * H * D;
            columns_t c = columns_of(b, p, i + j, count);
            float *tile = z + j * width, *dtile = dz + j * width;
            look(b, p, b->q + here, count, keys, tile, width, c, wide);
            look(b, p, g->dout + here, count, values, dtile, width, c, wide);
            for (size_t k = 0; k < count; k++) {
                sight_t s = sight_of(b, p, i + j + k);
                size_t row = (p->first + i + j + k) * H + h;
                float *pz = tile + k * width, *pd = dtile + k * width, delta = 0;
                {
#pragma clang fp reassociate(on)
                    for (size_t d = 0; d < D; d++) delta += g->dout[row * D + d] * g->out[row * D + d];
                }
                float lse = g->lse[row];
                probabilities(pz, pd, s.prefix_from, p->prefix_rows, b->scale, b->cap, lse, delta);
                probabilities(pz + own, pd + own, s.own_from, s.own_to, b->scale, b->cap, lse, delta);
                columns_t whole = {all.prefix_from, all.prefix_used, all.own_from, all.own_used};
                hide(pz, p, s, whole);
                hide(pd, p, s, whole);
            }
            if (g->dq) gather(b, p, dtile, width, b->k, kv, g->dq + here, count, c, i + j + count, 1, wide);
        }
        if (!g->down_keys) continue;
        const float *q = b->q + at, *dout = g->dout + at;
        size_t row = H * D, stride = g->stride, end = i + block;
        if (p->prefix_rows > all.prefix_from) {
            spread(dz, width, q, row, g->dprefix_keys, stride, block, all.prefix_from, p->prefix_rows, D, i, 0, wide);
            spread(z, width, dout, row, g->dprefix_values, stride, block, all.prefix_from, p->prefix_rows, D, i, 0,
                   wide);
        }
        spread(dz + own, width, q, row, g->down_keys, stride, block, all.own_from, end, D, i, 1, wide);
        spread(z + own, width, dout, row, g->down_values, stride, block, all.own_from, end, D, i, 1, wide);
    }
}
