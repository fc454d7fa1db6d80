import Testing

@testable import Tensors

/// Inputs of a HyperAttention of some order.
struct HyperInputs {
    let q: Tensor
    let keys: [Tensor]
    let values: [Tensor]

    init(order: Int, rows: Int, heads: Int, size: Int, valueSize: Int) {
        q = parameter([rows, heads * size], "q")
        keys = (1..<order).map { parameter([rows, heads * size], "k\($0)") }
        values = (1..<order).map { parameter([rows, heads * valueSize], "v\($0)") }
    }

    var all: [Tensor] { [q] + keys + values }
}

@Suite("HyperAttention") struct HyperAttentionTests {
    @Test("orders 2 and 3 equal the formula", arguments: Layout.ragged, [(1, 1), (2, 3)])
    func formula(layout: Layout, sizes: (Int, Int)) {
        for order in 2...3 { expectFormula(layout, order: order, sizes, windows: nil) }
    }

    @Test(
        "orders 2 and 3 equal the formula for many features",
        arguments: Layout.small + [Layout([3, 17])],
        [(8, 24), (24, 2), (64, 33)]
    )
    func manyFeatures(layout: Layout, sizes: (Int, Int)) {
        for order in 2...3 { expectFormula(layout, order: order, sizes, windows: nil) }
    }

    @Test("order 4 equals the formula", arguments: Layout.small + [Layout([3, 9])], [(1, 2), (24, 8)])
    func fourth(layout: Layout, sizes: (Int, Int)) {
        expectFormula(layout, order: 4, sizes, windows: nil)
    }

    @Test(
        "windows bound how far back each key is",
        arguments: Layout.ragged,
        [[1, 4], [20, 2], [100, 7]]
    )
    func windows(layout: Layout, windows: [Int]) {
        expectFormula(layout, order: 2, (2, 3), windows: [windows[1]])
        expectFormula(layout, order: 3, (2, 3), windows: windows)
    }

    private func expectFormula(_ layout: Layout, order: Int, _ sizes: (Int, Int), windows: [Int]?) {
        let inputs = HyperInputs(
            order: order,
            rows: layout.rows,
            heads: 2,
            size: sizes.0,
            valueSize: sizes.1
        )
        let pattern = layout.pattern(heads: 2)
        let y = Tape().hyperAttention(
            q: inputs.q,
            keys: inputs.keys,
            values: inputs.values,
            pattern: pattern,
            windows: windows,
            heads: 2
        )
        let expected = referenceHyper(
            Rows(inputs.q),
            inputs.keys.map(Rows.init),
            inputs.values.map(Rows.init),
            pattern,
            windows: windows,
            heads: 2,
            scale: 1 / Double(sizes.0).squareRoot()
        )
        expectClose(y.toArray(), expected.floats, 1e-5, "order \(order)")
    }

    @Test("gradients equal differences of values", arguments: Layout.small, 2...4)
    func gradients(layout: Layout, order: Int) {
        let inputs = HyperInputs(order: order, rows: layout.rows, heads: 2, size: 3, valueSize: 2)
        let pattern = layout.pattern(heads: 2)
        expectGradients(inputs.all + pattern.distinctBiases) {
            $0.hyperAttention(
                q: inputs.q,
                keys: inputs.keys,
                values: inputs.values,
                pattern: pattern,
                windows: order == 3 ? [3, 2] : nil,
                heads: 2,
                scale: 1.3
            )
        }
    }

    @Test("each input may be the only differentiable one", arguments: 0..<5)
    func oneInput(_ index: Int) {
        let inputs = HyperInputs(order: 3, rows: 5, heads: 1, size: 2, valueSize: 3)
        let picked = inputs.all.enumerated().map { $0 == index ? $1 : $1.detached() }
        let pattern = AttentionPattern(segments: [AttentionSegment(rows: 0..<5)])
        expectGradients([inputs.all[index]]) {
            $0.hyperAttention(
                q: picked[0],
                keys: Array(picked[1...2]),
                values: Array(picked[3...4]),
                pattern: pattern,
                heads: 1
            )
        }
        expectGradients([inputs.all[index]]) {
            $0.hyperAttentionLinear(
                q: picked[0],
                keys: Array(picked[1...2]),
                values: Array(picked[3...4]),
                pattern: pattern,
                heads: 1
            )
        }
    }

    @Test("keys and values may share their weights")
    func shared() {
        let (q, k, v) = (parameter([5, 4], "q"), parameter([5, 4], "k"), parameter([5, 4], "v"))
        let pattern = AttentionPattern(segments: [AttentionSegment(rows: 0..<5)])
        expectGradients([q, k, v]) {
            $0.hyperAttention(q: q, keys: [k, k], values: [v, v], pattern: pattern, heads: 2)
        }
        expectGradients([q, k, v]) {
            $0.hyperAttentionLinear(q: q, keys: [k, k], values: [v, v], pattern: pattern, heads: 2)
        }
    }

    @Test("order 2 is softmax attention", arguments: Layout.ragged)
    func second(layout: Layout) {
        let inputs = HyperInputs(order: 2, rows: layout.rows, heads: 2, size: 24, valueSize: 24)
        let pattern = layout.pattern(heads: 2)
        let hyper = Tape().hyperAttention(
            q: inputs.q,
            keys: inputs.keys,
            values: inputs.values,
            pattern: pattern,
            heads: 2
        )
        let ordinary = Tape().attention(
            factors: [ScoreFactor(q: inputs.q, k: inputs.keys[0], heads: 2)],
            v: inputs.values[0],
            pattern: pattern,
            heads: 2,
            keyValueHeads: 2
        )
        expectClose(hyper.toArray(), ordinary.toArray(), 2e-6)
    }

    @Test("large scores neither overflow nor vanish")
    func large() {
        let inputs = HyperInputs(order: 3, rows: 18, heads: 1, size: 4, valueSize: 4)
        let pattern = AttentionPattern(segments: [AttentionSegment(rows: 0..<17)])
        let tape = Tape()
        let y = tape.hyperAttention(
            q: inputs.q,
            keys: inputs.keys,
            values: inputs.values,
            pattern: pattern,
            heads: 1,
            scale: 200
        )
        tape.backward(from: y, seed: random(y.count, "seed"))
        let expected = referenceHyper(
            Rows(inputs.q),
            inputs.keys.map(Rows.init),
            inputs.values.map(Rows.init),
            pattern,
            heads: 1,
            scale: 200
        )
        // Scores of a few hundred carry errors of 1e-5, and so do the weights.
        expectClose(y.toArray(), expected.floats, 1e-4)
        for input in inputs.all { #expect(input.gradient?.allSatisfy(\.isFinite) == true) }
    }

    @Test("attention over caches gives what the whole sequences give", arguments: 2...4, [nil, 3])
    func cached(order: Int, window: Int?) {
        let layout = Layout([5, 3, 1, 4])
        let inputs = HyperInputs(order: order, rows: layout.rows, heads: 2, size: 6, valueSize: 5)
        let windows = window.map { [Int](repeating: $0, count: order - 1) }
        let tape = Tape(recording: false)
        let whole = tape.hyperAttention(
            q: inputs.q,
            keys: inputs.keys,
            values: inputs.values,
            pattern: layout.pattern(heads: 2),
            windows: windows,
            heads: 2
        )
        for segment in layout.segments.dropFirst() {
            for count in 1...segment.rows.count {
                // The newest row alone, and all own rows so far at once.
                for first in Set([0, count - 1]) {
                    let rows = segment.rows.lowerBound + first..<segment.rows.lowerBound + count
                    let cached = CachedSegment(
                        rows: 0..<rows.count,
                        prefixKeys: inputs.keys,
                        prefixValues: inputs.values,
                        prefixRows: segment.prefix ?? 0..<0,
                        keys: inputs.keys,
                        values: inputs.values,
                        ownRows: segment.rows.lowerBound..<rows.upperBound
                    )
                    let y = tape.cachedHyperAttention(
                        q: tape.gatherRows(inputs.q, rows: rows.map(Int32.init)),
                        segments: [cached],
                        windows: windows,
                        heads: 2
                    )
                    expectClose(y.toArray(), rows.flatMap(whole.row), 2e-6, "rows \(rows)")
                }
            }
        }
    }
}
