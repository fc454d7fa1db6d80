import Testing

@testable import Tensors

@Suite("PyTorch's numbers") struct GoldenTests {
    /// Runs an operation on golden inputs and compares its output and gradients.
    private func expectGolden(
        _ name: String,
        _ inputs: [(String, Tensor)],
        tolerance: Double = 2e-6,
        _ operation: (Tape) -> Tensor
    ) throws {
        let expected = try #require(goldens[name])
        let tape = Tape()
        let output = operation(tape)
        tape.backward(from: output, seed: ramp(output.count, salt: 99))
        expectClose(output.toArray(), try #require(expected["output"]), tolerance, "\(name) output")
        for (input, tensor) in inputs {
            let gradient = Array(try #require(tensor.gradient))
            expectClose(gradient, try #require(expected["d" + input]), tolerance, "\(name) d\(input)")
        }
    }

    @Test("RMSNorm") func rmsNorm() throws {
        let (x, weight) = (leaf([3, 10], salt: 1), leaf([10], salt: 2))
        try expectGolden("rms_norm", [("x", x), ("weight", weight)]) {
            $0.rmsNorm(x, weight: weight, epsilon: 1e-5)
        }
    }

    @Test("LayerNorm") func layerNorm() throws {
        let (x, weight, bias) = (leaf([3, 10], salt: 1), leaf([10], salt: 2), leaf([10], salt: 21))
        try expectGolden("layer_norm", [("x", x), ("weight", weight), ("bias", bias)]) {
            $0.layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5)
        }
    }

    @Test("GELU and ELU") func activations() throws {
        let (x, y) = (leaf([4, 5], salt: 3), leaf([4, 5], salt: 3))
        try expectGolden("gelu", [("x", x)]) { $0.gelu($0.scale(x, by: 4)) }
        try expectGolden("elu", [("x", y)]) { $0.elu($0.scale(y, by: 4)) }
    }

    @Test("attention over the neighbours of nodes") func graphAttention() throws {
        let (x, source, target) = (leaf([7, 6], salt: 5), leaf([6], salt: 6), leaf([6], salt: 7))
        try expectGolden("graph_attention", [("x", x), ("source", source), ("target", target)]) {
            $0.graphAttention(x, source: source, target: target, structures: [graphs[0]], heads: 2)
        }
    }

    @Test("attention among nodes within reach, with biases by distance") func nodeAttention() throws {
        let (q, k, v) = (leaf([7, 6], salt: 6), leaf([7, 6], salt: 7), leaf([7, 6], salt: 8))
        let table = leaf([2, 10], salt: 9)
        try expectGolden("node_attention", [("q", q), ("k", k), ("v", v), ("table", table)]) {
            $0.nodeAttention(
                q: q,
                k: k,
                v: v,
                table: table,
                structures: [graphs[0]],
                reach: 2,
                heads: 2
            )
        }
    }

    @Test("SwiGLU") func swiGLU() throws {
        let (gate, up) = (leaf([4, 5], salt: 3), leaf([4, 5], salt: 4))
        try expectGolden("swiglu", [("gate", gate), ("up", up)]) {
            $0.swiGLU(gate: $0.scale(gate, by: 4), up: up)
        }
    }

    @Test("rotary embedding, as transformers' Llama computes it") func rope() throws {
        let x = leaf([4, 12], salt: 5)
        let table = RopeTable(headSize: 6, base: 10000, positions: 31)
        try expectGolden("rope", [("x", x)]) {
            $0.rope(x, positions: [0, 1, 7, 30], heads: 2, table: table)
        }
    }

    @Test("causal attention with grouped heads") func attention() throws {
        let q = leaf([10, 20], salt: 6)
        let (k, v) = (leaf([10, 10], salt: 7), leaf([10, 10], salt: 8))
        let segments = [AttentionSegment(rows: 0..<7), AttentionSegment(rows: 7..<10)]
        try expectGolden("attention", [("q", q), ("k", k), ("v", v)]) {
            $0.attention(q: q, k: k, v: v, segments: segments, heads: 4, keyValueHeads: 2)
        }
    }

    @Test("token log-probabilities at a temperature, and entropy") func tokenLogProbs() throws {
        let (hidden, head) = (leaf([5, 6], salt: 9), leaf([11, 6], salt: 10))
        let targets: [Int32] = [3, 0, 10, 3, 7]
        try expectGolden("token_log_probs", [("hidden", hidden), ("head", head)], tolerance: 4e-6) {
            $0.tokenLogProbs($0.scale(hidden, by: 4), head: head, targets: targets, temperature: 0.7)
        }
        let tape = Tape(recording: false)
        let statistics = tape.tokenStatistics(
            tape.scale(hidden, by: 4),
            head: head,
            targets: targets,
            temperature: 0.7
        )
        expectClose(statistics.entropies, try #require(goldens["token_log_probs"]?["entropy"]), 4e-6)
        expectClose(statistics.logProbs, try #require(goldens["token_log_probs"]?["output"]), 4e-6)
    }

    @Test("divergence from a reference's distribution") func tokenDivergence() throws {
        let hidden = leaf([5, 6], salt: 9)
        let head = FrozenMatrix(rows: 11, columns: 6, values: ramp(66, salt: 10))
        let reference = Tensor(shape: [5, 6], values: ramp(30, salt: 17).map { 4 * $0 })
        try expectGolden("token_divergence", [("hidden", hidden)], tolerance: 1e-5) {
            $0.tokenDivergence(
                $0.scale(hidden, by: 4),
                head: head,
                from: reference,
                referenceHead: head,
                temperature: 0.7
            )
        }
    }

    @Test("LoRA") func loRA() throws {
        let (x, w) = (leaf([4, 6], salt: 11), FrozenMatrix(rows: 5, columns: 6, values: ramp(30, salt: 12)))
        let (a, b) = (leaf([2, 6], salt: 13), leaf([5, 2], salt: 14))
        try expectGolden("lora", [("x", x), ("a", a), ("b", b)]) { $0.loRA(x, w, a: a, b: b, scale: 1.5) }
    }

    @Test("ten steps of clip_grad_norm_ and AdamW, also when interrupted after six") func adamW() throws {
        let expected = try #require(goldens["adamw"])
        let parameters = [leaf([3, 4], salt: 15), leaf([5], salt: 16)]
        var optimiser = AdamW(learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1)
        var (norms, trace): ([Float], [Float]) = ([], [])
        for step in 0..<10 {
            if step == 6 {
                let state = optimiser.state
                optimiser = AdamW(
                    learningRate: 0.01,
                    beta1: 0.9,
                    beta2: 0.95,
                    epsilon: 1e-8,
                    weightDecay: 0.1
                )
                optimiser.state = AdamW.State(stepCount: state.stepCount, moments: state.moments)
            }
            for (index, parameter) in parameters.enumerated() {
                let numbers = ramp(parameter.count, salt: UInt32(100 + 10 * step + index))
                _ = parameter.gradient?.update(fromContentsOf: numbers.map { $0 * (step == 4 ? 0.2 : 1) })
            }
            norms.append(Float(clipGradientNorm(parameters, max: 1)))
            optimiser.step(parameters: parameters)
            trace += parameters.flatMap { $0.toArray() }
        }
        expectClose(norms, try #require(expected["norms"]), 1e-6, "norms")
        expectClose(trace, try #require(expected["parameters"]), 1e-6, "parameters")
    }
}
