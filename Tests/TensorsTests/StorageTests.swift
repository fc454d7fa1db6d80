import Testing

@testable import Tensors

@Suite("Forms of frozen weights")
struct StorageTests {
    /// Everything that operations compute with a head and a map, and the gradients.
    private func run(_ head: any FrozenWeight, _ map: any FrozenWeight) -> [Float] {
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
    private func packed(_ matrix: FrozenMatrix, _ precision: PackedMatrix.Precision) -> PackedMatrix {
        PackedMatrix(
            rows: matrix.rows,
            columns: matrix.columns,
            precision: precision,
            values: matrix.toArray()
        )
    }

    @Test("every operation takes panels as it takes rows, bit for bit")
    func panels() {
        let (head, map) = (frozen(9, 6, "w"), frozen(6, 6, "square"))

        let found = run(packed(head, .float32), packed(map, .float32))

        #expect(found.count == 20 + 45 + 30 + 12 + 12)
        #expect(found == run(head, map))
    }

    @Test("in bfloat16 results are those of float32 to within its rounding")
    func halves() {
        let (head, map) = (frozen(9, 6, "w"), frozen(6, 6, "square"))

        let found = run(packed(head, .bfloat16), packed(map, .bfloat16))

        let wide = run(head, map)
        expectClose(found, wide, 0.03)
        #expect(found != wide)
    }

    @Test("while a tensor is packed its products are what they were, bit for bit")
    func packedTensors() {
        let (w, a, b) = (parameter([9, 6], "w"), parameter([2, 6], "a"), parameter([9, 2], "b"))
        let (x, tape) = (parameter([5, 6], "x"), Tape(recording: false))
        func run() -> [Float] {
            tape.linear(x, w).toArray() + tape.loRA(x, frozen(9, 6, "f"), a: a, b: b, scale: 2).toArray()
        }
        let (plain, value) = (run(), w.values[0])

        let packed = Tensor.withPacked([w, a, b]) {
            w.values[0] += 1
            return run()
        }
        #expect(packed == plain)
        #expect(run() != plain)
        w.values[0] = value
        #expect(run() == plain)
    }
}
