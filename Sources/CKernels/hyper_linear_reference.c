// The scalar twins of hyper_linear.c: the sums over the keys anew for every output, in double.
#include "hyper.h"

static int visible(segment_t *s, size_t i, size_t t) {
    return t < seen(s, i) && (!s->mask || s->mask[i * column_count(s) + t]);
}

// P_m[r, c] over the keys that query row i sees.
static double sum_of(segment_t *s, size_t i, size_t h, size_t m, size_t r, size_t c) {
    const head_rows keys = keys_of(s, s->places + m, h), values = values_of(s, s->places + m, h);
    double sum = 0;
    for (size_t t = 0; t < column_count(s); t++)
        if (visible(s, i, t)) sum += (double)row_at(&keys, t)[r] * row_at(&values, t)[c];
    return sum;
}

// The product over all places but one.
static double product_but(segment_t *s, size_t but, size_t i, size_t h, size_t r, size_t c) {
    double product = 1;
    for (size_t m = 0; m < s->place_count; m++)
        if (m != but) product *= sum_of(s, i, h, m, r, c);
    return product;
}

static double divisor(segment_t *s, size_t i) {
    double count = 0;
    for (size_t t = 0; t < column_count(s); t++) count += visible(s, i, t);
    return s->divides && count > 0 ? pow(count, (double)s->place_count) : 1;
}

void kernel_hyper_linear_reference(const kernel_hyper_segment *s, float *out) {
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++)
            for (size_t c = 0; c < s->value_size; c++) {
                double sum = 0;
                for (size_t r = 0; r < s->size; r++)
                    sum += s->q[(i * s->heads + h) * s->size + r] * product_but(s, PLACES_MAX, i, h, r, c);
                out[(i * s->heads + h) * s->value_size + c] = (float)(sum / divisor(s, i));
            }
}

void kernel_hyper_linear_backward_reference(const kernel_hyper_segment *s, const kernel_hyper_gradients *g) {
    for (size_t i = 0; i < s->rows; i++)
        for (size_t h = 0; h < s->heads; h++)
            for (size_t r = 0; r < s->size; r++)
                for (size_t c = 0; c < s->value_size; c++) {
                    size_t row = i * s->heads + h, at = row * s->size + r;
                    double dout = g->dout[row * s->value_size + c] / divisor(s, i);
                    if (g->dq) g->dq[at] += (float)(dout * product_but(s, PLACES_MAX, i, h, r, c));
                    for (size_t m = 0; m < s->place_count; m++) {
                        const kernel_hyper_place_gradients *to = g->places + m;
                        const head_rows keys = keys_of(s, s->places + m, h);
                        const head_rows values = values_of(s, s->places + m, h);
                        double dsum = s->q[at] * dout * product_but(s, m, i, h, r, c);
                        for (size_t t = 0; t < column_count(s); t++) {
                            if (!visible(s, i, t)) continue;
                            float *dkey = gradient_at(s, to->dprefix_keys, to->down_keys, s->size, t, h);
                            float *dvalue = gradient_at(s, to->dprefix_values, to->down_values,
                                                        s->value_size, t, h);
                            if (dkey) dkey[r] += (float)(dsum * row_at(&values, t)[c]);
                            if (dvalue) dvalue[c] += (float)(dsum * row_at(&keys, t)[r]);
                        }
                    }
                }
}
