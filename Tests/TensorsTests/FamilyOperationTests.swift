import CKernels
import Tensors
import Testing

/// Soft caps, windows, norms of heads and gates: what families other than Llama have.
@Suite("Operations of the families of models") struct FamilyOperationTests {
    @Test("GEGLU's kernel agrees with its scalar twin", arguments: lengths)
    func geglu(n: Int) {
        let (gate, up, dy) = (random(n, "gate", scale: 12), random(n, "up"), random(n, "dy"))
        var (y, z) = (up, up)
        kernel_geglu(gate, up, &y, n)
        kernel_geglu_reference(gate, up, &z, n)
        expectClose(y, z, 1e-6)
        var (dgate, dup, dgateReference, dupReference) = (up, gate, up, gate)
        kernel_geglu_backward(gate, up, dy, &dgate, &dup, n)
        kernel_geglu_backward_reference(gate, up, dy, &dgateReference, &dupReference, n)
        expectClose(dgate, dgateReference, 2e-6)
        expectClose(dup, dupReference, 2e-6)
        kernel_geglu_backward(gate, up, dy, &dgate, nil, n)
        kernel_geglu_backward_reference(gate, up, dy, &dgateReference, nil, n)
        expectClose(dgate, dgateReference, 3e-6)
    }

    @Test("the soft cap's kernel agrees with its scalar twin", arguments: [Float(1e-3), 0.5, 1, 20])
    func softCap(scale: Float) {
        let x = random(1000, "cap", scale: scale)
        var (y, z) = (x, x)
        var (slope, other) = (x, x)
        kernel_soft_cap(x, 30, &y, &slope, x.count)
        kernel_soft_cap_reference(x, 30, &z, &other, x.count)
        for index in x.indices { #expect(abs(y[index] - z[index]) <= 5e-7 * abs(z[index])) }
        expectClose(slope, other, 1e-6)
        kernel_soft_cap(x, 30, &y, nil, x.count)
        #expect(
            y
                == {
                    kernel_soft_cap(x, 30, &z, &slope, x.count); return z
                }()
        )
    }

    static let rules = [
        ScoreRule(scale: 0.7), ScoreRule(cap: 0.9), ScoreRule(window: 1), ScoreRule(window: 4),
        ScoreRule(scale: 0.4, cap: 1.3, window: 3),
    ]

    private static let segments = [
        AttentionSegment(rows: 0..<3), AttentionSegment(rows: 3..<8, prefix: 0..<3),
        AttentionSegment(rows: 8..<9, prefix: 0..<3), AttentionSegment(rows: 9..<11),
    ]

    private func attend(_ tape: Tape, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ rule: ScoreRule) -> Tensor {
        tape.attention(
            factors: [ScoreFactor(q: q, k: k, heads: 4)],
            v: v,
            pattern: AttentionPattern(segments: Self.segments),
            heads: 4,
            keyValueHeads: 2,
            rule: rule
        )
    }

    @Test("gradients of attention with a scale, a soft cap and a window", arguments: rules)
    func attention(rule: ScoreRule) {
        let (q, k) = (parameter([11, 4 * 3], "q"), parameter([11, 2 * 3], "k"))
        let v = parameter([11, 2 * 3], "v")
        expectGradients([q, k, v]) { attend($0, q, k, v, rule) }
    }

    @Test("a row does not depend on what lies before its window")
    func window() {
        let (q, k, v) = (parameter([11, 12], "q"), parameter([11, 6], "k"), parameter([11, 6], "v"))
        let before = attend(Tape(), q, k, v, ScoreRule(window: 3)).toArray()
        for column in 0..<6 { (k.values[column], v.values[column]) = (9, 9) }
        let after = attend(Tape(), q, k, v, ScoreRule(window: 3)).toArray()
        // Row 0 is position 0: seen by positions 0 to 2, which are rows 0 to 2; rows 3 on are position 3 on.
        #expect(Array(after[36...]) == Array(before[36...]))
        for row in 0..<3 { #expect(after[row * 12..<row * 12 + 12] != before[row * 12..<row * 12 + 12]) }
        #expect(attend(Tape(), q, k, v, ScoreRule()).toArray() != after)
    }

    @Test("one row over a cache gives what it gives among all rows", arguments: rules)
    func cached(rule: ScoreRule) {
        let (q, k, v) = (parameter([11, 12], "q"), parameter([11, 6], "k"), parameter([11, 6], "v"))
        let whole = attend(Tape(), q, k, v, rule).toArray()
        let (tape, pages) = (Tape(recording: false), CachePages(.single))
        let layer = pages.addLayer(heads: 4, keyValueHeads: 2, headSize: 3, rule: rule)
        let (beginning, own) = (CachedRows(pages, rowsMax: 3), CachedRows(pages, rowsMax: 5))
        beginning.grow(by: 3)
        layer.store(keys: k, values: v, rows: 0..<3, in: beginning)
        for row in 3..<8 {
            own.grow(by: 1)
            let one = tape.cachedAttention(
                q: tape.gatherRows(q, rows: [Int32(row)]),
                k: tape.gatherRows(k, rows: [Int32(row)]),
                v: tape.gatherRows(v, rows: [Int32(row)]),
                layer: layer,
                step: CachedStep([(beginning, own)])
            )
            expectClose(one.toArray(), Array(whole[row * 12..<row * 12 + 12]), 2e-6)
        }
    }

    @Test("gradients of RMSNorm of heads, with an offset of the weight", arguments: [Float(0), 1])
    func headNorm(offset: Float) {
        let (x, weight) = (parameter([3, 4 * 5], "x"), parameter([5], "weight"))
        expectGradients([x, weight]) { $0.rmsNorm(x, weight: weight, epsilon: 0.1, offset: offset) }
        let shifted = Tensor(shape: [5], values: weight.values.map { $0 + offset })
        #expect(
            Tape().rmsNorm(x, weight: weight, epsilon: 0.1, offset: offset).toArray()
                == Tape().rmsNorm(x, weight: shifted, epsilon: 0.1).toArray()
        )
    }

    @Test("gradients of GEGLU, of some columns and of a partly turned head")
    func small() {
        let (gate, up) = (parameter([2, 9], "gate"), parameter([2, 9], "up"))
        expectGradients([gate, up]) { $0.geGLU(gate: gate, up: up) }
        expectGradients([gate]) { $0.geGLU(gate: gate, up: up.detached()) }
        expectGradients([up]) { $0.geGLU(gate: gate.detached(), up: up) }
        expectGradients([gate]) { $0.multiply($0.takeColumns(gate, 2..<5), $0.takeColumns(gate, 4..<7)) }
        let x = parameter([3, 2 * 8], "x")
        let table = RopeTable(headSize: 8, frequencies: [1, 0.3], magnitude: 1.2, positions: 9)
        expectGradients([x]) { $0.rope(x, positions: [0, 8, 4], heads: 2, table: table) }
        let y = Tape().rope(x, positions: [0, 8, 4], heads: 2, table: table)
        for index in x.values.indices where index % 8 >= 4 { #expect(y.values[index] == x.values[index]) }
    }

    @Test("gradients of soft-capped log-probabilities and of their divergence", arguments: [Float(1), 1.7])
    func capped(temperature: Float) {
        let (hidden, head) = (parameter([3, 4], "hidden"), parameter([7, 4], "head"))
        let reference = Tensor(shape: [3, 4], values: random(12, "reference"))
        let referenceHead = FrozenMatrix(rows: 7, columns: 4, values: random(28, "reference head"))
        expectGradients([hidden, head]) {
            $0.tokenLogProbs(hidden, head: head, targets: [6, 0, 3], temperature: temperature, cap: 0.8)
        }
        expectGradients([hidden, head]) {
            $0.tokenDivergence(
                hidden,
                head: head,
                from: reference,
                referenceHead: referenceHead,
                temperature: temperature,
                cap: 0.8
            )
        }
        let tape = Tape(recording: false)
        let capped = tape.logits(hidden, head: head, cap: 0.8).toArray()
        let plain = tape.logits(hidden, head: head).toArray()
        for (a, b) in zip(capped, plain) { #expect(abs(a) < 0.8 && abs(a) <= abs(b)) }
        let scores = tape.tokenStatistics(
            hidden,
            head: head,
            targets: [6, 0, 3],
            temperature: temperature,
            cap: 0.8
        )
        let logProbs = tape.tokenLogProbs(
            hidden,
            head: head,
            targets: [6, 0, 3],
            temperature: temperature,
            cap: 0.8
        )
        #expect(scores.logProbs == logProbs.toArray())
    }
}
