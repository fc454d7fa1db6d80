import CKernels
import Foundation
import Testing

@testable import Tensors

@Suite("Operations on graphs") struct GraphOperationTests {
    @Test("gradients of LayerNorm equal differences", arguments: [(1, 2), (3, 7), (2, 24), (2, 33)])
    func layerNorm(rows: Int, columns: Int) {
        let x = parameter([rows, columns], "x")
        let (weight, bias) = (parameter([columns], "weight"), parameter([columns], "bias"))
        expectGradients([x, weight, bias]) { $0.layerNorm(x, weight: weight, bias: bias, epsilon: 0.1) }
        expectGradients([bias]) {
            $0.layerNorm(x.detached(), weight: weight.detached(), bias: bias, epsilon: 0.1)
        }
    }

    @Test("gradients of GELU and ELU equal differences", arguments: [1, 5, 33])
    func activations(columns: Int) {
        let x = parameter([2, columns], "x")
        expectGradients([x]) { $0.gelu($0.scale(x, by: 2)) }
        // Differences do not see the bend of the slope at 0.
        for index in x.values.indices where abs(x.values[index]) < 0.1 { x.values[index] = 0.2 }
        expectGradients([x]) { $0.elu($0.scale(x, by: 2)) }
    }

    @Test("gradients of a linear map with bias equal differences")
    func linear() {
        let (x, w, b) = (parameter([5, 3], "x"), parameter([4, 3], "w"), parameter([4], "b"))
        expectGradients([x, w, b]) { $0.linear(x, w, bias: b) }
        expectGradients([b]) { $0.linear(x.detached(), w.detached(), bias: b) }
    }

    @Test("gradients of attention over neighbours equal differences", arguments: [(1, 3), (3, 2)])
    func graphAttention(heads: Int, size: Int) {
        let x = parameter([rows, heads * size], "x")
        let (source, target) = (parameter([heads * size], "source"), parameter([heads * size], "target"))
        // Differences do not see the bend of the leaky ReLU: the scores of one head are all above 0, of the next below.
        for head in 0..<heads {
            target.values[head * size] = head % 2 == 0 ? 1 : -1
            source.values[head * size] *= 0.1
            for row in 0..<rows { x.values[row * heads * size + head * size] += 5 }
        }
        expectGradients([x, source, target]) {
            $0.graphAttention(x, source: source, target: target, structures: states, heads: heads)
        }
    }

    @Test(
        "gradients of attention among nodes equal differences",
        arguments: [(1, 3, nil), (2, 6, 2), (2, 2, 0)] as [(Int, Int, Int?)]
    )
    func nodeAttention(heads: Int, size: Int, reach: Int?) {
        let (q, k, v) = (
            parameter([rows, heads * size], "q"), parameter([rows, heads * size], "k"),
            parameter([rows, heads * size], "v")
        )
        let table = parameter([heads, GraphStructure.buckets], "table")
        expectGradients([q, k, v, table]) {
            $0.nodeAttention(
                q: q,
                k: k,
                v: v,
                table: table,
                structures: states,
                reach: reach,
                heads: heads
            )
        }
    }

    @Test("gradients of means and of spread biases equal differences")
    func means() {
        let x = parameter([6, 3], "x")
        expectGradients([x]) { $0.meanRows(x, counts: [1, 3, 2]) }
        let table = parameter([2, GraphStructure.buckets], "table")
        expectGradients([table]) { $0.hopBias(table, graphs[0]) }
    }
}
