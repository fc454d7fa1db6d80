// The scalar twins of attention.c: one query row and one head at a time, in double.
#include "kernel.h"

typedef const kernel_attention_segment segment_t;

static const float *row_of(const float *prefix, const float *own, segment_t *s, size_t t, size_t h) {
    size_t D = s->head_size, stride = s->key_value_heads * D, at = h / (s->heads / s->key_value_heads) * D;
    return t < s->prefix_rows ? prefix + t * stride + at : own + (t - s->prefix_rows) * stride + at;
}

static double score(segment_t *s, size_t i, size_t h, size_t t) {
    const float *key = row_of(s->prefix_keys, s->own_keys, s, t, h);
    double z = kernel_dot_reference(s->q + (i * s->heads + h) * s->head_size, key, s->head_size) * s->scale;
    return s->cap > 0 ? s->cap * tanh(z / s->cap) : z;
}

// The first key that query row i sees.
static size_t first_of(segment_t *s, size_t i) {
    size_t visible = s->prefix_rows + s->own_before + i + 1;
    return s->window && visible > s->window ? visible - s->window : 0;
}

void kernel_attention_reference(const kernel_attention_segment *s, float *out, float *lse) {
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++) {
            size_t visible = s->prefix_rows + s->own_before + i + 1;
            double largest = -INFINITY, sum = 0;
            for (size_t t = first_of(s, i); t < visible; t++) largest = fmax(largest, score(s, i, h, t));
            for (size_t t = first_of(s, i); t < visible; t++) sum += exp(score(s, i, h, t) - largest);
            for (size_t d = 0; d < s->head_size; d++) {
                double mean = 0;
                for (size_t t = first_of(s, i); t < visible; t++) {
                    const float *value = row_of(s->prefix_values, s->own_values, s, t, h);
                    mean += exp(score(s, i, h, t) - largest) / sum * value[d];
                }
                out[(i * s->heads + h) * s->head_size + d] = (float)mean;
            }
            if (lse) lse[i * s->heads + h] = (float)(largest + log(sum));
        }
}

void kernel_attention_backward_reference(const kernel_attention_segment *s,
                                         const kernel_attention_gradients *g) {
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++) {
            size_t visible = s->prefix_rows + s->own_before + i + 1, at = (i * s->heads + h) * s->head_size;
            double delta = kernel_dot_reference(g->dout + at, g->out + at, s->head_size);
            for (size_t t = first_of(s, i); t < visible; t++) {
                double p = exp(score(s, i, h, t) - g->lse[i * s->heads + h]);
                const float *key = row_of(s->prefix_keys, s->own_keys, s, t, h);
                const float *value = row_of(s->prefix_values, s->own_values, s, t, h);
                float *dkey = (float *)row_of(g->dprefix_keys, g->down_keys, s, t, h);
                float *dvalue = (float *)row_of(g->dprefix_values, g->down_values, s, t, h);
                double ds = p * (kernel_dot_reference(g->dout + at, value, s->head_size) - delta) * s->scale;
                if (s->cap > 0) ds *= 1 - pow(score(s, i, h, t) / s->cap, 2);
                for (size_t d = 0; d < s->head_size; d++) {
                    if (g->dq) g->dq[at + d] += (float)(ds * key[d]);
                    if (!g->down_keys) continue;
                    dkey[d] += (float)(ds * s->q[at + d]);
                    dvalue[d] += (float)(p * g->dout[at + d]);
                }
            }
        }
}
