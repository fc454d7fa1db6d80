// Attention among the nodes of small graphs, many states of one graph at a time.
//
// Sixteen queries stand side by side in the lanes, and keys come one after the other: maxima and sums over keys then
// are whole-vector operations, whatever the size of a head. A graph's biases are spread out once for all its states
// where they fit, [heads, nodes, width] with width = nodes rounded up to 16 and −inf for what is out of reach.
#include "tile.h"

enum { SPREAD_MAX = 1 << 18 };  // floats

INLINE int spreads(const kernel_nodes *g) {
    return g->heads * g->nodes * padded(g->nodes) <= SPREAD_MAX;
}

// The parts of the scratch, in floats.
typedef struct {
    float *bias, *dbias;           // [heads, nodes, width] where spread
    float *scores, *probabilities; // [nodes, 16]
    float *q, *up, *down;          // [size, 16]
} parts;

INLINE size_t take_parts(const kernel_nodes *g, float *scratch, parts *p) {
    size_t spread = spreads(g) ? g->heads * g->nodes * padded(g->nodes) : 0;
    float *at = scratch;
    p->bias = at, at += spread;
    p->dbias = at, at += spread;
    p->scores = at, at += g->nodes * 16;
    p->probabilities = at, at += g->nodes * 16;
    p->q = at, at += g->size * 16;
    p->up = at, at += g->size * 16;
    p->down = at, at += g->size * 16;
    return (size_t)(at - scratch);
}

size_t kernel_node_attention_scratch(const kernel_nodes *graph) {
    parts p;
    float none;
    return take_parts(graph, &none, &p);
}

// The biases of node j and the nodes i … i + 15; −inf beyond the last node, too.
INLINE void look_up(const kernel_nodes *g, const float *table, size_t j, size_t i, float *bias) {
    const uint8_t *hops = g->hops + j * g->nodes;
    for (size_t lane = 0; lane < 16; lane++) {
        size_t hop = i + lane < g->nodes ? hops[i + lane] : 255;
        bias[lane] = hop <= g->reach ? table[hop] : -INFINITY;
    }
}

INLINE void spread(const kernel_nodes *g, float *bias) {
    size_t width = padded(g->nodes);
    for (size_t h = 0; h < g->heads; h++)
        for (size_t j = 0; j < g->nodes; j++)
            for (size_t i = 0; i < width; i += 16)
                look_up(g, g->table + h * g->buckets, j, i, bias + (h * g->nodes + j) * width + i);
}

// Sixteen rows of a head as columns [size, 16], filled up with zeros.
INLINE void to_lanes(const float *from, size_t stride, size_t count, size_t size, float *to) {
    if (count < 16) memset(to, 0, size * 16 * sizeof(float));
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < size; d++) to[d * 16 + i] = from[i * stride + d];
}

INLINE void scores_of(const kernel_nodes *g, const parts *p, size_t h, size_t i, const float *keys,
                      size_t stride, size_t size, float scale) {
    const float *bias = p->bias + h * g->nodes * padded(g->nodes) + i;
    int cached = spreads(g);
    float looked[16];
    for (size_t j = 0; j < g->nodes; j++) {
        lanes sum = 0, column, add;
        for (size_t d = 0; d < size; d++) {
            load(&column, p->q + d * 16);
            sum += keys[j * stride + d] * column;
        }
        if (cached) {
            load(&add, bias + j * padded(g->nodes));
        } else {
            look_up(g, g->table + h * g->buckets, j, i, looked);
            load(&add, looked);
        }
        sum = scale * sum + add;
        store(p->scores + j * 16, &sum);
    }
}

INLINE void forward(const kernel_nodes *g, float *scratch, float *out, float *lse, size_t size) {
    parts p;
    take_parts(g, scratch, &p);
    if (spreads(g)) spread(g, p.bias);
    const size_t nodes = g->nodes, width = padded(nodes), stride = g->heads * size;
    for (size_t state = 0; state < g->states; state++)
        for (size_t h = 0; h < g->heads; h++)
            for (size_t i = 0; i < nodes; i += 16) {
                const size_t base = state * nodes * stride + h * size;
                const size_t count = nodes - i < 16 ? nodes - i : 16;
                const float *values = g->v + base;
                to_lanes(g->q + base + i * stride, stride, count, size, p.q);
                scores_of(g, &p, h, i, g->k + base, stride, size, g->scale);
                lanes largest, row, total = 0;
                load(&largest, p.scores);
                for (size_t j = 1; j < nodes; j++) {
                    load(&row, p.scores + j * 16);
                    largest = row > largest ? row : largest;
                }
                // The lanes beyond the last node have no keys at all.
                for (size_t lane = count; lane < 16; lane++) largest[lane] = 0;
                float maxima[16], totals[16];
                store(maxima, &largest);
                for (size_t j = 0; j < nodes; j++)
                    for (size_t lane = 0; lane < 16; lane++)
                        p.scores[j * 16 + lane] = exp_inline(p.scores[j * 16 + lane] - maxima[lane]);
                memset(p.up, 0, size * 16 * sizeof(float));
                for (size_t j = 0; j < nodes; j++) {
                    load(&row, p.scores + j * 16);
                    total += row;
                    for (size_t d = 0; d < size; d++) {
                        lanes sum;
                        load(&sum, p.up + d * 16);
                        sum += values[j * stride + d] * row;
                        store(p.up + d * 16, &sum);
                    }
                }
                store(totals, &total);
                float *to = out + base + i * stride, *log_sums = lse + (state * g->heads + h) * width + i;
                for (size_t lane = 0; lane < 16; lane++)
                    log_sums[lane] = lane < count ? maxima[lane] + logf(totals[lane]) : INFINITY;
                for (size_t lane = 0; lane < count; lane++) {
                    float inverse = 1.0f / totals[lane];
                    for (size_t d = 0; d < size; d++) to[lane * stride + d] = p.up[d * 16 + lane] * inverse;
                }
            }
}

KERNEL void kernel_node_attention(const kernel_nodes *graph, float *scratch, float *out, float *lse) {
    switch (graph->size) {
    case 4: return forward(graph, scratch, out, lse, 4);
    case 6: return forward(graph, scratch, out, lse, 6);
    case 8: return forward(graph, scratch, out, lse, 8);
    default: return forward(graph, scratch, out, lse, graph->size);
    }
}

// With p the probabilities:  dp_ij = dout_i·v_j,  ds_ij = p_ij (dp_ij − dout_i·out_i),  dq_i = scale Σ_j ds_ij k_j,
// dk_j = scale Σ_i ds_ij q_i,  dv_j = Σ_i p_ij dout_i,  dtable[hops_ij] = Σ ds_ij.
INLINE void backward(const kernel_nodes *g, const kernel_nodes_gradients *gradients, float *scratch,
                     size_t size) {
    parts p;
    take_parts(g, scratch, &p);
    const int cached = spreads(g);
    const size_t nodes = g->nodes, width = padded(nodes), stride = g->heads * size;
    if (cached) {
        spread(g, p.bias);
        memset(p.dbias, 0, g->heads * nodes * width * sizeof(float));
    }
    for (size_t state = 0; state < g->states; state++)
        for (size_t h = 0; h < g->heads; h++) {
            const size_t base = state * nodes * stride + h * size;
            const float *keys = g->k + base, *values = g->v + base;
            double buckets[16] = {0};
            for (size_t i = 0; i < nodes; i += 16) {
                const size_t count = nodes - i < 16 ? nodes - i : 16;
                const float *log_sums = gradients->lse + (state * g->heads + h) * width + i;
                const float *up = gradients->dout + base + i * stride, *out = gradients->out + base + i * stride;
                to_lanes(g->q + base + i * stride, stride, count, size, p.q);
                to_lanes(up, stride, count, size, p.up);
                scores_of(g, &p, h, i, keys, stride, size, g->scale);
                float deltas[16] = {0};
                for (size_t lane = 0; lane < count; lane++)
                    for (size_t d = 0; d < size; d++)
                        deltas[lane] += up[lane * stride + d] * out[lane * stride + d];
                for (size_t j = 0; j < nodes; j++)
                    for (size_t lane = 0; lane < 16; lane++)
                        p.probabilities[j * 16 + lane] = exp_inline(p.scores[j * 16 + lane] - log_sums[lane]);
                memset(p.down, 0, size * 16 * sizeof(float));
                lanes delta, probability, column, sum;
                load(&delta, deltas);
                for (size_t j = 0; j < nodes; j++) {
                    lanes slope = 0;
                    load(&probability, p.probabilities + j * 16);
                    for (size_t d = 0; d < size; d++) {
                        load(&column, p.up + d * 16);
                        slope += values[j * stride + d] * column;
                    }
                    slope = probability * (slope - delta);
                    store(p.scores + j * 16, &slope);
                    for (size_t d = 0; d < size; d++) {
                        load(&sum, p.down + d * 16);
                        sum += keys[j * stride + d] * slope;
                        store(p.down + d * 16, &sum);
                    }
                    if (cached) {
                        float *to = p.dbias + (h * nodes + j) * width + i;
                        load(&sum, to);
                        sum += slope;
                        store(to, &sum);
                    } else {
                        const uint8_t *hops = g->hops + j * nodes + i;
                        for (size_t lane = 0; lane < count; lane++)
                            buckets[hops[lane]] += p.scores[j * 16 + lane];
                    }
                }
                if (gradients->dq)
                    for (size_t lane = 0; lane < count; lane++)
                        for (size_t d = 0; d < size; d++)
                            gradients->dq[base + (i + lane) * stride + d] += g->scale * p.down[d * 16 + lane];
                for (size_t j = 0; j < nodes; j++) {
                    float dk[64] = {0}, dv[64] = {0};
                    const float *s = p.scores + j * 16, *w = p.probabilities + j * 16;
                    for (size_t first = 0; first < size; first += 64) {
                        size_t part = size - first < 64 ? size - first : 64;
                        memset(dk, 0, part * sizeof(float));
                        memset(dv, 0, part * sizeof(float));
                        for (size_t d = 0; d < part; d++) {
                            lanes a, b, c;
                            load(&a, s);
                            load(&c, p.q + (first + d) * 16);
                            a *= c;
                            load(&b, w);
                            load(&c, p.up + (first + d) * 16);
                            b *= c;
                            dk[d] = lanes_sum(&a);
                            dv[d] = lanes_sum(&b);
                        }
                        float *to = gradients->dk ? gradients->dk + base + j * stride + first : NULL;
                        if (to)
                            for (size_t d = 0; d < part; d++) to[d] += g->scale * dk[d];
                        to = gradients->dv ? gradients->dv + base + j * stride + first : NULL;
                        if (to)
                            for (size_t d = 0; d < part; d++) to[d] += dv[d];
                    }
                }
            }
            if (!cached && gradients->dtable)
                for (size_t b = 0; b < g->buckets; b++)
                    gradients->dtable[h * g->buckets + b] += (float)buckets[b];
        }
    if (!cached || !gradients->dtable) return;
    for (size_t h = 0; h < g->heads; h++) {
        double buckets[16] = {0};
        for (size_t j = 0; j < nodes; j++)
            for (size_t i = 0; i < nodes; i++)
                buckets[g->hops[j * nodes + i]] += p.dbias[(h * nodes + j) * width + i];
        for (size_t b = 0; b < g->buckets; b++) gradients->dtable[h * g->buckets + b] += (float)buckets[b];
    }
}

KERNEL void kernel_node_attention_backward(const kernel_nodes *graph, const kernel_nodes_gradients *gradients,
                                           float *scratch) {
    switch (graph->size) {
    case 4: return backward(graph, gradients, scratch, 4);
    case 6: return backward(graph, gradients, scratch, 6);
    case 8: return backward(graph, gradients, scratch, 8);
    default: return backward(graph, gradients, scratch, graph->size);
    }
}
