// The scalar twins of graph.c and node_attention.c, in double.
#include "kernel.h"

void kernel_graph_attention_reference(const kernel_graph *graph, float *scores, float *weights, float *signs,
                                      float *out) {
    size_t heads = graph->heads, size = graph->size, width = heads * size;
    (void)scores;
    for (size_t i = 0; i < graph->nodes; i++) {
        const int32_t *neighbours = graph->neighbours + graph->offsets[i];
        size_t count = (size_t)(graph->offsets[i + 1] - graph->offsets[i]) + 1;
        for (size_t h = 0; h < heads; h++) {
            double sum = 0;
            const float *own = graph->x + i * width + h * size;
            for (size_t e = 0; e < count; e++) {
                const float *other = e == 0 ? own : graph->x + (size_t)neighbours[e - 1] * width + h * size;
                double score = kernel_dot_reference(own, graph->target + h * size, size)
                               + kernel_dot_reference(other, graph->source + h * size, size);
                signs[e * heads + h] = score > 0 ? 1.0f : graph->slope;
                sum += exp(score * signs[e * heads + h]);
                weights[e * heads + h] = (float)exp(score * signs[e * heads + h]);
            }
            for (size_t d = 0; d < size; d++) {
                double value = 0;
                for (size_t e = 0; e < count; e++) {
                    size_t j = e == 0 ? i : (size_t)neighbours[e - 1];
                    value += weights[e * heads + h] / sum * graph->x[j * width + h * size + d];
                }
                out[i * width + h * size + d] = (float)value;
            }
            for (size_t e = 0; e < count; e++)
                weights[e * heads + h] = (float)(weights[e * heads + h] / sum);
        }
        weights += count * heads;
        signs += count * heads;
    }
}

void kernel_graph_attention_backward_reference(const kernel_graph *graph, const float *weights,
                                               const float *signs, const float *dout, float *scores,
                                               float *dx, float *dsource, float *dtarget) {
    size_t heads = graph->heads, size = graph->size, width = heads * size;
    (void)scores;
    for (size_t i = 0; i < graph->nodes; i++) {
        const int32_t *neighbours = graph->neighbours + graph->offsets[i];
        size_t count = (size_t)(graph->offsets[i + 1] - graph->offsets[i]) + 1;
        for (size_t h = 0; h < heads; h++) {
            const float *up = dout + i * width + h * size, *own = graph->x + i * width + h * size;
            double sum = 0;
            for (size_t e = 0; e < count; e++) {
                size_t j = e == 0 ? i : (size_t)neighbours[e - 1];
                sum += weights[e * heads + h]
                       * kernel_dot_reference(up, graph->x + j * width + h * size, size);
            }
            for (size_t e = 0; e < count; e++) {
                size_t j = e == 0 ? i : (size_t)neighbours[e - 1];
                const float *other = graph->x + j * width + h * size;
                double w = weights[e * heads + h];
                double dz = w * (kernel_dot_reference(up, other, size) - sum) * signs[e * heads + h];
                for (size_t d = 0; d < size; d++) {
                    size_t at = h * size + d;
                    if (dx) {
                        dx[j * width + at] += (float)(w * up[d] + dz * graph->source[at]);
                        dx[i * width + at] += (float)(dz * graph->target[at]);
                    }
                    if (dsource) dsource[at] += (float)(dz * other[d]);
                    if (dtarget) dtarget[at] += (float)(dz * own[d]);
                }
            }
        }
        weights += count * heads;
        signs += count * heads;
    }
}

// The score of nodes i and j; −inf out of reach.
static double node_score(const kernel_nodes *g, const float *q, const float *k, size_t i, size_t j, size_t h) {
    size_t hop = g->hops[i * g->nodes + j];
    if (hop > g->reach) return -INFINITY;
    return (double)g->scale * kernel_dot_reference(q, k, g->size) + g->table[h * g->buckets + hop];
}

void kernel_node_attention_reference(const kernel_nodes *g, float *out, float *lse) {
    size_t width = (g->nodes + 15) / 16 * 16, stride = g->heads * g->size;
    for (size_t state = 0; state < g->states; state++)
        for (size_t h = 0; h < g->heads; h++)
            for (size_t i = 0; i < width; i++) {
                size_t base = state * g->nodes * stride + h * g->size;
                float *log_sum = lse + (state * g->heads + h) * width + i;
                *log_sum = INFINITY;
                if (i >= g->nodes) continue;
                const float *q = g->q + base + i * stride;
                double largest = -INFINITY, sum = 0;
                for (size_t j = 0; j < g->nodes; j++)
                    largest = fmax(largest, node_score(g, q, g->k + base + j * stride, i, j, h));
                for (size_t j = 0; j < g->nodes; j++)
                    sum += exp(node_score(g, q, g->k + base + j * stride, i, j, h) - largest);
                *log_sum = (float)(largest + log(sum));
                for (size_t d = 0; d < g->size; d++) {
                    double value = 0;
                    for (size_t j = 0; j < g->nodes; j++) {
                        double score = node_score(g, q, g->k + base + j * stride, i, j, h);
                        value += exp(score - largest) / sum * g->v[base + j * stride + d];
                    }
                    out[base + i * stride + d] = (float)value;
                }
            }
}

void kernel_node_attention_backward_reference(const kernel_nodes *g, const kernel_nodes_gradients *gradients) {
    size_t width = (g->nodes + 15) / 16 * 16, stride = g->heads * g->size;
    for (size_t state = 0; state < g->states; state++)
        for (size_t h = 0; h < g->heads; h++)
            for (size_t i = 0; i < g->nodes; i++) {
                size_t base = state * g->nodes * stride + h * g->size, at = base + i * stride;
                const float *q = g->q + at, *up = gradients->dout + at;
                double log_sum = gradients->lse[(state * g->heads + h) * width + i];
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
