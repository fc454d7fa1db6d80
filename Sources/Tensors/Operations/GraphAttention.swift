internal import CKernels

extension Tape {
    /// Attention of each node to itself and its neighbours, as in graph attention networks (Veličković et al.,
    /// arXiv:1710.10903): out_i = Σ_j α_ij x_j with α_ij the softmax over j of leakyReLU(target · x_i + source · x_j),
    /// slope 0.2, head by head. The concatenation aᵀ[W h_i ‖ W h_j] of the paper is the sum of two products.
    ///
    /// Up to sixteen states on one graph that lie together cost as much as one. The backward pass recomputes the
    /// weights.
    ///
    /// - Parameters:
    ///   - x: `[N, H·D]`, mapped states W h, a row for each node of each graph.
    ///   - source: `[H·D]`, the part of a for the node that is looked at.
    ///   - target: `[H·D]`, the part of a for the node that looks.
    ///   - structures: The graphs of the states, one after the other; N nodes in all.
    ///   - heads: H.
    /// - Returns: `[N, H·D]`; differentiable in x, source and target.
    package func graphAttention(
        _ x: Tensor,
        source: Tensor,
        target: Tensor,
        structures: [GraphStructure],
        heads: Int
    ) -> Tensor {
        let width = x.columns
        checkStructures(structures, rows: x.rows, "graphAttention")
        precondition(
            heads > 0 && width % heads == 0 && source.count == width && target.count == width,
            "graphAttention: x \(x.shape), source \(source.shape), target \(target.shape) for \(heads) heads"
        )
        let y = result(x.shape, of: x, source, target)
        let runs = GraphRun.runs(structures)

        func withKernel<Result>(_ run: GraphRun, _ body: (inout kernel_graph) -> Result) -> Result {
            run.structure.offsets.withUnsafeBufferPointer { offsets in
                run.structure.neighbours.withUnsafeBufferPointer { neighbours in
                    var kernel = kernel_graph(
                        states: run.states,
                        nodes: run.structure.nodes,
                        heads: heads,
                        size: width / heads,
                        slope: 0.2,
                        offsets: offsets.baseAddress,
                        neighbours: neighbours.baseAddress,
                        x: UnsafePointer(x.pointer + run.row * width),
                        source: UnsafePointer(source.pointer),
                        target: UnsafePointer(target.pointer)
                    )
                    return body(&kernel)
                }
            }
        }

        let scratchCount = runs.map { withKernel($0) { kernel_graph_scratch(&$0) } }.max() ?? 0
        let scratch = workspace.take(scratchCount)
        for run in runs {
            withKernel(run) { kernel_graph_attention(&$0, scratch.pointer, y.pointer + run.row * width) }
        }
        record(y) { [workspace] dy in
            let dx = x.needsGradient ? x.gradientForAdding(workspace) : nil
            let dsource = source.needsGradient ? source.gradientForAdding(workspace) : nil
            let dtarget = target.needsGradient ? target.gradientForAdding(workspace) : nil
            let scratch = workspace.take(scratchCount)
            for run in runs {
                withKernel(run) {
                    kernel_graph_attention_backward(
                        &$0,
                        dy + run.row * width,
                        scratch.pointer,
                        dx.map { $0 + run.row * width },
                        dsource,
                        dtarget
                    )
                }
            }
        }
        return y
    }

    func checkStructures(_ structures: [GraphStructure], rows: Int, _ operation: String) {
        let nodes = structures.reduce(0) { $0 + $1.nodes }
        precondition(
            nodes == rows,
            "\(operation): \(structures.count) graphs of \(nodes) nodes, \(rows) rows"
        )
    }
}
