#include "kernel.h"

INLINE float head_dot(const float *a, const float *b, size_t size) {
    float sum = 0;
    for (size_t d = 0; d < size; d++) sum += a[d] * b[d];
    return sum;
}

INLINE void graph_attention(const kernel_graph *graph, float *scores, float *weights, float *signs, float *out,
                            size_t heads, size_t size) {
    const size_t nodes = graph->nodes, width = heads * size;
    const float *x = graph->x;
    float *targets = scores, *sources = scores + nodes * heads;
    for (size_t i = 0; i < nodes; i++)
        for (size_t h = 0; h < heads; h++) {
            targets[i * heads + h] = head_dot(x + i * width + h * size, graph->target + h * size, size);
            sources[i * heads + h] = head_dot(x + i * width + h * size, graph->source + h * size, size);
        }
    for (size_t i = 0; i < nodes; i++) {
        const int32_t *neighbours = graph->neighbours + graph->offsets[i];
        size_t count = (size_t)(graph->offsets[i + 1] - graph->offsets[i]) + 1;
        const float *own = targets + i * heads;
        for (size_t e = 0; e < count; e++) {
            const float *other = sources + (e == 0 ? i : (size_t)neighbours[e - 1]) * heads;
            for (size_t h = 0; h < heads; h++) {
                float score = own[h] + other[h], sign = score > 0.0f ? 1.0f : graph->slope;
                signs[e * heads + h] = sign;
                weights[e * heads + h] = score * sign;
            }
        }
        for (size_t h = 0; h < heads; h++) {
            float largest = weights[h];
            for (size_t e = 1; e < count; e++)
                largest = weights[e * heads + h] > largest ? weights[e * heads + h] : largest;
            for (size_t e = 0; e < count; e++) weights[e * heads + h] -= largest;
        }
        for (size_t t = 0; t < count * heads; t++) weights[t] = exp_inline(weights[t]);
        for (size_t h = 0; h < heads; h++) {
            float sum = 0;
            for (size_t e = 0; e < count; e++) sum += weights[e * heads + h];
            float inverse = 1.0f / sum;
            for (size_t e = 0; e < count; e++) weights[e * heads + h] *= inverse;
        }
        float *restrict row = out + i * width;
        memset(row, 0, width * sizeof(float));
        for (size_t e = 0; e < count; e++) {
            const float *from = x + (e == 0 ? i : (size_t)neighbours[e - 1]) * width;
            for (size_t h = 0; h < heads; h++) {
                float weight = weights[e * heads + h];
                for (size_t d = 0; d < size; d++) row[h * size + d] += weight * from[h * size + d];
            }
        }
        weights += count * heads;
        signs += count * heads;
    }
}

KERNEL void kernel_graph_attention(const kernel_graph *graph, float *scores, float *weights, float *signs,
                                   float *out) {
    if (graph->heads == 4 && graph->size == 6) return graph_attention(graph, scores, weights, signs, out, 4, 6);
    graph_attention(graph, scores, weights, signs, out, graph->heads, graph->size);
}

// With w the weights:  dw_ij = dout_i·x_j,  dz_ij = w_ij (dw_ij − Σ_j w_ij dw_ij) sign_ij,  then
// dx_j = w_ij dout_i + source Σ_i dz_ij,  dx_i = target Σ_j dz_ij.
INLINE void graph_attention_backward(const kernel_graph *graph, const float *weights, const float *signs,
                                     const float *dout, float *scores, float *dx, float *dsource,
                                     float *dtarget, size_t heads, size_t size) {
    const size_t nodes = graph->nodes, width = heads * size;
    const float *x = graph->x;
    float *restrict targets = scores, *restrict sources = scores + nodes * heads;
    memset(scores, 0, 2 * nodes * heads * sizeof(float));
    for (size_t i = 0; i < nodes; i++) {
        const int32_t *neighbours = graph->neighbours + graph->offsets[i];
        size_t count = (size_t)(graph->offsets[i + 1] - graph->offsets[i]) + 1;
        const float *up = dout + i * width;
        for (size_t h = 0; h < heads; h++) {
            // The sum Σ_j w_ij dw_ij is that of dout_i and the row's output; made here from the weights.
            float sum = 0;
            for (size_t e = 0; e < count; e++) {
                size_t j = e == 0 ? i : (size_t)neighbours[e - 1];
                sum += weights[e * heads + h] * head_dot(up + h * size, x + j * width + h * size, size);
            }
            float own = 0;
            for (size_t e = 0; e < count; e++) {
                size_t j = e == 0 ? i : (size_t)neighbours[e - 1];
                float weight = weights[e * heads + h];
                float dot = head_dot(up + h * size, x + j * width + h * size, size);
                float dz = weight * (dot - sum) * signs[e * heads + h];
                own += dz;
                sources[j * heads + h] += dz;
                if (dx) {
                    float *restrict to = dx + j * width + h * size;
                    for (size_t d = 0; d < size; d++) to[d] += weight * up[h * size + d];
                }
            }
            targets[i * heads + h] = own;
        }
        weights += count * heads;
        signs += count * heads;
    }
    for (size_t i = 0; i < nodes; i++)
        for (size_t h = 0; h < heads; h++) {
            float target = targets[i * heads + h], source = sources[i * heads + h];
            const size_t at = h * size;
            if (dx)
                for (size_t d = at; d < at + size; d++)
                    dx[i * width + d] += target * graph->target[d] + source * graph->source[d];
            if (dsource)
                for (size_t d = at; d < at + size; d++) dsource[d] += source * x[i * width + d];
            if (dtarget)
                for (size_t d = at; d < at + size; d++) dtarget[d] += target * x[i * width + d];
        }
}

KERNEL void kernel_graph_attention_backward(const kernel_graph *graph, const float *weights,
                                            const float *signs, const float *dout, float *scores, float *dx,
                                            float *dsource, float *dtarget) {
    if (graph->heads == 4 && graph->size == 6)
        return graph_attention_backward(graph, weights, signs, dout, scores, dx, dsource, dtarget, 4, 6);
    graph_attention_backward(graph, weights, signs, dout, scores, dx, dsource, dtarget, graph->heads,
                             graph->size);
}
