import CKernels
import Testing

@testable import Tensors

@Suite("Attention with products of scores") struct InteractionTests {
    /// Two or three factors of different sizes, some neutral at the start.
    private func factors(_ rows: Int, _ sizes: [Int], heads: Int, keyValueHeads: Int) -> [ScoreFactor] {
        sizes.enumerated().map { a, size in
            ScoreFactor(
                q: parameter([rows, heads * size], "q\(a)"),
                k: parameter([rows, keyValueHeads * size], "k\(a)"),
                offset: a == 0 ? 0 : 1,
                heads: heads
            )
        }
    }

    @Test("one factor equals the formula", arguments: Layout.ragged, [(1, 1), (2, 2), (8, 24), (24, 64)])
    func oneFactor(layout: Layout, sizes: (Int, Int)) {
        for weighting in [AttentionWeighting.softmax, .sum, .mean] {
            expectFormula(layout, [sizes.0], sizes.1, heads: 2, keyValueHeads: 1, weighting)
        }
    }

    @Test(
        "two and three factors equal the formula",
        arguments: Layout.ragged,
        [[2, 1], [8, 24], [24, 2, 64]]
    )
    func manyFactors(layout: Layout, sizes: [Int]) {
        for weighting in [AttentionWeighting.softmax, .sum, .mean] {
            expectFormula(layout, sizes, 8, heads: 4, keyValueHeads: 2, weighting)
        }
    }

    private func expectFormula(
        _ layout: Layout,
        _ sizes: [Int],
        _ valueSize: Int,
        heads: Int,
        keyValueHeads: Int,
        _ weighting: AttentionWeighting
    ) {
        let factors = factors(layout.rows, sizes, heads: heads, keyValueHeads: keyValueHeads)
        let v = parameter([layout.rows, keyValueHeads * valueSize], "v")
        let pattern = layout.pattern(heads: heads)
        let y = Tape().attention(
            factors: factors,
            v: v,
            pattern: pattern,
            heads: heads,
            keyValueHeads: keyValueHeads,
            weighting: weighting
        )
        let expected = referenceAttention(
            factors.map(ReferenceFactor.init),
            Rows(v),
            pattern,
            heads: heads,
            keyValueHeads: keyValueHeads,
            weighting: weighting
        )
        expectClose(y.toArray(), expected.floats, 1e-5, "\(weighting)")
    }

    @Test("gradients equal differences of values", arguments: Layout.small, [[3], [2, 1], [2, 3, 1]])
    func gradients(layout: Layout, sizes: [Int]) {
        for weighting in [AttentionWeighting.softmax, .sum, .mean] {
            let factors = factors(layout.rows, sizes, heads: 2, keyValueHeads: 1)
            let v = parameter([layout.rows, 2], "v")
            let pattern = layout.pattern(heads: 2)
            let inputs = factors.flatMap { [$0.q, $0.k] } + [v] + pattern.distinctBiases
            expectGradients(inputs) {
                $0.attention(
                    factors: factors,
                    v: v,
                    pattern: pattern,
                    heads: 2,
                    keyValueHeads: 1,
                    weighting: weighting
                )
            }
        }
    }

    @Test("each input may be the only differentiable one", arguments: 0..<6)
    func oneInput(_ index: Int) {
        let layout = Layout([2, 3], hasBiases: true)
        let all = factors(layout.rows, [2, 3], heads: 2, keyValueHeads: 2)
        let inputs = all.flatMap { [$0.q, $0.k] } + [parameter([layout.rows, 4], "v")]
        let biases = layout.pattern(heads: 2).biases
        func pick(_ number: Int) -> Tensor { number == index ? inputs[number] : inputs[number].detached() }
        let pattern = AttentionPattern(
            segments: layout.segments,
            biases: biases.map { index == 5 ? $0 : $0?.detached() }
        )
        expectGradients(index == 5 ? biases.compactMap { $0 } : [inputs[index]]) {
            $0.attention(
                factors: [
                    ScoreFactor(q: pick(0), k: pick(1), heads: 2),
                    ScoreFactor(q: pick(2), k: pick(3), offset: 1, heads: 2),
                ],
                v: pick(4),
                pattern: pattern,
                heads: 2,
                keyValueHeads: 2
            )
        }
    }

    @Test("a tensor may be used as queries, keys and values of several factors")
    func shared() {
        let x = parameter([5, 4], "x")
        expectGradients([x]) {
            $0.attention(
                factors: [ScoreFactor(q: x, k: x, heads: 2), ScoreFactor(q: x, k: x, offset: 1, scale: 0.3)],
                v: x,
                pattern: AttentionPattern(segments: [AttentionSegment(rows: 0..<5)], isCausal: false),
                heads: 2,
                keyValueHeads: 2
            )
        }
    }

    @Test("one plain factor goes the way of causal attention, bit for bit", arguments: [1, 3, 17])
    func plain(rows: Int) {
        let (q, k) = (parameter([rows, 4 * 8], "q"), parameter([rows, 2 * 8], "k"))
        let v = parameter([rows, 2 * 8], "v")
        var batch = kernel_attention_batch()
        (batch.heads, batch.key_value_heads, batch.head_size) = (4, 2, 8)
        batch.scale = 1 / Float(8).squareRoot()
        (batch.q, batch.k, batch.v) = (
            UnsafePointer(q.pointer), UnsafePointer(k.pointer), UnsafePointer(v.pointer)
        )
        var place = kernel_attention_place(first: 0, rows: rows, prefix_first: 0, prefix_rows: 0)
        var expected = [Float](repeating: 0, count: rows * 4 * 8)
        for head in 0..<4 { kernel_attention_reference(&batch, &place, head, &expected, nil) }

        let segments = [AttentionSegment(rows: 0..<rows)]
        let y = Tape().attention(
            factors: [ScoreFactor(q: q, k: k, heads: 4)],
            v: v,
            pattern: AttentionPattern(segments: segments, masks: [nil]),
            heads: 4,
            keyValueHeads: 2
        )
        let convenience = Tape().attention(q: q, k: k, v: v, segments: segments, heads: 4, keyValueHeads: 2)
        #expect(y.toArray() == convenience.toArray())
        expectClose(y.toArray(), expected, 1e-6)
    }

    @Test("a neutral second factor, and a mask that allows all, change nothing")
    func neutral() {
        let layout = Layout([5, 17, 3])
        let (q, k) = (parameter([layout.rows, 16], "q"), parameter([layout.rows, 8], "k"))
        let v = parameter([layout.rows, 8], "v")
        let zeros = Tensor(zeros: [layout.rows, 4])
        let plain = Tape().attention(
            q: q,
            k: k,
            v: v,
            segments: layout.segments,
            heads: 4,
            keyValueHeads: 2
        )
        let neutral = Tape().attention(
            factors: [
                ScoreFactor(q: q, k: k, heads: 4),
                ScoreFactor(q: zeros, k: parameter([layout.rows, 2], "k2"), offset: 1, heads: 4),
            ],
            v: v,
            pattern: AttentionPattern(segments: layout.segments),
            heads: 4,
            keyValueHeads: 2
        )
        let allowing = Tape().attention(
            factors: [ScoreFactor(q: q, k: k, heads: 4)],
            v: v,
            pattern: AttentionPattern(
                segments: layout.segments,
                masks: layout.segments.map {
                    let count = $0.rows.count * $0.columns
                    return AttentionMask(
                        rows: $0.rows.count,
                        columns: $0.columns,
                        allowed: [UInt8](repeating: 1, count: count)
                    )
                }
            ),
            heads: 4,
            keyValueHeads: 2
        )
        expectClose(neutral.toArray(), plain.toArray(), 1e-6)
        expectClose(allowing.toArray(), plain.toArray(), 1e-6)
    }

    @Test("the mask is laid over the product: no NaN where factors are negative or zero", arguments: [1, 5])
    func maskedOnce(rows: Int) {
        // Factors −1 and 0, which would turn a −∞ into +∞ and NaN.
        let (ones, minus) = (parameter([rows, 1], "o"), parameter([rows, 1], "m"))
        ones.values.update(repeating: 1)
        minus.values.update(repeating: -1)
        let zeros = Tensor(shape: [rows, 1], values: [Float](repeating: 0, count: rows), trainable: true)
        let v = Tensor(shape: [rows, 1], values: (0..<rows).map { Float($0) + 1 }, trainable: true)
        let mask = AttentionMask(
            rows: rows,
            columns: rows,
            allowed: (0..<rows * rows).map { $0 % rows == 0 && $0 / rows != 3 ? 1 : 0 }
        )
        let segments = [AttentionSegment(rows: 0..<rows)]
        for second in [minus, zeros] {
            let tape = Tape()
            let y = tape.attention(
                factors: [
                    ScoreFactor(q: ones, k: minus, scale: 1), ScoreFactor(q: ones, k: second, scale: 1),
                ],
                v: v,
                pattern: AttentionPattern(segments: segments, isCausal: false, masks: [mask]),
                heads: 1,
                keyValueHeads: 1
            )
            tape.backward(from: y, seed: [Float](repeating: 1, count: rows))

            #expect(y.toArray() == (0..<rows).map { $0 == 3 ? 0 : 1 })
            for input in [ones, minus, zeros, v] {
                #expect(input.gradient?.allSatisfy(\.isFinite) == true)
            }
        }
    }

    @Test(
        "attention over caches gives what the whole sequences give",
        arguments: [[6], [3], [2, 5], [6, 6, 1]]
    )
    func cached(sizes: [Int]) {
        let layout = Layout([5, 3, 1, 4])
        let factors = factors(layout.rows, sizes, heads: 4, keyValueHeads: 2)
        let v = parameter([layout.rows, 2 * 6], "v")
        let tape = Tape(recording: false)
        let whole = tape.attention(
            factors: factors,
            v: v,
            pattern: layout.pattern(heads: 4),
            heads: 4,
            keyValueHeads: 2
        )
        for segment in layout.segments.dropFirst() {
            for count in 1...segment.rows.count {
                // The newest row alone, and all own rows so far at once.
                for first in Set([0, count - 1]) {
                    let rows = segment.rows.lowerBound + first..<segment.rows.lowerBound + count
                    let cached = CachedSegment(
                        rows: 0..<rows.count,
                        prefixKeys: factors.map(\.k),
                        prefixValues: [v],
                        prefixRows: segment.prefix ?? 0..<0,
                        keys: factors.map(\.k),
                        values: [v],
                        ownRows: segment.rows.lowerBound..<rows.upperBound
                    )
                    let y = tape.cachedAttention(
                        q: factors.map { tape.gatherRows($0.q, rows: rows.map(Int32.init)) },
                        offsets: factors.map(\.offset),
                        segments: [cached],
                        heads: 4,
                        keyValueHeads: 2
                    )
                    expectClose(y.toArray(), rows.flatMap(whole.row), 2e-6, "rows \(rows)")
                }
            }
        }
    }
}
