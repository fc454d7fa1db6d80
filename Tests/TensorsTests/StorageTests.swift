import Testing

@testable import Tensors

/// Frozen weights as bfloat16, as far as a test needs them: a storage that no operation knows of.
private final class HalfWidthMatrix: FrozenWeight {
    let rows: Int
    let columns: Int
    private let bits: [UInt16]

    init(rows: Int, columns: Int, values: [Float]) {
        self.rows = rows
        self.columns = columns
        bits = values.map { UInt16($0.bitPattern >> 16) }
    }

    var differentiable: Tensor? { nil }
    func toArray() -> [Float] { bits.map { Float(bitPattern: UInt32($0) << 16) } }

    func multiply(
        _ x: UnsafePointer<Float>,
        rows count: Int,
        into y: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.abT(x, toArray(), y, m: count, n: rows, k: columns, alpha: alpha, beta: beta)
    }

    func multiplyTransposed(
        _ y: UnsafePointer<Float>,
        rows count: Int,
        into x: UnsafeMutablePointer<Float>,
        alpha: Float,
        beta: Float
    ) {
        Products.ab(y, toArray(), x, m: count, n: columns, k: rows, alpha: alpha, beta: beta)
    }

    func gather(_ indices: [Int32], into y: UnsafeMutablePointer<Float>) {
        for (row, index) in indices.enumerated() {
            for column in 0..<columns {
                let value = bits[Int(index) * columns + column]
                y[row * columns + column] = Float(bitPattern: UInt32(value) << 16)
            }
        }
    }
}

@Suite("Forms of frozen weights")
struct StorageTests {
    @Test("every operation takes weights of another form as it takes float32 of the same values")
    func operations() {
        let narrow = HalfWidthMatrix(rows: 9, columns: 6, values: random(54, "w"))
        let wide = FrozenMatrix(rows: 9, columns: 6, values: narrow.toArray())
        let square = HalfWidthMatrix(rows: 6, columns: 6, values: random(36, "square"))
        let wideSquare = FrozenMatrix(rows: 6, columns: 6, values: square.toArray())

        func run(_ head: any FrozenWeight, _ map: any FrozenWeight) -> [Float] {
            let (x, reference) = (parameter([5, 6], "x"), parameter([5, 6], "reference"))
            let (a, b) = (parameter([2, 6], "a"), parameter([6, 2], "b"))
            let tape = Tape()
            let hidden = tape.loRA(
                tape.linear(tape.add(x, tape.embedding(table: head, ids: [0, 8, 3, 3, 1])), map),
                map,
                a: a,
                b: b,
                scale: 0.5
            )
            let logProbs = tape.tokenLogProbs(hidden, head: head, targets: [1, 2, 3, 4, 5])
            let divergence = tape.tokenDivergence(hidden, head: head, from: reference, referenceHead: head)
            let statistics = tape.tokenStatistics(hidden, head: head, targets: [1, 2, 3, 4, 5])
            let found =
                logProbs.toArray() + divergence.toArray() + statistics.logProbs + statistics.entropies
                + tape.logits(hidden, head: head).toArray()
            tape.backward(
                from: [(logProbs, random(5, "seed")), (divergence, random(5, "other seed"))]
            )
            return found + [x, a, b].flatMap { $0.gradient.map(Array.init) ?? [] }
        }
        let found = run(narrow, square)
        #expect(found.count == 20 + 45 + 30 + 12 + 12)
        #expect(found == run(wide, wideSquare))
    }
}
