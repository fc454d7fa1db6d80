package import Tensors

/// A hook at the layer boundaries: given the index and the residual stream `[N, C]`, returns the stream to go
/// on with. Index 0 is after the embedding, index l + 1 after block l, as in Hugging Face's `hidden_states`
/// (except that those end with the normed state).
package typealias LayerBoundary = (_ index: Int, _ residual: Tensor) -> Tensor

/// What the terms of an objective want to see of a pass besides log-probabilities.
package struct PassNeeds: Sendable, Equatable {
    /// Layer boundaries whose residual stream is wanted; see `LayerBoundary`.
    package var layers: Set<Int> = []
    /// The base model's log-probabilities of the same tokens.
    package var base = false
    /// Layer boundaries of the base model's pass whose residual stream is wanted.
    package var baseLayers: Set<Int> = []
    /// The divergence from the base model over the whole vocabulary, at each response token.
    package var divergence = false

    /// Nothing more.
    package init() {}

    /// Whether the base model has to run at all.
    package var wantsBase: Bool { base || divergence || !baseLayers.isEmpty }

    /// What both want.
    package func union(_ other: PassNeeds) -> PassNeeds {
        var needs = self
        needs.layers.formUnion(other.layers)
        needs.base = base || other.base
        needs.baseLayers.formUnion(other.baseLayers)
        needs.divergence = divergence || other.divergence
        return needs
    }
}

/// A pass of a training step, differentiable.
package struct TrainingPass {
    /// log π of the response tokens `[M]`.
    package let logProbs: Tensor
    /// KL(π ‖ π_base) at each response token `[M]`, where wanted.
    package let divergence: Tensor?
    /// By layer boundary, the residual stream `[N, C]`, where wanted.
    package let hidden: [Int: Tensor]
}

/// The base model's pass over the same batch.
package struct BasePass {
    /// log π_base of the response tokens `[M]`.
    package let logProbs: [Float]
    /// The last hidden states that the response tokens are predicted from `[M, C]`.
    let predictors: Tensor
    /// By layer boundary, the residual stream `[N, C]`, where wanted.
    package let hidden: [Int: [Float]]
}

/// A Llama-style decoder over frozen weights with an optional adapter, or over trainable weights.
///
/// Block: x += attention(norm(x)), then x += down(silu(gate(n)) · up(n)) with n = norm(x). One compute
/// thread.
package final class LanguageDecoder {
    /// The weights.
    package let parameters: DecoderParameters
    /// The adapter; nil for the base model as it is.
    package let adapter: Adapter?
    /// The buffers that this decoder's own passes (`generate`, `scores`) reuse; use it for training tapes
    /// too.
    package let workspace: Workspace

    /// The shape of the decoder.
    package var configuration: DecoderConfiguration { parameters.configuration }

    /// A decoder over a base model's frozen weights.
    package convenience init(_ base: BaseModel, adapter: Adapter? = nil, workspace: Workspace = Workspace()) {
        self.init(DecoderParameters(base), adapter: adapter, workspace: workspace)
    }

    /// A decoder over any weights; an adapter needs frozen ones, of the shape it was made for.
    package init(_ parameters: DecoderParameters, adapter: Adapter? = nil, workspace: Workspace = Workspace())
    {
        precondition(
            adapter == nil || parameters.trainable.isEmpty,
            "LanguageDecoder: an adapter cannot sit on trainable weights"
        )
        precondition(
            adapter.map { $0.model == parameters.configuration } ?? true,
            "LanguageDecoder: the adapter was made for a decoder of another shape"
        )
        self.parameters = parameters
        self.adapter = adapter
        self.workspace = workspace
    }

    /// The hidden states after the last norm.
    ///
    /// - Parameters:
    ///   - tape: Records the pass, or not.
    ///   - tokens: N input tokens.
    ///   - positions: Their N positions, each below the configuration's `positionsMax`.
    ///   - segments: Which rows attend to which.
    ///   - withAdapter: False gives the base model's states on the same decoder.
    ///   - boundary: Sees, and may change, the residual stream at each layer boundary.
    /// - Returns: `[N, C]`.
    package func hidden(
        tape: Tape,
        tokens: [Int32],
        positions: [Int32],
        segments: [AttentionSegment],
        withAdapter: Bool = true,
        boundary: LayerBoundary? = nil
    ) -> Tensor {
        hidden(
            tape: tape,
            tokens: tokens,
            positions: positions,
            adapter: withAdapter ? adapter : nil,
            boundary: boundary
        ) { _, q, k, v in
            tape.attention(
                q: q,
                k: k,
                v: v,
                segments: segments,
                heads: configuration.headCount,
                keyValueHeads: configuration.keyValueHeadCount
            )
        }
    }

    /// The hidden states after the last norm of a packed batch: `[N, C]`.
    package func hidden(
        tape: Tape,
        batch: PackedBatch,
        withAdapter: Bool = true,
        boundary: LayerBoundary? = nil
    ) -> Tensor {
        hidden(
            tape: tape,
            tokens: batch.tokens,
            positions: batch.positions,
            segments: batch.segments,
            withAdapter: withAdapter,
            boundary: boundary
        )
    }

    /// The log-probability of each response token given what stands before it.
    ///
    /// - Parameters:
    ///   - tape: Records the pass for `backward`, or not.
    ///   - batch: Prompts and responses.
    ///   - temperature: What the logits are divided by; positive.
    ///   - withAdapter: False gives the base model's log-probabilities on the same decoder.
    ///   - boundary: See `hidden`.
    /// - Returns: `[M]` in the order of `batch.targets`.
    package func responseLogProbs(
        tape: Tape,
        batch: PackedBatch,
        temperature: Float = 1,
        withAdapter: Bool = true,
        boundary: LayerBoundary? = nil
    ) -> Tensor {
        let states = hidden(tape: tape, batch: batch, withAdapter: withAdapter, boundary: boundary)
        return tape.tokenLogProbs(
            tape.gatherRows(states, rows: batch.predictors),
            head: parameters.head,
            targets: batch.targets,
            temperature: temperature
        )
    }

    /// One pass of a training step: the log-probabilities of the response tokens, and whatever else the terms of
    /// an objective ask for.
    ///
    /// - Parameters:
    ///   - tape: Records the pass for `backward`.
    ///   - batch: Prompts and responses.
    ///   - temperature: What the logits are divided by; positive.
    ///   - needs: What is wanted besides log-probabilities.
    ///   - base: What the base model makes of the same batch; wanted where `needs` says so.
    package func trainingPass(
        tape: Tape,
        batch: PackedBatch,
        temperature: Float,
        needs: PassNeeds = PassNeeds(),
        base: BasePass? = nil
    ) -> TrainingPass {
        var residuals: [Int: Tensor] = [:]
        let states = hidden(
            tape: tape,
            batch: batch,
            boundary: keeper(of: needs.layers) { residuals[$0] = $1 }
        )
        let predictors = tape.gatherRows(states, rows: batch.predictors)
        let logProbs = tape.tokenLogProbs(
            predictors,
            head: parameters.head,
            targets: batch.targets,
            temperature: temperature
        )
        var divergence: Tensor?
        if needs.divergence, let base, case .frozen(let head) = parameters.head {
            divergence = tape.tokenDivergence(
                predictors,
                from: base.predictors,
                head: head,
                temperature: temperature
            )
        }
        return TrainingPass(logProbs: logProbs, divergence: divergence, hidden: residuals)
    }

    /// The same batch under the base model alone, not differentiable.
    package func basePass(batch: PackedBatch, temperature: Float, needs: PassNeeds) -> BasePass {
        let tape = Tape(recording: false, workspace: workspace)
        var residuals: [Int: [Float]] = [:]
        let states = hidden(
            tape: tape,
            batch: batch,
            withAdapter: false,
            boundary: keeper(of: needs.baseLayers) { residuals[$0] = $1.toArray() }
        )
        let predictors = tape.gatherRows(states, rows: batch.predictors)
        let logProbs = tape.tokenLogProbs(
            predictors,
            head: parameters.head,
            targets: batch.targets,
            temperature: temperature
        )
        return BasePass(logProbs: logProbs.toArray(), predictors: predictors, hidden: residuals)
    }

    private func keeper(of layers: Set<Int>, _ keep: @escaping (Int, Tensor) -> Void) -> LayerBoundary? {
        guard !layers.isEmpty else { return nil }
        return { index, residual in
            if layers.contains(index) { keep(index, residual) }
            return residual
        }
    }

    /// The logits `[rows, V]` at some rows of a packed batch, all at once: keep them few. Not differentiable.
    package func logits(batch: PackedBatch, rows: [Int32], withAdapter: Bool = true) -> Tensor {
        let tape = Tape(recording: false, workspace: workspace)
        let states = hidden(tape: tape, batch: batch, withAdapter: withAdapter)
        return tape.logits(tape.gatherRows(states, rows: rows), head: parameters.head)
    }

    /// The pass itself, over attention of any kind: over a packed batch, or over a cache.
    func hidden(
        tape: Tape,
        tokens: [Int32],
        positions: [Int32],
        adapter: Adapter?,
        boundary: LayerBoundary?,
        attention: (_ layer: Int, _ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor
    ) -> Tensor {
        let epsilon = configuration.normEpsilon
        let (heads, keyHeads) = (configuration.headCount, configuration.keyValueHeadCount)
        var x = tape.embedding(table: parameters.embedding, ids: tokens)
        if let boundary { x = boundary(0, x) }
        for (index, layer) in parameters.layers.enumerated() {
            func map(_ module: LinearModule, _ input: Tensor) -> Tensor {
                linear(tape, input, layer.linears[module.ordinal], adapter?.pair(module, layer: index))
            }
            let normed = tape.rmsNorm(x, weight: layer.attentionNorm, epsilon: epsilon)
            let q = tape.rope(map(.query, normed), positions: positions, heads: heads, table: parameters.rope)
            let k = tape.rope(
                map(.key, normed),
                positions: positions,
                heads: keyHeads,
                table: parameters.rope
            )
            x = tape.add(x, map(.output, attention(index, q, k, map(.value, normed))))

            let inner = tape.rmsNorm(x, weight: layer.feedForwardNorm, epsilon: epsilon)
            x = tape.add(x, map(.down, tape.swiGLU(gate: map(.gate, inner), up: map(.up, inner))))
            if let boundary { x = boundary(index + 1, x) }
        }
        return tape.rmsNorm(x, weight: parameters.finalNorm, epsilon: epsilon)
    }

    private func linear(_ tape: Tape, _ x: Tensor, _ weight: Weight, _ pair: Adapter.Pair?) -> Tensor {
        guard let pair, let adapter, case .frozen(let matrix) = weight else { return tape.linear(x, weight) }
        return tape.loRA(x, matrix, a: pair.a, b: pair.b, scale: adapter.scale)
    }
}
