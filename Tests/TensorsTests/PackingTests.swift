import Testing

@testable import Tensors

@Suite("Packed sequences") struct PackingTests {
    private let heads = 4
    private let keyValueHeads = 2
    private let size = 6
    private let prompt = 5
    private let responses = [3, 1, 4]

    /// The rows of the shared layout that make up each repeated sequence: the prompt, then a response.
    private var repeatedRows: [[Int32]] {
        var start = prompt
        return responses.map { length in
            defer { start += length }
            return (0..<prompt).map(Int32.init) + (start..<start + length).map(Int32.init)
        }
    }

    private var sharedSegments: [AttentionSegment] {
        var start = prompt
        return [AttentionSegment(rows: 0..<prompt)]
            + responses.map { length in
                defer { start += length }
                return AttentionSegment(rows: start..<start + length, prefix: 0..<prompt)
            }
    }

    @Test("a prompt shared by K responses gives what repeating it gives, values and gradients")
    func sharedPrefix() throws {
        let rows = prompt + responses.reduce(0, +)
        let inputs = [heads, keyValueHeads, keyValueHeads].enumerated().map { index, count in
            parameter([rows, count * size], "qkv\(index)")
        }
        let shared = Tape()
        let y = shared.attention(
            q: inputs[0],
            k: inputs[1],
            v: inputs[2],
            segments: sharedSegments,
            heads: heads,
            keyValueHeads: keyValueHeads
        )
        // Only the response rows count in the loss, as in training; prompt rows would count K times.
        var seed = random(y.count, "seed")
        for index in 0..<prompt * y.columns { seed[index] = 0 }
        shared.backward(from: y, seed: seed)
        let sharedGradients = try inputs.map { Array(try #require($0.gradient)) }
        zeroGradients(inputs)

        let apart = Tape()
        var start = 0
        let segments = responses.map { length in
            defer { start += prompt + length }
            return AttentionSegment(rows: start..<start + prompt + length)
        }
        let gather = repeatedRows.flatMap { $0 }
        let gathered = inputs.map { apart.gatherRows($0, rows: gather) }
        let z = apart.attention(
            q: gathered[0],
            k: gathered[1],
            v: gathered[2],
            segments: segments,
            heads: heads,
            keyValueHeads: keyValueHeads
        )
        let picked = gather.flatMap { row in seed[Int(row) * y.columns..<(Int(row) + 1) * y.columns] }
        apart.backward(from: z, seed: picked)

        for (row, original) in gather.enumerated() {
            let found = Array(z.values[row * z.columns..<(row + 1) * z.columns])
            let expected = Array(y.values[Int(original) * y.columns..<(Int(original) + 1) * y.columns])
            expectClose(found, expected, 1e-6, "row \(row)")
        }
        for (input, gradient) in zip(inputs, sharedGradients) {
            expectClose(Array(try #require(input.gradient)), gradient, 2e-6)
        }
    }

    @Test("a later row does not change an earlier one, nor one sequence another")
    func causality() {
        let (q, k, v) = (parameter([6, 6], "q"), parameter([6, 6], "k"), parameter([6, 6], "v"))
        let segments = [AttentionSegment(rows: 0..<4), AttentionSegment(rows: 4..<6)]
        func run() -> [Float] {
            Tape(recording: false).attention(q: q, k: k, v: v, segments: segments, heads: 1, keyValueHeads: 1)
                .toArray()
        }
        let before = run()
        for column in 0..<6 {
            k.values[2 * 6 + column] += 1
            v.values[2 * 6 + column] += 1
        }
        let after = run()
        #expect(before[..<12] == after[..<12])
        #expect(before[12..<24] != after[12..<24])
        #expect(before[24...] == after[24...])
    }

    @Test("rows of no segment give zeros")
    func gaps() {
        let x = parameter([5, 4], "x")
        let y = Tape().attention(
            q: x,
            k: x,
            v: x,
            segments: [AttentionSegment(rows: 1..<3)],
            heads: 2,
            keyValueHeads: 2
        )
        #expect(y.values[..<4].allSatisfy { $0 == 0 } && y.values[12...].allSatisfy { $0 == 0 })
        #expect(y.values[4..<12].allSatisfy { $0 != 0 })
    }

    @Test("attention over caches, row by row, gives what the whole sequences give")
    func cache() {
        let rows = prompt + responses.reduce(0, +)
        let q = parameter([rows, heads * size], "q")
        let k = parameter([rows, keyValueHeads * size], "k")
        let v = parameter([rows, keyValueHeads * size], "v")
        let tape = Tape(recording: false)
        let whole = tape.attention(
            q: q,
            k: k,
            v: v,
            segments: sharedSegments,
            heads: heads,
            keyValueHeads: keyValueHeads
        )
        let pages = CachePages(.single)
        let layer = pages.addLayer(heads: heads, keyValueHeads: keyValueHeads, headSize: size)
        let beginning = CachedRows(pages, rowsMax: prompt)
        beginning.grow(by: prompt)
        layer.store(keys: k, values: v, rows: 0..<prompt, in: beginning)
        let own = responses.map { CachedRows(pages, rowsMax: $0) }
        for place in 0..<4 {
            let live = responses.indices.filter { place < responses[$0] }
            for index in live { own[index].grow(by: 1) }
            let rows = live.map { Int32(sharedSegments[$0 + 1].rows.lowerBound + place) }
            let y = tape.cachedAttention(
                q: tape.gatherRows(q, rows: rows),
                k: tape.gatherRows(k, rows: rows),
                v: tape.gatherRows(v, rows: rows),
                layer: layer,
                step: CachedStep(live.map { (beginning, own[$0]) })
            )
            let expected = rows.flatMap {
                whole.values[Int($0) * y.columns..<(Int($0) + 1) * y.columns]
            }
            expectClose(y.toArray(), expected, 1e-6, "place \(place)")
        }
    }
}
