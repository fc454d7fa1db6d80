// Attention among the nodes of graphs, in two ways. Many states of a small graph: sixteen of them stand side by
// side in the lanes (node_states.h). Few states or a large graph: sixteen queries stand side by side, and keys come
// one after the other; biases are then spread out once for all states where they fit, [heads, nodes, width] with
// width = nodes rounded up to 16 and −inf for what is out of reach.
#include "node_states.h"

size_t kernel_node_attention_scratch(const kernel_nodes *graph) {
    parts p;
    float none;
    return take_parts(graph, &none, &p);
}

// What is kept for the gradient, the largest score and one over the sum of exponentials of each row: sixteen states
// together [heads, nodes, 2, 16], then single ones [heads, 2, width].
size_t kernel_node_attention_kept(const kernel_nodes *graph) {
    size_t sixteens = by_sixteens(graph), rest = graph->states - sixteens;
    return (sixteens + 15) / 16 * 16 * graph->nodes * graph->heads * 2
           + rest * graph->heads * 2 * padded(graph->nodes);
}

// ---- Sixteen queries

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

// The keys that some of the queries i … i + 15 see: all, or far fewer in a large graph with a short reach.
INLINE size_t seen_by_some(const kernel_nodes *g, const parts *p, size_t i) {
    const size_t nodes = g->nodes, last = nodes - i < 16 ? nodes : i + 16;
    int all = g->reach + 1 >= g->buckets;
    memset(p->marks, all, nodes);
    const uint8_t reach = (uint8_t)g->reach;
    uint8_t *restrict marks = p->marks;
    for (size_t row = i; row < last && !all; row++) {
        const uint8_t *restrict hops = g->hops + row * nodes;
        for (size_t j = 0; j < nodes; j++) marks[j] |= hops[j] <= reach;
    }
    size_t count = 0;
    for (size_t j = 0; j < nodes; j++) {
        p->seen[count] = (uint32_t)j;
        count += p->marks[j];
    }
    return count;
}

// The scores of the queries i … i + 15, in p->q, and the keys they see, one head.
INLINE void query_scores(const kernel_nodes *g, const parts *p, size_t h, size_t i, size_t sees,
                         const float *keys, size_t size) {
    const float *bias = p->bias + h * g->nodes * padded(g->nodes) + i;
    const size_t stride = g->heads * size;
    int cached = spreads(g);
    float looked[16];
    for (size_t s = 0; s < sees; s++) {
        const size_t j = p->seen[s];
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
        sum = g->scale * sum + add;
        store(p->scores + s * 16, &sum);
    }
}

INLINE void forward_queries(const kernel_nodes *g, const parts *p, size_t state, float *out, float *kept,
                            size_t size) {
    const size_t nodes = g->nodes, width = padded(nodes), stride = g->heads * size;
    for (size_t h = 0; h < g->heads; h++, kept += 2 * width)
        for (size_t i = 0; i < nodes; i += 16) {
            const size_t base = state * nodes * stride + h * size, count = nodes - i < 16 ? nodes - i : 16;
            const float *values = g->v + base;
            to_lanes(g->q + base + i * stride, stride, count, size, p->q);
            const size_t sees = seen_by_some(g, p, i);
            query_scores(g, p, h, i, sees, g->k + base, size);
            lanes largest, row, total = 0;
            load(&largest, p->scores);
            for (size_t s = 1; s < sees; s++) {
                load(&row, p->scores + s * 16);
                largest = row > largest ? row : largest;
            }
            // The lanes beyond the last node see nothing.
            for (size_t lane = count; lane < 16; lane++) largest[lane] = 0;
            for (size_t s = 0; s < sees; s++) {
                load(&row, p->scores + s * 16);
                row -= largest;
                store(p->scores + s * 16, &row);
            }
            exp_lanes(p->scores, sees);
            memset(p->up, 0, size * 16 * sizeof(float));
            for (size_t s = 0; s < sees; s++) {
                load(&row, p->scores + s * 16);
                total += row;
                for (size_t d = 0; d < size; d++) {
                    lanes sum;
                    load(&sum, p->up + d * 16);
                    sum += values[p->seen[s] * stride + d] * row;
                    store(p->up + d * 16, &sum);
                }
            }
            for (size_t lane = count; lane < 16; lane++) total[lane] = 1;
            total = 1.0f / total;
            for (size_t d = 0; d < size; d++) {
                load(&row, p->up + d * 16);
                row *= total;
                store(p->up + d * 16, &row);
            }
            store(kept + i, &largest);
            store(kept + width + i, &total);
            from_lanes(p->up, stride, count, size, 0, 1, out + base + i * stride);
        }
}

// dk or dv of one head, [size, width], from sixteen rows in lanes [size, 16] and the weights [sees, 16] that they
// have for each key: the weights are turned so that keys stand in the lanes.
INLINE void add_keys(const kernel_nodes *g, const parts *p, const float *rows, const float *weights, size_t sees,
                     size_t size, float *to) {
    const size_t width = padded(g->nodes);
    const int all = sees == g->nodes;
    for (size_t s = 0; s < sees; s += 16) {
        const size_t part = sees - s < 16 ? sees - s : 16;
        lanes turned[16];
        for (size_t i = 0; i < 16; i++) {
            turned[i] = 0;
            if (i < part) load(&turned[i], weights + (s + i) * 16);
        }
        transpose(turned);
        for (size_t d = 0; d < size; d++) {
            lanes sum = 0;
            if (all) load(&sum, to + d * width + s);
            for (size_t i = 0; i < 16; i++) sum += rows[d * 16 + i] * turned[i];
            if (all) {
                store(to + d * width + s, &sum);
            } else {
                for (size_t i = 0; i < part; i++) to[d * width + p->seen[s + i]] += sum[i];
            }
        }
    }
}

INLINE void backward_queries(const kernel_nodes *g, const kernel_nodes_gradients *gradients, const parts *p,
                             size_t state, const float *kept, size_t size) {
    const size_t nodes = g->nodes, width = padded(nodes), stride = g->heads * size;
    const int cached = spreads(g);
    for (size_t h = 0; h < g->heads; h++, kept += 2 * width) {
        const size_t base = state * nodes * stride + h * size;
        const float *keys = g->k + base, *values = g->v + base;
        double buckets[16] = {0};
        memset(p->keys, 0, size * width * sizeof(float));
        memset(p->values, 0, size * width * sizeof(float));
        for (size_t i = 0; i < nodes; i += 16) {
            const size_t count = nodes - i < 16 ? nodes - i : 16, row = base + i * stride;
            lanes largest, inverse, delta = 0, probability, slope, column, sum;
            // The outputs are read from `down`, which then takes the gradient of the queries.
            to_lanes(gradients->out + row, stride, count, size, p->down);
            to_lanes(gradients->dout + row, stride, count, size, p->up);
            to_lanes(g->q + row, stride, count, size, p->q);
            for (size_t d = 0; d < size; d++) {
                load(&column, p->up + d * 16);
                load(&sum, p->down + d * 16);
                delta += column * sum;
            }
            memset(p->down, 0, size * 16 * sizeof(float));
            const size_t sees = seen_by_some(g, p, i);
            query_scores(g, p, h, i, sees, keys, size);
            load(&largest, kept + i);
            load(&inverse, kept + width + i);
            for (size_t s = 0; s < sees; s++) {
                load(&sum, p->scores + s * 16);
                sum -= largest;
                store(p->probabilities + s * 16, &sum);
            }
            exp_lanes(p->probabilities, sees);
            for (size_t s = 0; s < sees; s++) {
                const size_t j = p->seen[s];
                load(&probability, p->probabilities + s * 16);
                probability *= inverse;
                store(p->probabilities + s * 16, &probability);
                slope = 0;
                for (size_t d = 0; d < size; d++) {
                    load(&column, p->up + d * 16);
                    slope += values[j * stride + d] * column;
                }
                slope = probability * (slope - delta);
                store(p->scores + s * 16, &slope);
                for (size_t d = 0; d < size; d++) {
                    load(&sum, p->down + d * 16);
                    sum += keys[j * stride + d] * slope;
                    store(p->down + d * 16, &sum);
                }
                if (cached) {
                    float *to = p->dbias + (h * nodes + j) * width + i;
                    load(&sum, to);
                    sum += slope;
                    store(to, &sum);
                } else {
                    const uint8_t *hops = g->hops + j * nodes + i;
                    for (size_t lane = 0; lane < count; lane++)
                        buckets[hops[lane]] += p->scores[s * 16 + lane];
                }
            }
            if (gradients->dq) from_lanes(p->down, stride, count, size, 1, g->scale, gradients->dq + row);
            if (gradients->dk) add_keys(g, p, p->q, p->scores, sees, size, p->keys);
            if (gradients->dv) add_keys(g, p, p->up, p->probabilities, sees, size, p->values);
        }
        for (size_t j = 0; j < nodes; j++)
            for (size_t d = 0; d < size; d++) {
                size_t at = base + j * stride + d;
                if (gradients->dk) gradients->dk[at] += g->scale * p->keys[d * width + j];
                if (gradients->dv) gradients->dv[at] += p->values[d * width + j];
            }
        if (!cached && gradients->dtable)
            for (size_t b = 0; b < g->buckets; b++)
                gradients->dtable[h * g->buckets + b] += (float)buckets[b];
    }
}

// ---- All states

INLINE void forward(const kernel_nodes *g, float *scratch, float *out, float *kept, size_t size) {
    parts p;
    take_parts(g, scratch, &p);
    const size_t sixteens = by_sixteens(g);
    for (size_t state = 0; state < sixteens; state += 16, kept += 32 * g->nodes * g->heads)
        forward_states(g, &p, state, sixteens - state < 16 ? sixteens - state : 16, out, kept, size);
    if (sixteens < g->states && spreads(g)) spread(g, p.bias);
    for (size_t state = sixteens; state < g->states; state++, kept += 2 * g->heads * padded(g->nodes))
        forward_queries(g, &p, state, out, kept, size);
}

KERNEL WIDE void kernel_node_attention(const kernel_nodes *graph, float *scratch, float *out, float *kept) {
    switch (graph->size) {
    case 6: return forward(graph, scratch, out, kept, 6);
    case 8: return forward(graph, scratch, out, kept, 8);
    default: return forward(graph, scratch, out, kept, graph->size);
    }
}

// With p the probabilities:  dp_ij = dout_i·v_j,  ds_ij = p_ij (dp_ij − dout_i·out_i),  dq_i = scale Σ_j ds_ij k_j,
// dk_j = scale Σ_i ds_ij q_i,  dv_j = Σ_i p_ij dout_i,  dtable[hops_ij] = Σ ds_ij.
INLINE void backward(const kernel_nodes *g, const kernel_nodes_gradients *gradients, float *scratch,
                     size_t size) {
    parts p;
    take_parts(g, scratch, &p);
    const size_t sixteens = by_sixteens(g), width = padded(g->nodes), links = g->heads * g->buckets;
    const float *kept = gradients->kept;
    memset(p.buckets, 0, links * 16 * sizeof(float));
    for (size_t state = 0; state < sixteens; state += 16, kept += 32 * g->nodes * g->heads)
        backward_states(g, gradients, &p, state, sixteens - state < 16 ? sixteens - state : 16, kept, size);
    for (size_t b = 0; gradients->dtable && b < links; b++) {
        lanes sum;
        load(&sum, p.buckets + b * 16);
        gradients->dtable[b] += lanes_sum(&sum);
    }
    if (sixteens == g->states) return;
    const int cached = spreads(g);
    if (cached) {
        spread(g, p.bias);
        memset(p.dbias, 0, g->heads * g->nodes * width * sizeof(float));
    }
    for (size_t state = sixteens; state < g->states; state++, kept += 2 * g->heads * width)
        backward_queries(g, gradients, &p, state, kept, size);
    if (!cached || !gradients->dtable) return;
    for (size_t h = 0; h < g->heads; h++) {
        double buckets[16] = {0};
        for (size_t j = 0; j < g->nodes; j++)
            for (size_t i = 0; i < g->nodes; i++)
                buckets[g->hops[j * g->nodes + i]] += p.dbias[(h * g->nodes + j) * width + i];
        for (size_t b = 0; b < g->buckets; b++) gradients->dtable[h * g->buckets + b] += (float)buckets[b];
    }
}

KERNEL WIDE void kernel_node_attention_backward(const kernel_nodes *graph,
                                                const kernel_nodes_gradients *gradients, float *scratch) {
    switch (graph->size) {
    case 6: return backward(graph, gradients, scratch, 6);
    case 8: return backward(graph, gradients, scratch, 8);
    default: return backward(graph, gradients, scratch, graph->size);
    }
}
