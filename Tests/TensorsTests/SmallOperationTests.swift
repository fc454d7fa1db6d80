import Foundation
import Testing

@testable import Tensors

@Suite("Small operations of interaction attention") struct SmallOperationTests {
    @Test("multiply, also a tensor with itself")
    func multiply() {
        let (x, y) = (parameter([3, 5], "x"), parameter([3, 5], "y"))
        #expect(Tape().multiply(x, y).toArray() == zip(x.values, y.values).map { $0 * $1 })
        expectGradients([x, y]) { $0.multiply(x, y) }
        expectGradients([x]) { $0.multiply(x, x) }
        expectGradients([y]) { $0.multiply(x.detached(), y) }
    }

    @Test("concatenated columns, also of one tensor twice")
    func concatenate() {
        let parts = [1, 4, 2].map { parameter([3, $0], "part\($0)") }
        let whole = Tape().concatenateColumns(parts)
        #expect(whole.shape == [3, 7])
        for row in 0..<3 { #expect(whole.row(row) == parts.flatMap { $0.row(row) }) }
        expectGradients(parts) { $0.concatenateColumns(parts) }
        expectGradients([parts[1]]) { $0.concatenateColumns([parts[1], parts[0].detached(), parts[1]]) }
    }

    @Test("positive is elu + 1")
    func positive() {
        let x = Tensor(shape: [2, 3], values: [-30, -0.7, -0.1, 0.1, 0.7, 30], trainable: true)
        let expected = x.values.map { $0 > 0 ? $0 + 1 : Float(exp(Double($0))) }
        expectClose(Tape().positive(x).toArray(), expected, 1e-6)
        expectGradients([x]) { $0.positive(x) }
    }

    @Test("heads are divided each by its number")
    func divideHeads() {
        let (x, divisor) = (parameter([3, 8], "x"), parameter([3, 2], "divisor"))
        for index in 0..<6 { divisor.values[index] = 1.5 + divisor.values[index] }
        let y = Tape().divideHeads(x, by: divisor, heads: 2)
        let expected = x.values.indices.map { x.values[$0] / divisor.values[$0 / 4] }
        expectClose(y.toArray(), expected, 1e-6)
        expectGradients([x, divisor]) { $0.divideHeads(x, by: divisor, heads: 2) }
        expectGradients([divisor]) { $0.divideHeads(x.detached(), by: divisor, heads: 2) }
        expectGradients([x]) { $0.divideHeads(x, by: divisor.detached(), heads: 2) }
    }

    @Test("a head that is divided by zero is zero and has no gradient")
    func divideByZero() {
        let (x, divisor) = (parameter([1, 4], "x"), Tensor(shape: [1, 2], values: [0, 2], trainable: true))
        let tape = Tape()
        let y = tape.divideHeads(x, by: divisor, heads: 2)
        tape.backward(from: y, seed: [1, 1, 1, 1])
        #expect(y.toArray() == [0, 0, x.values[2] / 2, x.values[3] / 2])
        #expect(x.gradient.map(Array.init) == [0, 0, 0.5, 0.5])
        #expect(divisor.gradient?[0] == 0)
    }
}
