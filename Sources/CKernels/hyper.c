// The keys and values of the last place are packed once per head. The tuples of the other places are walked
// through, four at a time: q times their keys is what attention.c has as a query row, so that the scores of
// all last keys are one small matrix product. A running maximum keeps the exponentials in range.
#include "hyper.h"

// What query row i of one head sees: place m the columns first[m] to end that the mask allows.
typedef struct {
    size_t first[PLACES_MAX], end, outer;
    const uint8_t *mask;
    const float *bias;
} sight_t;

// Four tuples of all places but the last: their columns and biases.
typedef struct {
    size_t count, columns[TILE][PLACES_MAX];
    float bias[TILE];
} tuples_t;

INLINE void look(segment_t *s, size_t i, size_t h, sight_t *sight) {
    size_t position = s->prefix_rows + s->own_before + i;
    sight->end = seen(s, i);
    sight->outer = s->place_count - 1;
    sight->mask = mask_row(s, i);
    sight->bias = s->bias ? s->bias + (h * s->rows + i) * column_count(s) : NULL;
    for (size_t m = 0; m < s->place_count; m++) {
        size_t window = s->places[m].window;
        size_t first = window && position + 1 > window ? position + 1 - window : 0;
        sight->first[m] = next_visible(sight->mask, first, sight->end);
    }
}

// The first tuple; 0 if a place sees nothing.
INLINE int first_tuple(const sight_t *sight, size_t *at) {
    for (size_t m = 0; m <= sight->outer; m++) {
        if (sight->first[m] >= sight->end) return 0;
        at[m] = sight->first[m];
    }
    return 1;
}

// The tuple after, with the rightmost place moving fastest; 0 after the last.
INLINE int next_tuple(const sight_t *sight, size_t *at) {
    for (size_t m = sight->outer; m-- > 0;) {
        at[m] = next_visible(sight->mask, at[m] + 1, sight->end);
        if (at[m] < sight->end) return 1;
        at[m] = sight->first[m];
    }
    return 0;
}

// Takes up to TILE tuples from `at` on: queries [TILE, depth] = q Π k^m, weights [TILE, value_depth] = Π v^m.
// Returns whether there are more.
INLINE int take_tuples(segment_t *s, const sight_t *sight, const float *q, size_t h, size_t *at, tuples_t *to,
                       float *queries, size_t depth, float *weights, size_t value_depth) {
    int more = 1;
    memset(queries, 0, TILE * depth * sizeof(float));
    memset(weights, 0, TILE * value_depth * sizeof(float));
    for (to->count = 0; more && to->count < TILE; more = next_tuple(sight, at)) {
        float *restrict w = queries + to->count * depth, *restrict o = weights + to->count * value_depth;
        float bias = 0;
        memcpy(w, q, s->size * sizeof(float));
        for (size_t c = 0; c < s->value_size; c++) o[c] = 1;
        for (size_t m = 0; m < sight->outer; m++) {
            const head_rows keys = keys_of(s, s->places + m, h), values = values_of(s, s->places + m, h);
            const float *key = row_at(&keys, at[m]), *value = row_at(&values, at[m]);
            for (size_t r = 0; r < s->size; r++) w[r] *= key[r];
            for (size_t c = 0; c < s->value_size; c++) o[c] *= value[c];
            if (sight->bias) bias += sight->bias[at[m]];
            to->columns[to->count][m] = at[m];
        }
        to->bias[to->count++] = bias;
    }
    return more;
}

// Raw products of one tuple with the last keys from column `low` on become its scores, −inf where nothing is
// seen.
INLINE void finish_scores(segment_t *s, const sight_t *sight, float bias, float *restrict z, size_t low) {
    size_t first = sight->first[sight->outer];
    for (size_t t = low; t < sight->end; t++) z[t] = z[t] * s->scale + bias;
    if (sight->bias)
        for (size_t t = low; t < sight->end; t++) z[t] += sight->bias[t];
    if (sight->mask)
        for (size_t t = low; t < sight->end; t++) z[t] = sight->mask[t] ? z[t] : -INFINITY;
    for (size_t t = low; t < first; t++) z[t] = -INFINITY;
}

size_t kernel_hyper_scratch(const kernel_hyper_segment *s) {
    size_t width = padded(column_count(s)), depth = padded(s->size), value_depth = padded(s->value_size);
    // For the gradients, which need more: keys and values transposed and by rows, gradients by rows; two
    // tiles of scores; three tiles of queries' and three of values' size.
    return (s->size + s->value_size) * width + 2 * width * (depth + value_depth) + 2 * TILE * width
           + 3 * TILE * (depth + value_depth);
}

KERNEL void kernel_hyper(const kernel_hyper_segment *s, float *scratch, float *out, float *lse) {
    size_t R = s->size, D = s->value_size, depth = padded(R), value_depth = padded(D);
    size_t last = s->place_count - 1, columns = column_count(s), width = padded(columns);
    float *keys = scratch, *values = keys + R * width, *scores = values + width * value_depth;
    float *queries = scores + TILE * width, *weights = queries + TILE * depth;
    float *result = weights + TILE * value_depth, *total = result + TILE * value_depth;
    float *lost = total + value_depth;
    for (size_t h = 0; h < s->heads; h++) {
        const head_rows key_head = keys_of(s, s->places + last, h);
        const head_rows value_head = values_of(s, s->places + last, h);
        pack(&key_head, columns, R, keys, width, NULL, 0);
        pack(&value_head, columns, D, NULL, width, values, value_depth);
        for (size_t i = 0; i < s->rows; i++) {
            sight_t sight;
            tuples_t tuples;
            size_t at[PLACES_MAX];
            float largest = -INFINITY, *restrict row = out + (i * s->heads + h) * D;
            double sum = 0;
            look(s, i, h, &sight);
            memset(total, 0, 2 * value_depth * sizeof(float));
            size_t low = sight.first[last] / 16 * 16, used = padded(sight.end);
            for (int more = first_tuple(&sight, at); more;) {
                more = take_tuples(s, &sight, s->q + (i * s->heads + h) * R, h, at, &tuples, queries, depth,
                                   weights, value_depth);
                tile_product(queries, depth, keys + low, width, scores + low, width, R, used - low);
                float before = largest, tile_sum = 0;
                for (size_t k = 0; k < tuples.count; k++) {
                    float *z = scores + k * width;
                    finish_scores(s, &sight, tuples.bias[k], z, low);
                    float best = row_maximum(z + low, sight.end - low);
                    largest = best > largest ? best : largest;
                }
                if (largest == -INFINITY) continue;
                if (largest > before) {
                    float shrink = exp_inline(before - largest);
                    sum *= shrink;
                    for (size_t c = 0; c < D; c++) {
                        total[c] *= shrink;
                        lost[c] *= shrink;
                    }
                }
                for (size_t k = 0; k < TILE; k++) {
#pragma clang fp reassociate(on)
                    float *restrict z = scores + k * width;
                    size_t end = k < tuples.count ? sight.end : low;
                    for (size_t t = low; t < end; t++) {
                        z[t] = exp_inline(z[t] - largest);
                        tile_sum += z[t];
                    }
                    memset(z + end, 0, (used - end) * sizeof(float));
                }
                sum += tile_sum;
                tile_product(scores + low, width, values + low * value_depth, value_depth, result,
                             value_depth, sight.end - low, value_depth);
                for (size_t c = 0; c < D; c++) {
                    float part = 0;
                    for (size_t k = 0; k < TILE; k++)
                        part += weights[k * value_depth + c] * result[k * value_depth + c];
                    add_compensated(total + c, lost + c, part);
                }
            }
            for (size_t c = 0; c < D; c++) row[c] = sum > 0 ? (float)(total[c] / sum) : 0;
            if (lse) lse[i * s->heads + h] = sum > 0 ? largest + (float)log(sum) : -INFINITY;
        }
    }
}

// Of one tuple of the outer places, given dw, the gradient to q Π k^m, and dproduct, that to Π v^m.
INLINE void spread(segment_t *s, const kernel_hyper_gradients *g, size_t i, size_t h, const size_t *at,
                   const float *dw, const float *dproduct) {
    size_t R = s->size, D = s->value_size, outer = s->place_count - 1, from = (i * s->heads + h) * R;
    for (size_t m = 0; m <= outer; m++) {
        // m = outer stands for q, which all keys multiply.
        int is_query = m == outer;
        const kernel_hyper_place_gradients *to = g->places + m;
        float *dkey = is_query ? (g->dq ? g->dq + from : NULL)
                               : gradient_at(s, to->dprefix_keys, to->down_keys, R, at[m], h);
        float *dvalue = is_query ? NULL : gradient_at(s, to->dprefix_values, to->down_values, D, at[m], h);
        for (size_t r = 0; r < R && dkey; r++) {
            float product = is_query ? dw[r] : dw[r] * s->q[from + r];
            for (size_t b = 0; b < outer; b++) {
                const head_rows keys = keys_of(s, s->places + b, h);
                if (b != m) product *= row_at(&keys, at[b])[r];
            }
            dkey[r] += product;
        }
        for (size_t c = 0; c < D && dvalue; c++) {
            float product = dproduct[c];
            for (size_t b = 0; b < outer; b++) {
                const head_rows values = values_of(s, s->places + b, h);
                if (b != m) product *= row_at(&values, at[b])[c];
            }
            dvalue[c] += product;
        }
    }
}

// Per tuple, with w = q Π k^m and o = Π v^m over all places but the last, and δ = dout · out:
// p = exp(z − lse),  dz = p (dout · (o v) − δ),  dw = scale Σ dz k,  dk += scale dz w,  do = dout Σ p v,
// dv += p dout o.
KERNEL void kernel_hyper_backward(const kernel_hyper_segment *s, const kernel_hyper_gradients *g,
                                  float *scratch) {
    size_t R = s->size, D = s->value_size, depth = padded(R), value_depth = padded(D);
    size_t last = s->place_count - 1, columns = column_count(s), width = padded(columns);
    float *keys = scratch, *values = keys + R * width, *key_rows = values + D * width;
    float *value_rows = key_rows + width * depth, *dkeys = value_rows + width * value_depth;
    float *dvalues = dkeys + width * depth, *scores = dvalues + width * value_depth;
    float *dscores = scores + TILE * width, *queries = dscores + TILE * width;
    float *dqueries = queries + TILE * depth, *weights = dqueries + TILE * depth;
    float *douts = weights + TILE * value_depth, *result = douts + TILE * value_depth;
    const kernel_hyper_place_gradients *to = g->places + last;
    for (size_t h = 0; h < s->heads; h++) {
        const head_rows key_head = keys_of(s, s->places + last, h);
        const head_rows value_head = values_of(s, s->places + last, h);
        pack(&key_head, columns, R, keys, width, key_rows, depth);
        pack(&value_head, columns, D, values, width, value_rows, value_depth);
        memset(dkeys, 0, width * (depth + value_depth) * sizeof(float));
        for (size_t i = 0; i < s->rows; i++) {
            sight_t sight;
            tuples_t tuples;
            size_t at[PLACES_MAX], row = i * s->heads + h;
            const float *dout = g->dout + row * D, *out = g->out + row * D;
            float delta = 0, lse = g->lse[row];
            if (lse == -INFINITY) continue;
            look(s, i, h, &sight);
            for (size_t c = 0; c < D; c++) delta += dout[c] * out[c];
            float *dbias = g->dbias ? g->dbias + (h * s->rows + i) * columns : NULL;
            size_t low = sight.first[last] / 16 * 16, used = padded(sight.end), length = sight.end - low;
            for (int more = first_tuple(&sight, at); more;) {
                more = take_tuples(s, &sight, s->q + row * R, h, at, &tuples, queries, depth, weights,
                                   value_depth);
                memset(douts, 0, TILE * value_depth * sizeof(float));
                for (size_t k = 0; k < tuples.count; k++)
                    for (size_t c = 0; c < D; c++)
                        douts[k * value_depth + c] = dout[c] * weights[k * value_depth + c];
                tile_product(queries, depth, keys + low, width, scores + low, width, R, used - low);
                tile_product(douts, value_depth, values + low, width, dscores + low, width, D, used - low);
                for (size_t k = 0; k < TILE; k++) {
#pragma clang fp reassociate(on)
                    float *restrict p = scores + k * width, *restrict dz = dscores + k * width, sum = 0;
                    size_t end = k < tuples.count ? sight.end : low;
                    if (k < tuples.count) finish_scores(s, &sight, tuples.bias[k], p, low);
                    for (size_t t = low; t < end; t++) {
                        p[t] = exp_inline(p[t] - lse);
                        dz[t] = p[t] * (dz[t] - delta);
                        sum += dz[t];
                    }
                    if (dbias && k < tuples.count) {
                        for (size_t t = low; t < end; t++) dbias[t] += dz[t];
                        for (size_t m = 0; m < last; m++) dbias[tuples.columns[k][m]] += sum;
                    }
                    for (size_t t = low; t < end; t++) dz[t] *= s->scale;
                    memset(p + end, 0, (used - end) * sizeof(float));
                    memset(dz + end, 0, (used - end) * sizeof(float));
                }
                if (to->down_keys)
                    tile_outer(dscores + low, width, queries, depth, dkeys + low * depth, length, depth);
                if (to->down_values)
                    tile_outer(scores + low, width, douts, value_depth, dvalues + low * value_depth, length,
                               value_depth);
                tile_product(dscores + low, width, key_rows + low * depth, depth, dqueries, depth, length,
                             depth);
                tile_product(scores + low, width, value_rows + low * value_depth, value_depth, result,
                             value_depth, length, value_depth);
                for (size_t k = 0; k < tuples.count; k++) {
                    for (size_t c = 0; c < D; c++) result[k * value_depth + c] *= dout[c];
                    spread(s, g, i, h, tuples.columns[k], dqueries + k * depth, result + k * value_depth);
                }
            }
        }
        if (to->down_keys)
            add_packed(&key_head, to->dprefix_keys, to->down_keys, dkeys, depth, columns, R);
        if (to->down_values)
            add_packed(&value_head, to->dprefix_values, to->down_values, dvalues, value_depth, columns, D);
    }
}
