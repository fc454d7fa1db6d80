// Kernels over the nodes of graphs; the conventions are those of CKernels.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- graph.c: attention over the neighbours of a graph's nodes

/// Several states, one after the other, of one graph of `nodes` nodes: [states · nodes, heads · size]. The neighbours
/// of node i are at offsets[i] ..< offsets[i + 1]; a node attends to itself and to them.
typedef struct {
    size_t states, nodes, heads, size;
    float slope;  // of the leaky ReLU below zero
    const int32_t *offsets, *neighbours;
    const float *x;                // [states nodes, heads size]
    const float *source, *target;  // [heads size]
} kernel_graph;

/// How many floats of scratch kernel_graph_attention and kernel_graph_attention_backward need.
size_t kernel_graph_scratch(const kernel_graph *graph);
/// out[i] = Σ_j w_ij x[j] head by head, with w the softmax over j of leaky(target·x[i] + source·x[j]).
void kernel_graph_attention(const kernel_graph *graph, float *scratch, float *out);
void kernel_graph_attention_reference(const kernel_graph *graph, float *out);
/// dx +=, dsource +=, dtarget +=; each may be NULL.
void kernel_graph_attention_backward(const kernel_graph *graph, const float *dout, float *scratch, float *dx,
                                     float *dsource, float *dtarget);
void kernel_graph_attention_backward_reference(const kernel_graph *graph, const float *dout, float *dx,
                                               float *dsource, float *dtarget);

// ---- node_attention.c: softmax attention among all nodes of a graph, with a bias by distance

/// Several states, one after the other, of one graph: [states · nodes, heads · size]. The score of nodes i and j
/// of a state is scale q_i·k_j + table[head, hops[i, j]]; j is left out if hops[i, j] > reach. hops is symmetric
/// with zeros on the diagonal, and its values are below `buckets` ≤ 16.
typedef struct {
    size_t states, nodes, heads, size, buckets, reach;
    float scale;
    const uint8_t *hops;  // [nodes, nodes]
    const float *table;   // [heads, buckets]
    const float *q, *k, *v;
} kernel_nodes;

/// How many floats of scratch kernel_node_attention and kernel_node_attention_backward need: linear in nodes, but
/// for 2^18 floats at most.
size_t kernel_node_attention_scratch(const kernel_nodes *graph);
/// How many floats kernel_node_attention keeps for the gradient.
size_t kernel_node_attention_kept(const kernel_nodes *graph);
/// out [states nodes, heads size].
void kernel_node_attention(const kernel_nodes *graph, float *scratch, float *out, float *kept);
void kernel_node_attention_reference(const kernel_nodes *graph, float *out);
/// Gradients, all +=; `out` and `kept` as the forward pass made them, which the scalar twin does not read. dq, dk,
/// dv and dtable may each be NULL.
typedef struct {
    const float *out, *kept, *dout;
    float *dq, *dk, *dv, *dtable;
} kernel_nodes_gradients;
void kernel_node_attention_backward(const kernel_nodes *graph, const kernel_nodes_gradients *gradients,
                                    float *scratch);
void kernel_node_attention_backward_reference(const kernel_nodes *graph,
                                              const kernel_nodes_gradients *gradients);

#ifdef __cplusplus
}
#endif
