internal import CKernels

extension Tape {
    /// Attention of each node to itself and its neighbours, as in graph attention networks (Veličković et al.,
    /// arXiv:1710.10903): out_i = Σ_j α_ij x_j with α_ij the softmax over j of leakyReLU(target · x_i + source · x_j),
    /// slope 0.2, head by head. The concatenation aᵀ[W h_i ‖ W h_j] of the paper is the sum of two products.
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
        let linkCount = structures.reduce(0) { $0 + $1.links }
        let (weights, signs) = (workspace.take(linkCount * heads), workspace.take(linkCount * heads))
        let scratchCount = 2 * heads * (structures.map(\.nodes).max() ?? 0)

        func eachGraph(_ body: (inout kernel_graph, _ row: Int, _ link: Int) -> Void) {
            var (row, link) = (0, 0)
            for structure in structures {
                structure.offsets.withUnsafeBufferPointer { offsets in
                    structure.neighbours.withUnsafeBufferPointer { neighbours in
                        var graph = kernel_graph(
                            nodes: structure.nodes,
                            heads: heads,
                            size: width / heads,
                            slope: 0.2,
                            offsets: offsets.baseAddress,
                            neighbours: neighbours.baseAddress,
                            x: UnsafePointer(x.pointer + row * width),
                            source: UnsafePointer(source.pointer),
                            target: UnsafePointer(target.pointer)
                        )
                        body(&graph, row, link)
                    }
                }
                row += structure.nodes
                link += structure.links
            }
        }

        let scratch = workspace.take(scratchCount)
        eachGraph { graph, row, link in
            kernel_graph_attention(
                &graph,
                scratch.pointer,
                weights.pointer + link * heads,
                signs.pointer + link * heads,
                y.pointer + row * width
            )
        }
        record(y) { [workspace] dy in
            let dx = x.needsGradient ? x.gradientForAdding(workspace) : nil
            let dsource = source.needsGradient ? source.gradientForAdding(workspace) : nil
            let dtarget = target.needsGradient ? target.gradientForAdding(workspace) : nil
            let scratch = workspace.take(scratchCount)
            eachGraph { graph, row, link in
                kernel_graph_attention_backward(
                    &graph,
                    weights.pointer + link * heads,
                    signs.pointer + link * heads,
                    dy + row * width,
                    scratch.pointer,
                    dx.map { $0 + row * width },
                    dsource,
                    dtarget
                )
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
