internal import CKernels

extension Tape {
    /// Softmax attention among the nodes of each graph, with a learnt bias by distance and a limit to it: the score of
    /// nodes i and j is q_i · k_j / √D + table[head, hops_ij], and nodes with hops_ij > reach are left out (distances
    /// as in Graphormer, Ying et al., arXiv:2106.05234).
    ///
    /// States on one graph should lie together: they are then worked on sixteen at a time. The backward pass
    /// recomputes the probabilities; memory is linear in N.
    ///
    /// - Parameters:
    ///   - q: `[N, H·D]`, a row for each node of each graph.
    ///   - k: `[N, H·D]`.
    ///   - v: `[N, H·D]`.
    ///   - table: `[H, 10]`, the biases of distances 0 to 9.
    ///   - structures: The graphs of the states, one after the other, with distances; N nodes in all.
    ///   - reach: The largest distance that is seen, 0 for the node itself; nil for all nodes.
    ///   - heads: H.
    /// - Returns: `[N, H·D]`; differentiable in q, k, v and table.
    package func nodeAttention(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        table: Tensor,
        structures: [GraphStructure],
        reach: Int?,
        heads: Int
    ) -> Tensor {
        checkStructures(structures, rows: q.rows, "nodeAttention")
        precondition(
            heads > 0 && q.columns % heads == 0 && k.shape == q.shape && v.shape == q.shape
                && table.shape == [heads, GraphStructure.buckets],
            "nodeAttention: q \(q.shape), k \(k.shape), v \(v.shape), table \(table.shape) for \(heads) heads"
        )
        precondition(
            structures.allSatisfy { !$0.hops.isEmpty },
            "nodeAttention: a graph without distances"
        )
        let shape = NodeShape(q: q, k: k, v: v, table: table, reach: reach, heads: heads)
        let runs = GraphRun.runs(structures)
        let y = result(q.shape, of: [q, k, v, table].first { $0.needsGradient })
        let keptCounts = runs.map { shape.withKernel($0) { kernel_node_attention_kept(&$0) } }
        let kept = workspace.take(keptCounts.reduce(0, +))
        let scratchCount = runs.map { shape.withKernel($0) { kernel_node_attention_scratch(&$0) } }.max() ?? 0
        let scratch = workspace.take(scratchCount)
        var place = 0
        for (run, count) in zip(runs, keptCounts) {
            shape.withKernel(run) {
                let row = run.row * q.columns
                kernel_node_attention(&$0, scratch.pointer, y.pointer + row, kept.pointer + place)
            }
            place += count
        }
        record(y) { [workspace] dy in
            func gradient(_ tensor: Tensor) -> UnsafeMutablePointer<Float>? {
                tensor.needsGradient ? tensor.gradientForAdding(workspace) : nil
            }
            let (dq, dk, dv, dtable) = (gradient(q), gradient(k), gradient(v), gradient(table))
            let scratch = workspace.take(scratchCount)
            var place = 0
            for (run, count) in zip(runs, keptCounts) {
                let row = run.row * q.columns
                var gradients = kernel_nodes_gradients(
                    out: UnsafePointer(y.pointer + row),
                    kept: UnsafePointer(kept.pointer + place),
                    dout: dy + row,
                    dq: dq.map { $0 + row },
                    dk: dk.map { $0 + row },
                    dv: dv.map { $0 + row },
                    dtable: dtable
                )
                shape.withKernel(run) { kernel_node_attention_backward(&$0, &gradients, scratch.pointer) }
                place += count
            }
        }
        return y
    }
}

/// The tensors and sizes of one attention, turned into the kernel's structure run by run.
private struct NodeShape {
    let q: Tensor
    let k: Tensor
    let v: Tensor
    let table: Tensor
    let reach: Int?
    let heads: Int

    func withKernel<Result>(_ run: GraphRun, _ body: (inout kernel_nodes) -> Result) -> Result {
        let (row, size) = (run.row * q.columns, q.columns / heads)
        return run.structure.hops.withUnsafeBufferPointer { hops in
            var kernel = kernel_nodes(
                states: run.states,
                nodes: run.structure.nodes,
                heads: heads,
                size: size,
                buckets: GraphStructure.buckets,
                reach: min(reach ?? GraphStructure.hopsMax, GraphStructure.hopsMax),
                scale: 1 / Float(size).squareRoot(),
                hops: hops.baseAddress,
                table: UnsafePointer(table.pointer),
                q: UnsafePointer(q.pointer + row),
                k: UnsafePointer(k.pointer + row),
                v: UnsafePointer(v.pointer + row)
            )
            return body(&kernel)
        }
    }
}
