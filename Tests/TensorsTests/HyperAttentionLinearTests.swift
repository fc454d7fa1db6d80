import Testing

@testable import Tensors

@Suite("Linear HyperAttention") struct HyperAttentionLinearTests {
    static let small = Layout.small.filter { !$0.hasBiases }
    static let ragged =
        Layout.ragged.filter { !$0.hasBiases } + [Layout([3, 17], isCausal: false, hasMasks: true)]

    @Test("equals the sum over all tuples", arguments: small, 2...4)
    func tuples(layout: Layout, order: Int) {
        for divisor in [HyperDivisor.none, .visible] {
            let inputs = HyperInputs(order: order, rows: layout.rows, heads: 2, size: 3, valueSize: 2)
            let expected = referenceHyperLinear(
                Rows(inputs.q),
                inputs.keys.map(Rows.init),
                inputs.values.map(Rows.init),
                layout.pattern(heads: 2),
                heads: 2,
                divides: divisor == .visible
            )
            expectClose(linear(inputs, layout, divisor).toArray(), expected.floats, 1e-5)
        }
    }

    @Test("equals the products of sums", arguments: ragged, [(1, 1), (2, 8), (24, 2)])
    func sums(layout: Layout, sizes: (Int, Int)) {
        expectSums(layout, sizes)
    }

    @Test("equals the products of sums for many features", arguments: small.suffix(2))
    func manyFeatures(layout: Layout) { expectSums(layout, (64, 33)) }

    private func expectSums(_ layout: Layout, _ sizes: (Int, Int)) {
        for order in 2...4 {
            for divisor in [HyperDivisor.none, .visible] {
                let inputs = HyperInputs(
                    order: order,
                    rows: layout.rows,
                    heads: 2,
                    size: sizes.0,
                    valueSize: sizes.1
                )
                let expected = referenceHyperStates(
                    Rows(inputs.q),
                    inputs.keys.map(Rows.init),
                    inputs.values.map(Rows.init),
                    layout.pattern(heads: 2),
                    heads: 2,
                    divides: divisor == .visible
                )
                expectClose(linear(inputs, layout, divisor).toArray(), expected.floats, 1e-5)
            }
        }
    }

    private func linear(_ inputs: HyperInputs, _ layout: Layout, _ divisor: HyperDivisor) -> Tensor {
        Tape().hyperAttentionLinear(
            q: inputs.q,
            keys: inputs.keys,
            values: inputs.values,
            pattern: layout.pattern(heads: 2),
            heads: 2,
            divisor: divisor
        )
    }

    @Test("gradients equal differences of values", arguments: small, 2...4)
    func gradients(layout: Layout, order: Int) {
        let inputs = HyperInputs(order: order, rows: layout.rows, heads: 2, size: 3, valueSize: 2)
        let pattern = layout.pattern(heads: 2)
        for divisor in [HyperDivisor.none, .visible] {
            expectGradients(inputs.all, tolerance: 5e-4) {
                $0.hyperAttentionLinear(
                    q: inputs.q,
                    keys: inputs.keys,
                    values: inputs.values,
                    pattern: pattern,
                    heads: 2,
                    divisor: divisor
                )
            }
        }
    }

    @Test("order 2 is linear attention", arguments: ragged)
    func second(layout: Layout) {
        let inputs = HyperInputs(order: 2, rows: layout.rows, heads: 2, size: 8, valueSize: 5)
        for (divisor, weighting) in [(HyperDivisor.none, AttentionWeighting.sum), (.visible, .mean)] {
            let ordinary = Tape().attention(
                factors: [ScoreFactor(q: inputs.q, k: inputs.keys[0], scale: 1)],
                v: inputs.values[0],
                pattern: layout.pattern(heads: 2),
                heads: 2,
                keyValueHeads: 2,
                weighting: weighting
            )
            expectClose(linear(inputs, layout, divisor).toArray(), ordinary.toArray(), 3e-6)
        }
    }

    @Test("positive features give weighted means of value products")
    func normalised() {
        let layout = Layout([3, 5])
        let inputs = HyperInputs(order: 3, rows: layout.rows, heads: 2, size: 3, valueSize: 2)
        let (pattern, rows) = (layout.pattern(heads: 2), (0..<8).map(Int32.init))
        func normalised(_ tape: Tape, _ values: [Tensor]) -> Tensor {
            let (q, keys) = (tape.positive(inputs.q), inputs.keys.map(tape.positive))
            let ones = Tensor(
                shape: [layout.rows, 2],
                values: [Float](repeating: 1, count: 2 * layout.rows)
            )
            let parts = [[ones, ones], values].map {
                tape.hyperAttentionLinear(q: q, keys: keys, values: $0, pattern: pattern, heads: 2)
            }
            // Without the last row, which is in no segment and sees nothing.
            let (divisor, sums) = (
                tape.gatherRows(parts[0], rows: rows), tape.gatherRows(parts[1], rows: rows)
            )
            return tape.divideHeads(sums, by: divisor, heads: 2)
        }
        let constant = Tensor(
            shape: [layout.rows, 4],
            values: [Float](repeating: 3, count: 4 * layout.rows)
        )
        let means = normalised(Tape(), [constant, constant])
        expectClose(means.toArray(), [Float](repeating: 9, count: means.count), 1e-6)
        expectGradients(inputs.all) { normalised($0, inputs.values) }
    }

    @Test("sums over thousands of rows do not drift", arguments: [true, false])
    func drift(isCausal: Bool) throws {
        let rows = 6000
        let inputs = HyperInputs(order: 3, rows: rows, heads: 1, size: 2, valueSize: 3)
        // The same in every row, so that rounding errs to one side for thousands of rows.
        for (number, input) in inputs.all.enumerated() {
            for index in 0..<input.count {
                input.values[index] = 0.1 + 0.07 * Float(index % input.columns) + 0.013 * Float(number)
            }
        }
        let tape = Tape()
        let y = tape.hyperAttentionLinear(
            q: inputs.q,
            keys: inputs.keys,
            values: inputs.values,
            pattern: AttentionPattern(segments: [AttentionSegment(rows: 0..<rows)], isCausal: isCausal),
            heads: 1,
            divisor: .visible
        )
        tape.backward(from: y, seed: [Float](repeating: 1, count: y.count))

        let last = rows - 1
        for c in 0..<3 {
            var expected = 0.0
            for r in 0..<2 {
                var product = Double(inputs.q.values[last * 2 + r])
                for m in 0..<2 {
                    product *=
                        (0..<rows).reduce(0.0) {
                            $0 + Double(inputs.keys[m].values[$1 * 2 + r])
                                * Double(inputs.values[m].values[$1 * 3 + c])
                        } / Double(rows)
                }
                expected += product
            }
            #expect(abs(Double(y.values[last * 3 + c]) - expected) <= 1e-6 * expected)
        }
        // By Euler: the output is linear in the values of each place, so Σ v dv is the sum of the outputs.
        let total = y.values.reduce(0.0) { $0 + Double($1) }
        for value in inputs.values {
            let gradient = try #require(value.gradient)
            let sum = zip(value.values, gradient).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(sum - total) <= 1e-5 * total)
        }
    }

    @Test("a constant-size state gives, step by step, what the whole sequences give", arguments: 2...4)
    func steps(order: Int) {
        let layout = Layout([5, 3, 1, 4])
        let inputs = HyperInputs(order: order, rows: layout.rows, heads: 2, size: 6, valueSize: 5)
        let samples = layout.segments.dropFirst()
        for divisor in [HyperDivisor.none, .visible] {
            let tape = Tape(recording: false)
            let whole = linear(inputs, layout, divisor)
            let prompt = tape.hyperAttentionState(
                keys: inputs.keys,
                values: inputs.values,
                rows: 0..<5,
                heads: 2
            )
            let states = samples.map { _ in Tensor(shape: prompt.shape, values: prompt.toArray()) }
            for step in 0..<4 {
                let live = zip(samples, states).filter { step < $0.0.rows.count }
                let rows = live.map { Int32($0.0.rows.lowerBound + step) }
                let y = tape.hyperAttentionStep(
                    q: tape.gatherRows(inputs.q, rows: rows),
                    keys: inputs.keys.map { tape.gatherRows($0, rows: rows) },
                    values: inputs.values.map { tape.gatherRows($0, rows: rows) },
                    states: live.map(\.1),
                    counts: live.map { _ in 5 + step },
                    heads: 2,
                    divisor: divisor
                )
                expectClose(y.toArray(), rows.flatMap { whole.row(Int($0)) }, 2e-6, "step \(step)")
            }
        }
    }
}
