import Testing

@testable import Tensors

@Suite("Gradients equal differences of values") struct GradientTests {
    @Test("linear with a frozen weight", arguments: [(1, 3, 2), (4, 5, 7), (6, 17, 3)])
    func linearFrozen(rows: Int, inputs: Int, outputs: Int) {
        let (x, w) = (parameter([rows, inputs], "x"), frozen(outputs, inputs, "w"))
        expectGradients([x]) { $0.linear(x, w) }
    }

    @Test("linear with a trainable weight", arguments: [(1, 3, 2), (4, 5, 7)])
    func linear(rows: Int, inputs: Int, outputs: Int) {
        let (x, w) = (parameter([rows, inputs], "x"), parameter([outputs, inputs], "w"))
        expectGradients([x, w]) { $0.linear(x, w) }
    }

    @Test("LoRA", arguments: [(1, 3, 2, 1), (5, 6, 7, 3)])
    func loRA(rows: Int, inputs: Int, outputs: Int, rank: Int) {
        let (x, w) = (parameter([rows, inputs], "x"), frozen(outputs, inputs, "w"))
        let (a, b) = (parameter([rank, inputs], "a"), parameter([outputs, rank], "b"))
        expectGradients([x, a, b]) { $0.loRA(x, w, a: a, b: b, scale: 2) }
    }

    @Test("RMSNorm", arguments: [(1, 2), (3, 7), (2, 33)])
    func rmsNorm(rows: Int, columns: Int) {
        let (x, weight) = (parameter([rows, columns], "x"), parameter([columns], "weight"))
        let fixed = FrozenVector(random(columns, "weight"))
        expectGradients([x, weight]) { $0.rmsNorm(x, weight: weight, epsilon: 0.1) }
        expectGradients([x]) { $0.rmsNorm(x, weight: fixed, epsilon: 0.1) }
    }

    @Test("rotary embedding", arguments: [(1, 2), (2, 6), (3, 16)])
    func rope(heads: Int, headSize: Int) {
        let x = parameter([3, heads * headSize], "x")
        let table = RopeTable(headSize: headSize, base: 100, positions: 12)
        expectGradients([x]) { $0.rope(x, positions: [0, 11, 4], heads: heads, table: table) }
    }

    @Test(
        "attention: grouped heads, shared prefixes, several sequences",
        arguments: [(1, 1), (4, 2), (3, 1)]
    )
    func attention(heads: Int, keyValueHeads: Int) {
        let size = 3
        let q = parameter([11, heads * size], "q")
        let k = parameter([11, keyValueHeads * size], "k")
        let v = parameter([11, keyValueHeads * size], "v")
        let segments = [
            AttentionSegment(rows: 0..<3), AttentionSegment(rows: 3..<8, prefix: 0..<3),
            AttentionSegment(rows: 8..<9, prefix: 0..<3), AttentionSegment(rows: 9..<11),
        ]
        expectGradients([q, k, v]) {
            $0.attention(q: q, k: k, v: v, segments: segments, heads: heads, keyValueHeads: keyValueHeads)
        }
    }

    @Test("attention in which only keys, or only queries and values, are differentiable")
    func partialAttention() {
        let q = parameter([5, 4], "q")
        let (k, v) = (parameter([5, 4], "k"), parameter([5, 4], "v"))
        let segments = [AttentionSegment(rows: 0..<2), AttentionSegment(rows: 2..<5, prefix: 0..<2)]
        expectGradients([k]) {
            $0.attention(
                q: q.detached(),
                k: k,
                v: v.detached(),
                segments: segments,
                heads: 2,
                keyValueHeads: 2
            )
        }
        expectGradients([q, v]) {
            $0.attention(q: q, k: k.detached(), v: v, segments: segments, heads: 2, keyValueHeads: 2)
        }
    }

    @Test("SwiGLU", arguments: [1, 5, 33])
    func swiGLU(columns: Int) {
        let (gate, up) = (parameter([2, columns], "gate"), parameter([2, columns], "up"))
        expectGradients([gate, up]) { $0.swiGLU(gate: gate, up: up) }
        expectGradients([gate]) { $0.swiGLU(gate: gate, up: up.detached()) }
        expectGradients([up]) { $0.swiGLU(gate: gate.detached(), up: up) }
    }

    @Test("add, scale and add vector, also when a tensor is used twice")
    func arithmetic() {
        let (x, y, v) = (parameter([3, 5], "x"), parameter([3, 5], "y"), parameter([5], "v"))
        expectGradients([x, y, v]) { $0.addVector($0.add($0.scale(x, by: -0.7), $0.add(x, y)), v) }
        expectGradients([x]) { $0.add(x, x) }
    }

    @Test("embedding and gathered rows, with repeated ids")
    func embedding() {
        let table = parameter([6, 3], "table")
        expectGradients([table]) { $0.embedding(table: table, ids: [5, 0, 5, 2, 5]) }
        expectGradients([table]) { $0.gatherRows($0.scale(table, by: 2), rows: [1, 1, 0]) }
    }

    @Test("token log-probabilities with a frozen and with a trainable head", arguments: [Float(1), 0.7])
    func tokenLogProbs(temperature: Float) {
        let (hidden, head) = (parameter([5, 4], "hidden"), parameter([9, 4], "head"))
        let fixed = frozen(9, 4, "head")
        let targets: [Int32] = [8, 0, 3, 3, 1]
        expectGradients([hidden, head]) {
            $0.tokenLogProbs(hidden, head: head, targets: targets, temperature: temperature)
        }
        expectGradients([hidden]) {
            $0.tokenLogProbs(hidden, head: fixed, targets: targets, temperature: temperature)
        }
    }

    @Test("divergence from a reference's distribution", arguments: [Float(1), 0.7])
    func tokenDivergence(temperature: Float) {
        let (hidden, reference) = (parameter([5, 4], "hidden"), parameter([5, 4], "reference"))
        let (fixed, head) = (frozen(9, 4, "head"), parameter([9, 4], "other head"))
        expectGradients([hidden]) {
            $0.tokenDivergence(
                hidden,
                head: fixed,
                from: reference,
                referenceHead: fixed,
                temperature: temperature
            )
        }
        expectGradients([hidden, head]) {
            $0.tokenDivergence(
                hidden,
                head: head,
                from: reference,
                referenceHead: fixed,
                temperature: temperature
            )
        }
    }

    @Test("the divergence of a distribution from itself is zero and flat")
    func noDivergence() {
        let hidden = parameter([3, 4], "hidden")
        let tape = Tape()
        let head = frozen(9, 4, "head")
        let divergence = tape.tokenDivergence(hidden, head: head, from: hidden, referenceHead: head)
        tape.backward(from: divergence, seed: [1, 1, 1])

        expectClose(divergence.toArray(), [0, 0, 0], 1e-6)
        expectClose(hidden.gradient.map(Array.init) ?? [], [Float](repeating: 0, count: 12), 1e-6)
    }

    @Test("token log-probabilities over more rows than one block holds")
    func blocks() {
        let vocabulary = 1 << 16
        let block = LogitBlocks.rows(vocabulary: vocabulary)
        let hidden = parameter([block + 3, 2], "hidden")
        let head = frozen(vocabulary, 2, "head")
        let targets = (0..<block + 3).map { Int32($0 * 991 % vocabulary) }
        let tape = Tape()
        let whole = tape.tokenLogProbs(hidden, head: head, targets: targets)
        tape.backward(from: whole, seed: [Float](repeating: 1, count: block + 3))

        let last = Tensor(shape: [3, 2], values: Array(hidden.values.suffix(6)), trainable: true)
        let part = tape.tokenLogProbs(last, head: head, targets: Array(targets.suffix(3)))
        tape.backward(from: part, seed: [1, 1, 1])
        expectClose(Array(whole.values.suffix(3)), part.toArray(), 1e-5)
        expectClose(
            Array(hidden.gradient?.suffix(6) ?? []),
            Array(last.gradient ?? .init(start: nil, count: 0)),
            1e-5
        )
    }

    @Test("a tied table collects gradients as embedding and as head")
    func tied() {
        let table = parameter([7, 4], "table")
        expectGradients([table]) {
            $0.tokenLogProbs($0.embedding(table: table, ids: [1, 6, 1]), head: table, targets: [6, 1, 0])
        }
    }
}
