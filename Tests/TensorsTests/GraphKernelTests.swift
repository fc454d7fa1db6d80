import CKernels
import Testing

@testable import Tensors

@Suite("Kernels for graphs and their scalar twins") struct GraphKernelTests {
    @Test("LayerNorm", arguments: [(1, 1), (5, 16), (5, 24), (3, 32), (4, 37)])
    func layerNorm(rows: Int, columns: Int) {
        let (x, dy) = (random(rows * columns, "x", scale: 3), random(rows * columns, "dy"))
        let (weight, bias) = (random(columns, "weight"), random(columns, "bias"))
        let (found, expected) = (results(6, rows * columns), results(6, rows * columns))
        let (f, e) = (found.map(\.pointer), expected.map(\.pointer))
        kernel_layer_norm(x, weight, bias, 1e-5, f[0], f[1], f[2], rows, columns)
        kernel_layer_norm_reference(x, weight, bias, 1e-5, e[0], e[1], e[2], rows, columns)
        kernel_layer_norm_backward(x, weight, e[1], e[2], dy, f[3], f[4], f[5], rows, columns)
        kernel_layer_norm_backward_reference(x, weight, e[1], e[2], dy, e[3], e[4], e[5], rows, columns)
        for (index, name) in ["y", "mean", "inverse", "dx", "dweight", "dbias"].enumerated() {
            expectClose(found[index].toArray(), expected[index].toArray(), 1e-5, name)
        }
    }

    @Test("GELU and its slope, from far below zero to far above")
    func gelu() {
        let x = (-4000...4000).map { Float($0) / 200 } + [-1e4, -100, 100, 1e4, 0, -0.0, 1e-30]
        var (y, slope) = (x, x)
        var (expected, expectedSlope) = (x, x)
        kernel_gelu(x, &y, &slope, x.count)
        kernel_gelu_reference(x, &expected, &expectedSlope, x.count)
        for index in x.indices {
            let bound = 2e-7 * max(1, abs(x[index]))
            #expect(abs(y[index] - expected[index]) <= bound, "GELU(\(x[index])) is \(y[index])")
            #expect(abs(slope[index] - expectedSlope[index]) <= bound, "slope at \(x[index])")
        }
        var alone = x
        kernel_gelu(x, &alone, nil, x.count)
        #expect(alone == y)
        var (nan, value): ([Float], [Float]) = ([.nan], [0])
        kernel_gelu(&nan, &value, nil, 1)
        #expect(value[0].isNaN)
    }

    @Test("ELU")
    func elu() {
        let x = (-2000...2000).map { Float($0) / 100 }
        var (y, expected) = (x, x)
        kernel_elu(x, &y, x.count)
        kernel_elu_reference(x, &expected, x.count)
        #expect(zip(y, expected).allSatisfy { abs($0 - $1) <= 2e-7 })
        var (dx, expectedSlope) = (x, x)
        kernel_elu_backward(expected, x, &dx, x.count)
        kernel_elu_backward_reference(expected, x, &expectedSlope, x.count)
        expectClose(dx, expectedSlope, 1e-6)
    }

    /// One to many states of graphs below and above sixteen nodes; heads within and beyond one block of registers.
    static let cases: [Case] = [
        Case(states: 1, graph: 2, heads: 1, size: 1), Case(states: 1, graph: 0, heads: 4, size: 6),
        Case(states: 3, graph: 1, heads: 2, size: 3), Case(states: 5, graph: 0, heads: 2, size: 11),
        Case(states: 16, graph: 1, heads: 4, size: 6), Case(states: 21, graph: 0, heads: 3, size: 8),
        Case(states: 6, graph: 3, heads: 3, size: 2),
    ]

    struct Case {
        let states: Int
        let graph: Int
        let heads: Int
        let size: Int

        var structure: GraphStructure { graphs[graph] }
        var width: Int { heads * size }
        var count: Int { states * structure.nodes * width }
    }

    /// Buffers for results, filled with 0.5, since gradients are added to what is there.
    private func results(_ number: Int, _ count: Int) -> [Tensor] {
        (0..<number).map { _ in Tensor(shape: [count], values: [Float](repeating: 0.5, count: count)) }
    }

    private func inputs(_ count: Int, _ names: [String]) -> [Tensor] {
        names.map { Tensor(shape: [count], values: random(count, $0)) }
    }

    @Test("attention over neighbours", arguments: cases)
    func graphAttention(_ sizes: Case) {
        let (x, dout) = (random(sizes.count, "x"), random(sizes.count, "dout"))
        let vectors = inputs(sizes.width, ["source", "target"])
        let (found, expected) = (results(4, sizes.count), results(4, sizes.count))
        let (f, e) = (found.map(\.pointer), expected.map(\.pointer))
        sizes.structure.offsets.withUnsafeBufferPointer { offsets in
            sizes.structure.neighbours.withUnsafeBufferPointer { neighbours in
                x.withUnsafeBufferPointer { x in
                    var kernel = kernel_graph(
                        states: sizes.states,
                        nodes: sizes.structure.nodes,
                        heads: sizes.heads,
                        size: sizes.size,
                        slope: 0.2,
                        offsets: offsets.baseAddress,
                        neighbours: neighbours.baseAddress,
                        x: x.baseAddress,
                        source: UnsafePointer(vectors[0].pointer),
                        target: UnsafePointer(vectors[1].pointer)
                    )
                    var scratch = [Float](repeating: .nan, count: kernel_graph_scratch(&kernel))
                    kernel_graph_attention(&kernel, &scratch, f[0])
                    kernel_graph_attention_backward(&kernel, dout, &scratch, f[1], f[2], f[3])
                    kernel_graph_attention_reference(&kernel, e[0])
                    kernel_graph_attention_backward_reference(&kernel, dout, e[1], e[2], e[3])
                }
            }
        }
        for (index, name) in ["out", "dx", "dsource", "dtarget"].enumerated() {
            expectClose(found[index].toArray(), expected[index].toArray(), 1e-5, name)
        }
    }

    @Test("attention among nodes, with every kind of reach", arguments: cases, [0, 2, 9])
    func nodeAttention(_ sizes: Case, reach: Int) {
        let tensors = inputs(sizes.count, ["q", "k", "v", "dout"])
        let table = Tensor(shape: [sizes.heads, 10], values: random(sizes.heads * 10, "table"))
        let (found, expected) = (results(4, sizes.count), results(4, sizes.count))
        let tables = results(2, sizes.heads * 10)
        sizes.structure.hops.withUnsafeBufferPointer { hops in
            var kernel = kernel_nodes(
                states: sizes.states,
                nodes: sizes.structure.nodes,
                heads: sizes.heads,
                size: sizes.size,
                buckets: 10,
                reach: reach,
                scale: 0.7,
                hops: hops.baseAddress,
                table: UnsafePointer(table.pointer),
                q: UnsafePointer(tensors[0].pointer),
                k: UnsafePointer(tensors[1].pointer),
                v: UnsafePointer(tensors[2].pointer)
            )
            var scratch = [Float](repeating: .nan, count: kernel_node_attention_scratch(&kernel))
            let kept = results(1, kernel_node_attention_kept(&kernel))[0]
            kernel_node_attention(&kernel, &scratch, found[0].pointer, kept.pointer)
            kernel_node_attention_reference(&kernel, expected[0].pointer)
            func gradients(_ to: [Tensor], _ table: Tensor) -> kernel_nodes_gradients {
                kernel_nodes_gradients(
                    out: UnsafePointer(to[0].pointer),
                    kept: UnsafePointer(kept.pointer),
                    dout: UnsafePointer(tensors[3].pointer),
                    dq: to[1].pointer,
                    dk: to[2].pointer,
                    dv: to[3].pointer,
                    dtable: table.pointer
                )
            }
            var (fast, slow) = (gradients(found, tables[0]), gradients(expected, tables[1]))
            kernel_node_attention_backward(&kernel, &fast, &scratch)
            kernel_node_attention_backward_reference(&kernel, &slow)
        }
        for (index, name) in ["out", "dq", "dk", "dv"].enumerated() {
            expectClose(found[index].toArray(), expected[index].toArray(), 1e-5, name)
        }
        expectClose(tables[0].toArray(), tables[1].toArray(), 1e-5, "dtable")
    }
}
