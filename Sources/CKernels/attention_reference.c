// The scalar twins of attention.c: one query row at a time, in double.
#include "kernel.h"

typedef const kernel_attention_batch batch_t;
typedef const kernel_attention_place place_t;

// Row t of what a segment sees, counting the rows of its prefix first, of a head that query head h reads.
static const float *row_of(batch_t *b, place_t *p, const float *x, size_t t, size_t h) {
    size_t row = t < p->prefix_rows ? p->prefix_first + t : p->first + t - p->prefix_rows;
    return x + (row * b->key_value_heads + h / (b->heads / b->key_value_heads)) * b->head_size;
}

static double score(batch_t *b, place_t *p, size_t i, size_t h, size_t t) {
    const float *query = b->q + ((p->first + i) * b->heads + h) * b->head_size;
    double z = kernel_dot_reference(query, row_of(b, p, b->k, t, h), b->head_size) * b->scale;
    return b->cap > 0 ? b->cap * tanh(z / b->cap) : z;
}

// The first key that query row i sees.
static size_t first_of(batch_t *b, place_t *p, size_t i) {
    size_t visible = p->prefix_rows + i + 1;
    return b->window && visible > b->window ? visible - b->window : 0;
}

void kernel_attention_reference(const kernel_attention_batch *b, const kernel_attention_place *p, size_t h,
                                float *out, float *lse) {
    for (size_t i = 0; i < p->rows; i++) {
        size_t visible = p->prefix_rows + i + 1, at = (p->first + i) * b->heads + h;
        double largest = -INFINITY, sum = 0;
        for (size_t t = first_of(b, p, i); t < visible; t++) largest = fmax(largest, score(b, p, i, h, t));
        for (size_t t = first_of(b, p, i); t < visible; t++) sum += exp(score(b, p, i, h, t) - largest);
        for (size_t d = 0; d < b->head_size; d++) {
            double mean = 0;
            for (size_t t = first_of(b, p, i); t < visible; t++)
                mean += exp(score(b, p, i, h, t) - largest) / sum * row_of(b, p, b->v, t, h)[d];
            out[at * b->head_size + d] = (float)mean;
        }
        if (lse) lse[at] = (float)(largest + log(sum));
    }
}

void kernel_attention_backward_reference(const kernel_attention_batch *b, const kernel_attention_place *p,
                                         size_t h, const kernel_attention_gradients *g) {
    size_t D = b->head_size;
    for (size_t i = 0; i < p->rows; i++) {
        size_t visible = p->prefix_rows + i + 1, at = (p->first + i) * b->heads + h;
        const float *dout = g->dout + at * D, *query = b->q + at * D;
        double delta = kernel_dot_reference(dout, g->out + at * D, D);
        for (size_t t = first_of(b, p, i); t < visible; t++) {
            double p_t = exp(score(b, p, i, h, t) - g->lse[at]);
            const float *key = row_of(b, p, b->k, t, h), *value = row_of(b, p, b->v, t, h);
            size_t own = t - p->prefix_rows;
            float *dkey = t < p->prefix_rows ? g->dprefix_keys + t * g->stride : g->down_keys + own * g->stride;
            float *dvalue = t < p->prefix_rows ? g->dprefix_values + t * g->stride : g->down_values + own * g->stride;
            double ds = p_t * (kernel_dot_reference(dout, value, D) - delta) * b->scale;
            if (b->cap > 0) ds *= 1 - pow(score(b, p, i, h, t) / b->cap, 2);
            for (size_t d = 0; d < D; d++) {
                if (g->dq) g->dq[at * D + d] += (float)(ds * key[d]);
                if (!g->down_keys) continue;
                dkey[d] += (float)(ds * query[d]);
                dvalue[d] += (float)(p_t * dout[d]);
            }
        }
    }
}
