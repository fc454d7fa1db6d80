// Attention of the nodes of graphs to their neighbours, sixteen states of one graph at a time.
#include "lanes.h"

// The parts of the scratch. Everything has sixteen lanes, one for each state.
typedef struct {
    float *x, *out, *up, *dx;  // [nodes, heads, size]
    float *target, *source;    // [nodes, heads]: target·x and source·x
    float *dtarget, *dsource;  // their gradients
    float *weights, *signs;    // [links of a node]
    float *sums;               // [2, heads, size]: the gradients of source and target
} graph_parts;

INLINE size_t take_graph(const kernel_graph *g, float *scratch, graph_parts *p) {
    size_t most = 0, values = g->nodes * g->heads * g->size * 16, scores = g->nodes * g->heads * 16;
    for (size_t i = 0; i < g->nodes; i++) {
        size_t count = (size_t)(g->offsets[i + 1] - g->offsets[i]) + 1;
        most = count > most ? count : most;
    }
    float *at = scratch;
    p->x = at, at += values;
    p->out = at, at += values;
    p->up = p->out;
    p->dx = at, at += values;
    p->target = at, at += scores;
    p->source = at, at += scores;
    p->dtarget = at, at += scores;
    p->dsource = at, at += scores;
    p->weights = at, at += most * 16;
    p->signs = at, at += most * 16;
    p->sums = at, at += 2 * g->heads * g->size * 16;
    return (size_t)(at - scratch);
}

size_t kernel_graph_scratch(const kernel_graph *graph) {
    graph_parts p;
    float none;
    return take_graph(graph, &none, &p);
}

// The two products of each node and head, and the states before them, brought into lanes.
INLINE void graph_scores(const kernel_graph *g, const graph_parts *p, size_t state, size_t count,
                         size_t heads, size_t size) {
    const size_t width = heads * size, all = g->nodes * width;
    to_lanes(g->x + state * all, all, count, all, p->x);
    for (size_t i = 0; i < g->nodes; i++)
        for (size_t h = 0; h < heads; h++) {
            lanes target = 0, source = 0, value;
            for (size_t d = 0; d < size; d++) {
                load(&value, p->x + (i * width + h * size + d) * 16);
                target += g->target[h * size + d] * value;
                source += g->source[h * size + d] * value;
            }
            store(p->target + (i * heads + h) * 16, &target);
            store(p->source + (i * heads + h) * 16, &source);
        }
}

INLINE size_t neighbour(const kernel_graph *g, size_t i, size_t link) {
    return link == 0 ? i : (size_t)g->neighbours[(size_t)g->offsets[i] + link - 1];
}

// The softmax over the links of node i, one head of it, with the slope of each score.
INLINE void graph_weights(const kernel_graph *g, const graph_parts *p, size_t i, size_t h, size_t heads,
                          size_t links) {
    lanes own, largest = -INFINITY, sum = 0;
    load(&own, p->target + (i * heads + h) * 16);
    for (size_t e = 0; e < links; e++) {
        lanes score;
        load(&score, p->source + (neighbour(g, i, e) * heads + h) * 16);
        score += own;
        lanes one = 1.0f, slope = g->slope, sign = score > 0.0f ? one : slope;
        score *= sign;
        largest = score > largest ? score : largest;
        store(p->weights + e * 16, &score);
        store(p->signs + e * 16, &sign);
    }
    for (size_t e = 0; e < links; e++) {
        lanes score;
        load(&score, p->weights + e * 16);
        score -= largest;
        store(p->weights + e * 16, &score);
    }
    exp_lanes(p->weights, links);
    for (size_t e = 0; e < links; e++) {
        lanes weight;
        load(&weight, p->weights + e * 16);
        sum += weight;
    }
    lanes inverse = 1.0f / sum;
    for (size_t e = 0; e < links; e++) {
        lanes weight;
        load(&weight, p->weights + e * 16);
        weight *= inverse;
        store(p->weights + e * 16, &weight);
    }
}

INLINE void graph_attention(const kernel_graph *g, float *scratch, float *out, size_t heads, size_t size) {
    graph_parts p;
    take_graph(g, scratch, &p);
    const size_t width = heads * size, all = g->nodes * width;
    for (size_t state = 0; state < g->states; state += 16) {
        size_t count = g->states - state < 16 ? g->states - state : 16;
        graph_scores(g, &p, state, count, heads, size);
        for (size_t i = 0; i < g->nodes; i++) {
            size_t links = (size_t)(g->offsets[i + 1] - g->offsets[i]) + 1;
            for (size_t h = 0; h < heads; h++) {
                graph_weights(g, &p, i, h, heads, links);
                float *row = p.out + (i * width + h * size) * 16;
                memset(row, 0, size * 16 * sizeof(float));
                for (size_t e = 0; e < links; e++) {
                    const float *from = p.x + (neighbour(g, i, e) * width + h * size) * 16;
                    lanes weight, value, sum;
                    load(&weight, p.weights + e * 16);
                    for (size_t d = 0; d < size; d++) {
                        load(&value, from + d * 16);
                        load(&sum, row + d * 16);
                        sum += weight * value;
                        store(row + d * 16, &sum);
                    }
                }
            }
        }
        from_lanes(p.out, all, count, all, 0, 1, out + state * all);
    }
}

KERNEL WIDE void kernel_graph_attention(const kernel_graph *graph, float *scratch, float *out) {
    if (graph->heads == 4 && graph->size == 6) return graph_attention(graph, scratch, out, 4, 6);
    graph_attention(graph, scratch, out, graph->heads, graph->size);
}

// With w the weights:  dw_ij = dout_i·x_j,  dz_ij = w_ij (dw_ij − Σ_j w_ij dw_ij) sign_ij,  then
// dx_j = w_ij dout_i + source Σ_i dz_ij,  dx_i = target Σ_j dz_ij.
INLINE void graph_attention_backward(const kernel_graph *g, const float *dout, float *scratch, float *dx,
                                     float *dsource, float *dtarget, size_t heads, size_t size) {
    graph_parts p;
    take_graph(g, scratch, &p);
    const size_t width = heads * size, all = g->nodes * width;
    memset(p.sums, 0, 2 * width * 16 * sizeof(float));
    for (size_t state = 0; state < g->states; state += 16) {
        size_t count = g->states - state < 16 ? g->states - state : 16;
        graph_scores(g, &p, state, count, heads, size);
        to_lanes(dout + state * all, all, count, all, p.up);
        memset(p.dx, 0, all * 16 * sizeof(float));
        memset(p.dsource, 0, g->nodes * heads * 16 * sizeof(float));
        for (size_t i = 0; i < g->nodes; i++) {
            size_t links = (size_t)(g->offsets[i + 1] - g->offsets[i]) + 1;
            for (size_t h = 0; h < heads; h++) {
                graph_weights(g, &p, i, h, heads, links);
                const float *up = p.up + (i * width + h * size) * 16;
                lanes mean = 0, own = 0, weight, slope, sign, a, b;
                // The products dw take the place of the weights, which go into dx on the way.
                for (size_t e = 0; e < links; e++) {
                    const size_t at = (neighbour(g, i, e) * width + h * size) * 16;
                    lanes dot = 0;
                    load(&weight, p.weights + e * 16);
                    for (size_t d = 0; d < size; d++) {
                        load(&a, up + d * 16);
                        load(&b, p.x + at + d * 16);
                        dot += a * b;
                        load(&b, p.dx + at + d * 16);
                        b += weight * a;
                        store(p.dx + at + d * 16, &b);
                    }
                    dot *= weight;
                    mean += dot;
                    load(&sign, p.signs + e * 16);
                    weight *= sign;
                    dot *= sign;
                    store(p.weights + e * 16, &dot);
                    store(p.signs + e * 16, &weight);
                }
                for (size_t e = 0; e < links; e++) {
                    float *to = p.dsource + (neighbour(g, i, e) * heads + h) * 16;
                    load(&slope, p.weights + e * 16);
                    load(&weight, p.signs + e * 16);
                    slope -= weight * mean;
                    own += slope;
                    load(&a, to);
                    a += slope;
                    store(to, &a);
                }
                store(p.dtarget + (i * heads + h) * 16, &own);
            }
        }
        for (size_t i = 0; i < g->nodes; i++)
            for (size_t h = 0; h < heads; h++) {
                lanes target, source, a, b;
                load(&target, p.dtarget + (i * heads + h) * 16);
                load(&source, p.dsource + (i * heads + h) * 16);
                for (size_t d = h * size; d < (h + 1) * size; d++) {
                    const size_t at = (i * width + d) * 16;
                    load(&a, p.dx + at);
                    a += target * g->target[d] + source * g->source[d];
                    store(p.dx + at, &a);
                    load(&a, p.x + at);
                    load(&b, p.sums + d * 16);
                    b += source * a;
                    store(p.sums + d * 16, &b);
                    load(&b, p.sums + (width + d) * 16);
                    b += target * a;
                    store(p.sums + (width + d) * 16, &b);
                }
            }
        if (dx) from_lanes(p.dx, all, count, all, 1, 1, dx + state * all);
    }
    for (size_t d = 0; d < width; d++) {
        lanes sum;
        load(&sum, p.sums + d * 16);
        if (dsource) dsource[d] += lanes_sum(&sum);
        load(&sum, p.sums + (width + d) * 16);
        if (dtarget) dtarget[d] += lanes_sum(&sum);
    }
}

KERNEL WIDE void kernel_graph_attention_backward(const kernel_graph *graph, const float *dout,
                                                 float *scratch, float *dx, float *dsource,
                                                 float *dtarget) {
    if (graph->heads == 4 && graph->size == 6)
        return graph_attention_backward(graph, dout, scratch, dx, dsource, dtarget, 4, 6);
    graph_attention_backward(graph, dout, scratch, dx, dsource, dtarget, graph->heads, graph->size);
}
