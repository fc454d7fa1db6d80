// What hyper.c and hyper_linear.c share: who sees whom, and sums that do not drift.
#pragma once

#include "tile.h"

enum { PLACES_MAX = 7 };

typedef const kernel_hyper_segment segment_t;
typedef const kernel_hyper_place place_t;

INLINE size_t column_count(segment_t *s) { return s->prefix_rows + s->own_before + s->rows; }

// How many columns query row i may see, before mask and windows.
INLINE size_t seen(segment_t *s, size_t i) {
    return s->causal ? s->prefix_rows + s->own_before + i + 1 : column_count(s);
}

INLINE const uint8_t *mask_row(segment_t *s, size_t i) {
    return s->mask ? s->mask + i * column_count(s) : NULL;
}

INLINE head_rows keys_of(segment_t *s, place_t *p, size_t h) {
    return (head_rows){p->prefix_keys, p->own_keys, s->prefix_rows, s->heads * s->size, h * s->size};
}

INLINE head_rows values_of(segment_t *s, place_t *p, size_t h) {
    return (head_rows){p->prefix_values, p->own_values, s->prefix_rows, s->heads * s->value_size,
                       h * s->value_size};
}

// Row t of a head of the gradients to keys or values; NULL if there are none.
INLINE float *gradient_at(segment_t *s, float *prefix, float *own, size_t size, size_t t, size_t h) {
    const head_rows head = {prefix, own, s->prefix_rows, s->heads * size, h * size};
    return own ? (float *)row_at(&head, t) : NULL;
}

// The first key from t on that the mask allows; `end` if there is none.
INLINE size_t next_visible(const uint8_t *mask, size_t t, size_t end) {
    while (t < end && mask && !mask[t]) t++;
    return t;
}

// *sum += x, where *lost holds what rounding has added to the sum so far (Kahan 1965).
INLINE void add_compensated(float *sum, float *lost, float x) {
    float y = x - *lost, total = *sum + y;
    *lost = (total - *sum) - y;
    *sum = total;
}
