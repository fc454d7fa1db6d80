// Without softmax the sum over tuples is a product of sums over keys (arXiv:2506.06179, appendix F.3): per
// head, a state of place_count matrices P_m [size, value_size]. A causal pass runs the state along the rows.
// Its gradient runs back from checkpoints of the state, √rows apart, and recomputes the states between;
// nothing is subtracted from a state. Sums over rows are compensated.
#include "hyper.h"

// Of one head: the sums, and behind them what rounding has added to each.
INLINE size_t sums_count(segment_t *s) { return s->place_count * s->size * s->value_size; }


INLINE size_t checkpoint_distance(segment_t *s) {
    size_t distance = 1;
    while (distance * distance < s->rows) distance++;
    return distance;
}

size_t kernel_hyper_linear_scratch(const kernel_hyper_segment *s) {
    // For the gradients, which need more: the state and its gradient, each with its compensation;
    // checkpoints; the states between two; two rows.
    return (4 + 2 * checkpoint_distance(s)) * sums_count(s) + 2 * s->value_size;
}

INLINE void add_compensated_row(float *restrict sums, float *restrict lost, float a, const float *restrict b,
                                size_t n) {
    for (size_t c = 0; c < n; c++) add_compensated(sums + c, lost + c, a * b[c]);
}

// Adds row t, counting the prefix rows first, to the state of one head.
INLINE void add_row(segment_t *s, size_t t, size_t h, float *state) {
    size_t R = s->size, D = s->value_size, count = sums_count(s);
    for (size_t m = 0; m < s->place_count; m++) {
        const head_rows keys = keys_of(s, s->places + m, h), values = values_of(s, s->places + m, h);
        const float *key = row_at(&keys, t), *value = row_at(&values, t);
        for (size_t r = 0; r < R; r++) {
            float *sums = state + (m * R + r) * D;
            add_compensated_row(sums, sums + count, key[r], value, D);
        }
    }
}

// row[c] = Π P_m[r, c] over all places m but one; all if `but` is place_count.
INLINE void product_row(segment_t *s, const float *sums, size_t r, size_t but, float *restrict row) {
    size_t R = s->size, D = s->value_size;
    for (size_t c = 0; c < D; c++) row[c] = 1;
    for (size_t m = 0; m < s->place_count; m++) {
        const float *restrict p = sums + (m * R + r) * D;
        if (m != but)
            for (size_t c = 0; c < D; c++) row[c] *= p[c];
    }
}

// out[c] = factor Σ_r q[r] Π_m P_m[r, c]; `row` holds value_size floats.
INLINE void read_state(segment_t *s, const float *sums, const float *q, float factor, float *row,
                       float *restrict out) {
    size_t D = s->value_size;
    memset(out, 0, D * sizeof(float));
    for (size_t r = 0; r < s->size; r++) {
        product_row(s, sums, r, s->place_count, row);
        for (size_t c = 0; c < D; c++) out[c] += q[r] * row[c];
    }
    for (size_t c = 0; c < D; c++) out[c] *= factor;
}

// What divides the output of query row i, as a factor; 1 if it sees nothing.
INLINE float divisor(segment_t *s, size_t i) {
    size_t visible = seen(s, i);
    const uint8_t *mask = mask_row(s, i);
    float power = 1;
    if (!s->divides) return 1;
    if (mask) {
        size_t count = 0;
        for (size_t t = 0; t < visible; t++) count += mask[t] != 0;
        visible = count;
    }
    for (size_t m = 0; m < s->place_count && visible; m++) power *= (float)visible;
    return 1.0f / power;
}

// The state that query row i of a masked segment sees, from nothing.
INLINE void masked_state(segment_t *s, size_t i, size_t h, float *state) {
    const uint8_t *mask = mask_row(s, i);
    size_t end = seen(s, i);
    memset(state, 0, 2 * sums_count(s) * sizeof(float));
    for (size_t t = next_visible(mask, 0, end); t < end; t = next_visible(mask, t + 1, end))
        add_row(s, t, h, state);
}

// The state of the rows that every query row sees: those before the own queried ones if causal, else all.
INLINE void common_state(segment_t *s, size_t h, float *state) {
    size_t end = s->causal ? s->prefix_rows + s->own_before : column_count(s);
    memset(state, 0, 2 * sums_count(s) * sizeof(float));
    for (size_t t = 0; t < end; t++) add_row(s, t, h, state);
}

KERNEL void kernel_hyper_linear(const kernel_hyper_segment *s, float *scratch, float *out) {
    size_t R = s->size, D = s->value_size;
    float *state = scratch, *row = state + 2 * sums_count(s);
    for (size_t h = 0; h < s->heads; h++) {
        if (!s->mask) common_state(s, h, state);
        for (size_t i = 0; i < s->rows; i++) {
            if (s->mask) masked_state(s, i, h, state);
            else if (s->causal) add_row(s, s->prefix_rows + s->own_before + i, h, state);
            size_t at = i * s->heads + h;
            read_state(s, state, s->q + at * R, divisor(s, i), row, out + at * D);
        }
    }
}

KERNEL void kernel_hyper_state_add(const kernel_hyper_segment *s, float *state) {
    for (size_t h = 0; h < s->heads; h++)
        for (size_t t = 0; t < column_count(s); t++) add_row(s, t, h, state + h * 2 * sums_count(s));
}

KERNEL void kernel_hyper_step(const kernel_hyper_segment *s, float *state, float *scratch, float *out) {
    for (size_t h = 0; h < s->heads; h++)
        for (size_t i = 0; i < s->rows; i++) {
            float *sums = state + h * 2 * sums_count(s);
            size_t at = i * s->heads + h;
            add_row(s, i, h, sums);
            read_state(s, sums, s->q + at * s->size, divisor(s, i), scratch, out + at * s->value_size);
        }
}

// Adds what query row i gives to dq and to dstate, the gradient to the sums that it sees.
INLINE void read_state_backward(segment_t *s, const kernel_hyper_gradients *g, size_t i, size_t h,
                                const float *sums, float *dstate, float *rows) {
#pragma clang fp reassociate(on)
    size_t R = s->size, D = s->value_size, at = i * s->heads + h, count = sums_count(s);
    float factor = divisor(s, i), *restrict dout = rows, *restrict row = rows + D;
    const float *q = s->q + at * R;
    for (size_t c = 0; c < D; c++) dout[c] = factor * g->dout[at * D + c];
    for (size_t r = 0; r < R; r++) {
        if (g->dq) {
            float sum = 0;
            product_row(s, sums, r, s->place_count, row);
            for (size_t c = 0; c < D; c++) sum += dout[c] * row[c];
            g->dq[at * R + r] += sum;
        }
        for (size_t m = 0; m < s->place_count; m++) {
            float *to = dstate + (m * R + r) * D;
            product_row(s, sums, r, m, row);
            for (size_t c = 0; c < D; c++) row[c] *= dout[c];
            add_compensated_row(to, to + count, q[r], row, D);
        }
    }
}

// Of row t, which went into sums of gradient dstate: dk += dP v, dv += dPᵀ k.
INLINE void add_row_backward(segment_t *s, const kernel_hyper_gradients *g, size_t t, size_t h,
                             const float *dstate) {
#pragma clang fp reassociate(on)
    size_t R = s->size, D = s->value_size;
    for (size_t m = 0; m < s->place_count; m++) {
        const kernel_hyper_place_gradients *to = g->places + m;
        const head_rows keys = keys_of(s, s->places + m, h), values = values_of(s, s->places + m, h);
        const float *key = row_at(&keys, t), *value = row_at(&values, t);
        float *dkey = gradient_at(s, to->dprefix_keys, to->down_keys, R, t, h);
        float *dvalue = gradient_at(s, to->dprefix_values, to->down_values, D, t, h);
        for (size_t r = 0; r < R; r++) {
            const float *dsum = dstate + (m * R + r) * D;
            float sum = 0;
            for (size_t c = 0; c < D && dkey; c++) sum += dsum[c] * value[c];
            if (dkey) dkey[r] += sum;
            for (size_t c = 0; c < D && dvalue; c++) dvalue[c] += key[r] * dsum[c];
        }
    }
}

INLINE void masked_backward(segment_t *s, const kernel_hyper_gradients *g, size_t h, float *state,
                            float *dstate, float *rows) {
    for (size_t i = 0; i < s->rows; i++) {
        size_t end = seen(s, i);
        masked_state(s, i, h, state);
        memset(dstate, 0, 2 * sums_count(s) * sizeof(float));
        read_state_backward(s, g, i, h, state, dstate, rows);
        const uint8_t *mask = mask_row(s, i);
        for (size_t t = next_visible(mask, 0, end); t < end; t = next_visible(mask, t + 1, end))
            add_row_backward(s, g, t, h, dstate);
    }
}

INLINE void causal_backward(segment_t *s, const kernel_hyper_gradients *g, size_t h, float *state,
                            float *dstate, float *rows, float *checkpoints) {
    size_t distance = checkpoint_distance(s), count = sums_count(s), bytes = count * sizeof(float);
    size_t before = s->prefix_rows + s->own_before, start = 0;
    float *between = checkpoints + distance * count;
    common_state(s, h, state);
    for (size_t i = 0; i < s->rows; i++) {
        if (i % distance == 0) memcpy(checkpoints + i / distance * count, state, bytes);
        add_row(s, before + i, h, state);
    }
    for (size_t end = s->rows; end > 0; end = start) {
        start = (end - 1) / distance * distance;
        memcpy(state, checkpoints + start / distance * count, bytes);
        memset(state + count, 0, bytes);
        for (size_t i = start; i < end; i++) {
            add_row(s, before + i, h, state);
            memcpy(between + (i - start) * count, state, bytes);
        }
        for (size_t i = end; i-- > start;) {
            read_state_backward(s, g, i, h, between + (i - start) * count, dstate, rows);
            add_row_backward(s, g, before + i, h, dstate);
        }
    }
    for (size_t t = 0; t < before; t++) add_row_backward(s, g, t, h, dstate);
}

// With M = Π P_m:  dq = M dout,  dP_m = q doutᵀ ⊙ Π_{b ≠ m} P_b, and of each row that a query sees,
// dk^m = dP_m v^m,  dv^m = dP_mᵀ k^m, where dP_m is summed over the queries that see the row.
KERNEL void kernel_hyper_linear_backward(const kernel_hyper_segment *s, const kernel_hyper_gradients *g,
                                         float *scratch) {
    size_t count = sums_count(s);
    float *state = scratch, *dstate = state + 2 * count, *rows = dstate + 2 * count;
    float *checkpoints = rows + 2 * s->value_size;
    for (size_t h = 0; h < s->heads; h++) {
        memset(dstate, 0, 2 * count * sizeof(float));
        if (s->mask) {
            masked_backward(s, g, h, state, dstate, rows);
        } else if (s->causal) {
            causal_backward(s, g, h, state, dstate, rows, checkpoints);
        } else {
            common_state(s, h, state);
            for (size_t i = 0; i < s->rows; i++) read_state_backward(s, g, i, h, state, dstate, rows);
            for (size_t t = 0; t < column_count(s); t++) add_row_backward(s, g, t, h, dstate);
        }
    }
}
