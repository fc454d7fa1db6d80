// The scalar twins of graph.c and node_attention.c, in double.
#include "kernel.h"

// Node j of a link of node i, which is i itself for link 0.
static size_t linked(const kernel_graph *g, size_t i, size_t link) {
    return link == 0 ? i : (size_t)g->neighbours[(size_t)g->offsets[i] + link - 1];
}

// leaky(target·x[i] + source·x[j]) of one head, and the slope there.
static double graph_score(const kernel_graph *g, const float *x, size_t i, size_t j, size_t h, double *slope) {
    size_t width = g->heads * g->size, at = h * g->size;
    double score = kernel_dot_reference(x + i * width + at, g->target + at, g->size)
                   + kernel_dot_reference(x + j * width + at, g->source + at, g->size);
    *slope = score > 0 ? 1.0 : g->slope;
    return score * *slope;
}

void kernel_graph_attention_reference(const kernel_graph *g, float *out) {
    size_t width = g->heads * g->size;
    for (size_t state = 0; state < g->states; state++)
        for (size_t i = 0; i < g->nodes; i++)
            for (size_t h = 0; h < g->heads; h++) {
                const float *x = g->x + state * g->nodes * width;
                size_t links = (size_t)(g->offsets[i + 1] - g->offsets[i]) + 1;
                double sum = 0, slope;
                for (size_t e = 0; e < links; e++) sum += exp(graph_score(g, x, i, linked(g, i, e), h, &slope));
                for (size_t d = h * g->size; d < (h + 1) * g->size; d++) {
                    double value = 0;
                    for (size_t e = 0; e < links; e++) {
                        size_t j = linked(g, i, e);
                        value += exp(graph_score(g, x, i, j, h, &slope)) / sum * x[j * width + d];
                    }
                    out[(state * g->nodes + i) * width + d] = (float)value;
                }
            }
}

void kernel_graph_attention_backward_reference(const kernel_graph *g, const float *dout, float *dx,
                                               float *dsource, float *dtarget) {
    size_t width = g->heads * g->size, all = g->nodes * width;
    for (size_t state = 0; state < g->states; state++)
        for (size_t i = 0; i < g->nodes; i++)
            for (size_t h = 0; h < g->heads; h++) {
                const float *x = g->x + state * all, *up = dout + state * all + i * width + h * g->size;
                size_t links = (size_t)(g->offsets[i + 1] - g->offsets[i]) + 1, at = h * g->size;
                double sum = 0, mean = 0, slope;
                for (size_t e = 0; e < links; e++) sum += exp(graph_score(g, x, i, linked(g, i, e), h, &slope));
                for (size_t e = 0; e < links; e++) {
                    size_t j = linked(g, i, e);
                    mean += exp(graph_score(g, x, i, j, h, &slope)) / sum
                            * kernel_dot_reference(up, x + j * width + at, g->size);
                }
                for (size_t e = 0; e < links; e++) {
                    size_t j = linked(g, i, e);
                    double w = exp(graph_score(g, x, i, j, h, &slope)) / sum;
                    double dz = w * (kernel_dot_reference(up, x + j * width + at, g->size) - mean) * slope;
                    for (size_t d = 0; d < g->size; d++) {
                        if (dx) {
                            dx[state * all + j * width + at + d] +=
                                (float)(w * up[d] + dz * g->source[at + d]);
                            dx[state * all + i * width + at + d] += (float)(dz * g->target[at + d]);
                        }
                        if (dsource) dsource[at + d] += (float)(dz * x[j * width + at + d]);
                        if (dtarget) dtarget[at + d] += (float)(dz * x[i * width + at + d]);
                    }
                }
            }
}

// The score of nodes i and j; −inf out of reach.
static double node_score(const kernel_nodes *g, const float *q, const float *k, size_t i, size_t j, size_t h) {
    size_t hop = g->hops[i * g->nodes + j];
    if (hop > g->reach) return -INFINITY;
    return (double)g->scale * kernel_dot_reference(q, k, g->size) + g->table[h * g->buckets + hop];
}

// The logarithm of the sum of exponentials of the scores of node i.
static double node_log_sum(const kernel_nodes *g, size_t base, size_t i, size_t h) {
    size_t stride = g->heads * g->size;
    double largest = -INFINITY, sum = 0;
    for (size_t j = 0; j < g->nodes; j++)
        largest = fmax(largest, node_score(g, g->q + base + i * stride, g->k + base + j * stride, i, j, h));
    for (size_t j = 0; j < g->nodes; j++)
        sum += exp(node_score(g, g->q + base + i * stride, g->k + base + j * stride, i, j, h) - largest);
    return largest + log(sum);
}

void kernel_node_attention_reference(const kernel_nodes *g, float *out) {
    size_t stride = g->heads * g->size;
    for (size_t state = 0; state < g->states; state++)
        for (size_t h = 0; h < g->heads; h++)
            for (size_t i = 0; i < g->nodes; i++) {
                size_t base = state * g->nodes * stride + h * g->size, at = base + i * stride;
                double log_sum = node_log_sum(g, base, i, h);
                for (size_t d = 0; d < g->size; d++) {
                    double value = 0;
                    for (size_t j = 0; j < g->nodes; j++) {
                        double score = node_score(g, g->q + at, g->k + base + j * stride, i, j, h);
                        value += exp(score - log_sum) * g->v[base + j * stride + d];
                    }
                    out[at + d] = (float)value;
                }
            }
}

void kernel_node_attention_backward_reference(const kernel_nodes *g, const kernel_nodes_gradients *gradients) {
    size_t stride = g->heads * g->size;
    for (size_t state = 0; state < g->states; state++)
        for (size_t h = 0; h < g->heads; h++)
            for (size_t i = 0; i < g->nodes; i++) {
                size_t base = state * g->nodes * stride + h * g->size, at = base + i * stride;
                const float *q = g->q + at, *up = gradients->dout + at;
                double log_sum = node_log_sum(g, base, i, h);
                double delta = kernel_dot_reference(up, gradients->out + at, g->size);
                for (size_t j = 0; j < g->nodes; j++) {
                    size_t other = base + j * stride, hop = g->hops[i * g->nodes + j];
                    double p = exp(node_score(g, q, g->k + other, i, j, h) - log_sum);
                    double ds = p * (kernel_dot_reference(up, g->v + other, g->size) - delta);
                    for (size_t d = 0; d < g->size; d++) {
                        if (gradients->dq) gradients->dq[at + d] += (float)(g->scale * ds * g->k[other + d]);
                        if (gradients->dk) gradients->dk[other + d] += (float)(g->scale * ds * q[d]);
                        if (gradients->dv) gradients->dv[other + d] += (float)(p * up[d]);
                    }
                    if (gradients->dtable) gradients->dtable[h * g->buckets + hop] += (float)ds;
                }
            }
}
