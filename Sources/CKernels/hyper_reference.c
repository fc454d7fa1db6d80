// The scalar twins of hyper.c: one query row, one head and one tuple of keys at a time, in double.
#include "hyper.h"

// Tuple `number` of columns^places; 0 if the row does not see all of it.
static int tuple_of(segment_t *s, size_t i, size_t number, size_t *at) {
    size_t position = s->prefix_rows + s->own_before + i;
    for (size_t m = s->place_count; m-- > 0; number /= column_count(s)) {
        size_t t = at[m] = number % column_count(s), window = s->places[m].window;
        if (t >= seen(s, i) || (s->mask && !s->mask[i * column_count(s) + t])) return 0;
        if (window && t + window <= position) return 0;
    }
    return 1;
}

static size_t tuple_count(segment_t *s) {
    size_t count = 1;
    for (size_t m = 0; m < s->place_count; m++) count *= column_count(s);
    return count;
}

// Value r of the key, or of the value, that stands at place m.
static double key_at(segment_t *s, size_t m, size_t t, size_t h, size_t r) {
    const head_rows keys = keys_of(s, s->places + m, h);
    return row_at(&keys, t)[r];
}

static double value_at(segment_t *s, size_t m, size_t t, size_t h, size_t c) {
    const head_rows values = values_of(s, s->places + m, h);
    return row_at(&values, t)[c];
}

// The product of the keys, or values, of all places but one.
static double keys_but(segment_t *s, size_t but, const size_t *at, size_t h, size_t r) {
    double product = 1;
    for (size_t m = 0; m < s->place_count; m++)
        if (m != but) product *= key_at(s, m, at[m], h, r);
    return product;
}

static double values_but(segment_t *s, size_t but, const size_t *at, size_t h, size_t c) {
    double product = 1;
    for (size_t m = 0; m < s->place_count; m++)
        if (m != but) product *= value_at(s, m, at[m], h, c);
    return product;
}

static double score(segment_t *s, size_t i, size_t h, const size_t *at) {
    double z = 0;
    for (size_t r = 0; r < s->size; r++)
        z += s->q[(i * s->heads + h) * s->size + r] * keys_but(s, PLACES_MAX, at, h, r);
    z *= s->scale;
    for (size_t m = 0; m < s->place_count && s->bias; m++)
        z += s->bias[(h * s->rows + i) * column_count(s) + at[m]];
    return z;
}

void kernel_hyper_reference(const kernel_hyper_segment *s, float *out, float *lse) {
    size_t at[PLACES_MAX];
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++) {
            double largest = -INFINITY, sum = 0;
            for (size_t n = 0; n < tuple_count(s); n++)
                if (tuple_of(s, i, n, at)) largest = fmax(largest, score(s, i, h, at));
            for (size_t n = 0; n < tuple_count(s); n++)
                if (tuple_of(s, i, n, at)) sum += exp(score(s, i, h, at) - largest);
            for (size_t c = 0; c < s->value_size; c++) {
                double mean = 0;
                for (size_t n = 0; n < tuple_count(s); n++)
                    if (tuple_of(s, i, n, at))
                        mean += exp(score(s, i, h, at) - largest) / sum * values_but(s, PLACES_MAX, at, h, c);
                out[(i * s->heads + h) * s->value_size + c] = (float)mean;
            }
            if (lse) lse[i * s->heads + h] = (float)(largest + log(sum));
        }
}

void kernel_hyper_backward_reference(const kernel_hyper_segment *s, const kernel_hyper_gradients *g) {
    size_t at[PLACES_MAX];
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++) {
            size_t row = i * s->heads + h, R = s->size, D = s->value_size;
            const float *q = s->q + row * R, *dout = g->dout + row * D;
            double delta = kernel_dot_reference(dout, g->out + row * D, D);
            for (size_t n = 0; n < tuple_count(s); n++) {
                if (!tuple_of(s, i, n, at)) continue;
                double p = exp(score(s, i, h, at) - g->lse[row]), dp = 0;
                for (size_t c = 0; c < D; c++) dp += dout[c] * values_but(s, PLACES_MAX, at, h, c);
                double dz = p * (dp - delta);
                for (size_t r = 0; r < R && g->dq; r++)
                    g->dq[row * R + r] += (float)(dz * s->scale * keys_but(s, PLACES_MAX, at, h, r));
                for (size_t m = 0; m < s->place_count; m++) {
                    const kernel_hyper_place_gradients *to = g->places + m;
                    float *dkey = gradient_at(s, to->dprefix_keys, to->down_keys, R, at[m], h);
                    float *dvalue = gradient_at(s, to->dprefix_values, to->down_values, D, at[m], h);
                    for (size_t r = 0; r < R && dkey; r++)
                        dkey[r] += (float)(dz * s->scale * q[r] * keys_but(s, m, at, h, r));
                    for (size_t c = 0; c < D && dvalue; c++)
                        dvalue[c] += (float)(p * dout[c] * values_but(s, m, at, h, c));
                    if (g->dbias) g->dbias[(h * s->rows + i) * column_count(s) + at[m]] += (float)dz;
                }
            }
        }
}
