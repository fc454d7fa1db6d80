// The scalar twins of interaction.c: one query row, one head and one key at a time, in double.
#include "kernel.h"

typedef const kernel_interaction_segment segment_t;

static size_t column_count(segment_t *s) { return s->prefix_rows + s->own_before + s->rows; }

static int visible(segment_t *s, size_t i, size_t t) {
    int seen = !s->causal || t <= s->prefix_rows + s->own_before + i;
    return seen && (!s->mask || s->mask[i * column_count(s) + t]);
}

// Row t of the key-value head of query head h, for rows of heads of `size` values.
static const float *row_of(segment_t *s, const float *prefix, const float *own, size_t size, size_t t,
                           size_t h) {
    size_t stride = s->key_value_heads * size, at = h / (s->heads / s->key_value_heads) * size;
    return t < s->prefix_rows ? prefix + t * stride + at : own + (t - s->prefix_rows) * stride + at;
}

static double factor_of(segment_t *s, size_t a, size_t i, size_t h, size_t t) {
    const kernel_interaction_factor *f = s->factors + a;
    const float *key = row_of(s, f->prefix_keys, f->own_keys, f->size, t, h);
    return f->offset + f->scale * kernel_dot_reference(f->q + (i * s->heads + h) * f->size, key, f->size);
}

static double score(segment_t *s, size_t i, size_t h, size_t t) {
    double z = 1;
    for (size_t a = 0; a < s->factor_count; a++) z *= factor_of(s, a, i, h, t);
    return s->bias ? z + s->bias[(h * s->rows + i) * column_count(s) + t] : z;
}

static double visible_count(segment_t *s, size_t i) {
    double count = 0;
    for (size_t t = 0; t < column_count(s); t++) count += visible(s, i, t);
    return count;
}

void kernel_interaction_reference(const kernel_interaction_segment *s, float *out, float *lse) {
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++) {
            double largest = -INFINITY, sum = 0;
            for (size_t t = 0; t < column_count(s); t++)
                if (visible(s, i, t)) largest = fmax(largest, score(s, i, h, t));
            for (size_t t = 0; t < column_count(s); t++)
                if (visible(s, i, t)) sum += exp(score(s, i, h, t) - largest);
            for (size_t d = 0; d < s->value_size; d++) {
                double total = 0;
                for (size_t t = 0; t < column_count(s); t++) {
                    if (!visible(s, i, t)) continue;
                    double weight = score(s, i, h, t);
                    if (s->weighting == KERNEL_SOFTMAX) weight = exp(weight - largest) / sum;
                    if (s->weighting == KERNEL_MEAN) weight /= visible_count(s, i);
                    total += weight * row_of(s, s->prefix_values, s->own_values, s->value_size, t, h)[d];
                }
                out[(i * s->heads + h) * s->value_size + d] = (float)total;
            }
            if (lse && s->weighting == KERNEL_SOFTMAX) lse[i * s->heads + h] = (float)(largest + log(sum));
        }
}

// The gradient to the score of one visible key; *weight becomes what its value is weighed with.
static double score_gradient(segment_t *s, const kernel_interaction_gradients *g, size_t i, size_t h,
                             size_t t, double *weight) {
    size_t at = i * s->heads + h, D = s->value_size;
    const float *dout = g->dout + at * D;
    double z = score(s, i, h, t);
    double dweight = kernel_dot_reference(dout, row_of(s, s->prefix_values, s->own_values, D, t, h), D);
    if (s->weighting == KERNEL_SOFTMAX) {
        *weight = exp(z - g->lse[at]);
        return *weight * (dweight - kernel_dot_reference(dout, g->out + at * D, D));
    }
    double count = s->weighting == KERNEL_MEAN ? visible_count(s, i) : 1;
    *weight = z / count;
    return dweight / count;
}

void kernel_interaction_backward_reference(const kernel_interaction_segment *s,
                                           const kernel_interaction_gradients *g) {
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++)
            for (size_t t = 0; t < column_count(s); t++) {
                if (!visible(s, i, t)) continue;
                size_t at = i * s->heads + h, D = s->value_size;
                double weight, dz = score_gradient(s, g, i, h, t, &weight);
                if (g->dbias) g->dbias[(h * s->rows + i) * column_count(s) + t] += (float)dz;
                if (g->down_values) {
                    float *dvalue = (float *)row_of(s, g->dprefix_values, g->down_values, D, t, h);
                    for (size_t d = 0; d < D; d++) dvalue[d] += (float)(weight * g->dout[at * D + d]);
                }
                for (size_t a = 0; a < s->factor_count; a++) {
                    const kernel_interaction_factor *f = s->factors + a;
                    const kernel_interaction_factor_gradients *to = g->factors + a;
                    const float *key = row_of(s, f->prefix_keys, f->own_keys, f->size, t, h);
                    double df = dz * f->scale;
                    for (size_t b = 0; b < s->factor_count; b++)
                        if (b != a) df *= factor_of(s, b, i, h, t);
                    for (size_t d = 0; d < f->size && to->dq; d++)
                        to->dq[at * f->size + d] += (float)(df * key[d]);
                    if (!to->down_keys) continue;
                    float *dkey = (float *)row_of(s, to->dprefix_keys, to->down_keys, f->size, t, h);
                    for (size_t d = 0; d < f->size; d++) dkey[d] += (float)(df * f->q[at * f->size + d]);
                }
            }
}
