// Attention among the nodes of small graphs, sixteen states of one graph side by side in the lanes; pairs of nodes
// out of reach are passed over. Included by node_attention.c.
#pragma once

#include "lanes.h"
#include "tile.h"

enum { SPREAD_MAX = 1 << 18, FEWEST = 5, LARGEST = 256 };

INLINE int spreads(const kernel_nodes *g) {
    return g->heads * g->nodes * padded(g->nodes) <= SPREAD_MAX;
}

// How many of the states go by sixteens: all but a small rest.
INLINE size_t by_sixteens(const kernel_nodes *g) {
    if (g->nodes > LARGEST) return 0;
    size_t rest = g->states % 16;
    return rest < FEWEST ? g->states - rest : g->states;
}

// The parts of the scratch, in floats.
typedef struct {
    float *bias, *dbias;           // [heads, nodes, width] where spread
    float *scores, *probabilities; // [nodes rounded up to 16, 16]
    float *q, *up, *down;          // [size, 16]
    float *keys, *values;          // [size, width]: the gradients of a head's keys and values
    uint32_t *seen;                // [nodes]: the keys that some of sixteen queries see
    uint8_t *marks;                // [nodes]
    float *state[8];               // [nodes, heads, size, 16]: q, k, v, out, dout, dq, dk, dv
    float *buckets;                // [heads, buckets, 16]
} parts;

INLINE size_t take_parts(const kernel_nodes *g, float *scratch, parts *p) {
    size_t width = padded(g->nodes), spread = spreads(g) ? g->heads * g->nodes * width : 0;
    size_t all = by_sixteens(g) ? g->nodes * g->heads * g->size * 16 : 0;
    float *at = scratch;
    p->bias = at, at += spread;
    p->dbias = at, at += spread;
    p->scores = at, at += width * 16;
    p->probabilities = at, at += width * 16;
    p->q = at, at += g->size * 16;
    p->up = at, at += g->size * 16;
    p->down = at, at += g->size * 16;
    p->keys = at, at += g->size * width;
    p->values = at, at += g->size * width;
    p->seen = (uint32_t *)at, at += width;
    p->marks = (uint8_t *)at, at += width;
    for (int i = 0; i < 8; i++) p->state[i] = at, at += all;
    p->buckets = at, at += g->heads * g->buckets * 16;
    return (size_t)(at - scratch);
}

// The nodes that node i sees.
INLINE size_t seen_from(const kernel_nodes *g, size_t i, uint32_t *seen) {
    const uint8_t *hops = g->hops + i * g->nodes;
    size_t count = 0;
    for (size_t j = 0; j < g->nodes; j++) {
        seen[count] = (uint32_t)j;
        count += hops[j] <= g->reach;
    }
    return count;
}

// Columns of a head that are worked on at once, in registers.
enum { CHUNK = 8 };

INLINE size_t chunk(size_t size, size_t first) { return size - first < CHUNK ? size - first : CHUNK; }

INLINE void load_chunk(lanes *v, const float *from, size_t count) {
    for (size_t d = 0; d < count; d++) load(&v[d], from + d * 16);
}

INLINE void state_scores(const kernel_nodes *g, const parts *p, size_t i, size_t h, const uint32_t *seen,
                         size_t count, size_t size) {
    const size_t width = g->heads * size;
    const float *table = g->table + h * g->buckets;
    const float scale = g->scale;
    const uint8_t *hops = g->hops + i * g->nodes;
    for (size_t first = 0; first < size; first += CHUNK) {
        const size_t part = chunk(size, first), at = h * size + first;
        lanes q[CHUNK], sum, k;
        load_chunk(q, p->state[0] + (i * width + at) * 16, part);
        for (size_t s = 0; s < count; s++) {
            const float *keys = p->state[1] + (seen[s] * width + at) * 16;
            sum = 0;
            if (first) load(&sum, p->scores + s * 16);
            for (size_t d = 0; d < part; d++) {
                load(&k, keys + d * 16);
                sum += q[d] * k;
            }
            if (first + part == size) sum = scale * sum + table[hops[seen[s]]];
            store(p->scores + s * 16, &sum);
        }
    }
}

// exp(score − largest), in place.
INLINE void state_weights(const parts *p, const lanes *largest, size_t count) {
    lanes row;
    for (size_t s = 0; s < count; s++) {
        load(&row, p->scores + s * 16);
        row -= *largest;
        store(p->scores + s * 16, &row);
    }
    exp_lanes(p->scores, count);
}

INLINE void forward_states(const kernel_nodes *g, const parts *p, size_t state, size_t count, float *out,
                           float *kept, size_t size) {
    const size_t nodes = g->nodes, width = g->heads * size, all = nodes * width;
    uint32_t seen[LARGEST];
    to_lanes(g->q + state * all, all, count, all, p->state[0]);
    to_lanes(g->k + state * all, all, count, all, p->state[1]);
    to_lanes(g->v + state * all, all, count, all, p->state[2]);
    // Head by head, so that its keys and values stay in the nearest cache.
    for (size_t h = 0; h < g->heads; h++) {
        for (size_t i = 0; i < nodes; i++, kept += 32) {
            size_t sees = seen_from(g, i, seen);
            state_scores(g, p, i, h, seen, sees, size);
            lanes largest = -INFINITY, weight, total = 0, value;
            for (size_t s = 0; s < sees; s++) {
                load(&weight, p->scores + s * 16);
                largest = weight > largest ? weight : largest;
            }
            state_weights(p, &largest, sees);
            for (size_t s = 0; s < sees; s++) {
                load(&weight, p->scores + s * 16);
                total += weight;
            }
            total = 1.0f / total;
            store(kept, &largest);
            store(kept + 16, &total);
            for (size_t first = 0; first < size; first += CHUNK) {
                const size_t part = chunk(size, first), at = h * size + first;
                lanes sums[CHUNK];
                for (size_t d = 0; d < part; d++) sums[d] = 0;
                for (size_t s = 0; s < sees; s++) {
                    const float *values = p->state[2] + (seen[s] * width + at) * 16;
                    load(&weight, p->scores + s * 16);
                    for (size_t d = 0; d < part; d++) {
                        load(&value, values + d * 16);
                        sums[d] += weight * value;
                    }
                }
                for (size_t d = 0; d < part; d++) {
                    sums[d] *= total;
                    store(p->state[3] + (i * width + at + d) * 16, &sums[d]);
                }
            }
        }
    }
    from_lanes(p->state[3], all, count, all, 0, 1, out + state * all);
}

INLINE void backward_states(const kernel_nodes *g, const kernel_nodes_gradients *gradients, const parts *p,
                            size_t state, size_t count, const float *kept, size_t size) {
    const size_t nodes = g->nodes, width = g->heads * size, all = nodes * width;
    uint32_t seen[LARGEST];
    const float *inputs[] = {g->q, g->k, g->v, gradients->out, gradients->dout};
    for (int part = 0; part < 5; part++) to_lanes(inputs[part] + state * all, all, count, all, p->state[part]);
    for (int part = 5; part < 8; part++) memset(p->state[part], 0, all * 16 * sizeof(float));
    // Head by head, so that its keys and values stay in the nearest cache.
    for (size_t h = 0; h < g->heads; h++) {
        for (size_t i = 0; i < nodes; i++, kept += 32) {
            size_t sees = seen_from(g, i, seen);
            lanes largest, inverse, delta = 0, weight, slope, a, b;
            state_scores(g, p, i, h, seen, sees, size);
            load(&largest, kept);
            load(&inverse, kept + 16);
            state_weights(p, &largest, sees);
            for (size_t d = (i * width + h * size) * 16; d < (i * width + (h + 1) * size) * 16; d += 16) {
                load(&a, p->state[3] + d);
                load(&b, p->state[4] + d);
                delta += a * b;
            }
            // The slopes of the weights, dp; and dv on the way.
            for (size_t first = 0; first < size; first += CHUNK) {
                const size_t part = chunk(size, first), at = h * size + first;
                lanes up[CHUNK];
                load_chunk(up, p->state[4] + (i * width + at) * 16, part);
                for (size_t s = 0; s < sees; s++) {
                    const size_t other = (seen[s] * width + at) * 16;
                    load(&weight, p->scores + s * 16);
                    weight *= inverse;
                    slope = 0;
                    if (first) load(&slope, p->probabilities + s * 16);
                    for (size_t d = 0; d < part; d++) {
                        load(&a, p->state[2] + other + d * 16);
                        slope += up[d] * a;
                        load(&b, p->state[7] + other + d * 16);
                        b += weight * up[d];
                        store(p->state[7] + other + d * 16, &b);
                    }
                    store(p->probabilities + s * 16, &slope);
                }
            }
            for (size_t s = 0; s < sees; s++) {
                float *bucket = p->buckets + (h * g->buckets + g->hops[i * nodes + seen[s]]) * 16;
                load(&weight, p->scores + s * 16);
                load(&slope, p->probabilities + s * 16);
                slope = weight * inverse * (slope - delta);
                store(p->probabilities + s * 16, &slope);
                load(&a, bucket);
                a += slope;
                store(bucket, &a);
            }
            for (size_t first = 0; first < size; first += CHUNK) {
                const size_t part = chunk(size, first), at = h * size + first;
                lanes q[CHUNK], dq[CHUNK];
                load_chunk(q, p->state[0] + (i * width + at) * 16, part);
                for (size_t d = 0; d < part; d++) dq[d] = 0;
                for (size_t s = 0; s < sees; s++) {
                    const size_t other = (seen[s] * width + at) * 16;
                    load(&slope, p->probabilities + s * 16);
                    for (size_t d = 0; d < part; d++) {
                        load(&a, p->state[1] + other + d * 16);
                        dq[d] += slope * a;
                        load(&b, p->state[6] + other + d * 16);
                        b += slope * q[d];
                        store(p->state[6] + other + d * 16, &b);
                    }
                }
                for (size_t d = 0; d < part; d++) store(p->state[5] + (i * width + at + d) * 16, &dq[d]);
            }
        }
    }
    if (gradients->dq) from_lanes(p->state[5], all, count, all, 1, g->scale, gradients->dq + state * all);
    if (gradients->dk) from_lanes(p->state[6], all, count, all, 1, g->scale, gradients->dk + state * all);
    if (gradients->dv) from_lanes(p->state[7], all, count, all, 1, 1, gradients->dv + state * all);
}
