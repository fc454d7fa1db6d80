package import Tensors

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
    /// How sure the model is of each response token, and whether it would have chosen it.
    package var certainty = false

    /// Nothing more.
    package init() {}

    /// Whether the base model has to run at all.
    package var wantsBase: Bool { wantsBaseHead || !baseLayers.isEmpty }
    /// Whether the base model has to run to its end, and not only to the last of `baseLayers`.
    var wantsBaseHead: Bool { base || divergence }

    /// What both want.
    package func union(_ other: PassNeeds) -> PassNeeds {
        var needs = self
        needs.layers.formUnion(other.layers)
        needs.base = base || other.base
        needs.baseLayers.formUnion(other.baseLayers)
        needs.divergence = divergence || other.divergence
        needs.certainty = certainty || other.certainty
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
    /// Where wanted.
    package let certainty: TokenCertainty?
}

/// What a pass says of its response tokens besides their log-probabilities; not differentiable.
package struct TokenCertainty: Sendable, Equatable {
    /// The entropy of the distribution that each is predicted with `[M]`, in nats.
    package var entropies: [Float]
    /// For how many of them the most likely token was the right one.
    package var hits = 0
}

/// The base model's pass over the same batch.
package struct BasePass {
    /// log π_base of the response tokens `[M]`; empty unless these or the divergence were wanted.
    package let logProbs: [Float]
    /// The last hidden states that the response tokens are predicted from `[M, C]`; nil where the pass ended
    /// before.
    let predictors: Tensor?
    /// By layer boundary, the residual stream `[N, C]`, where wanted.
    package let hidden: [Int: [Float]]
}

/// A decoder over frozen weights with an optional adapter, or over trainable weights.
///
/// Block: x += output(attention(norm(x))) with the block's attention kind, then x += down(silu(gate(n)) ·
/// up(n)) with n = norm(x); see `LanguageDecoder+Blocks` for what families add to that. One compute thread.
package final class LanguageDecoder {
    /// The weights.
    package let parameters: DecoderParameters
    /// The adapter; nil for the base model as it is.
    package let adapter: Adapter?
    /// The buffers that this decoder's own passes (`generate`, `scores`) reuse; use it for training tapes
    /// too.
    package let workspace: Workspace
    /// How `generate` keeps keys and values.
    package var cachePrecision = CachePrecision.single
    /// The tokens that the model itself ends an answer with.
    private(set) var ends: Set<Int32> = []
    /// Whether a recorded pass keeps the residual stream between blocks alone, and runs each block again on the way back:
    /// a third more time for a fraction of the memory.
    package var recomputes = false
    /// Rotary angles, made when a block first asks for them.
    private var ropes: [RopeKey: RopeTable]

    /// The shape of the decoder, without its adapter.
    package var configuration: DecoderConfiguration { parameters.configuration }

    /// A decoder over a base model's frozen weights.
    package convenience init(_ base: BaseModel, adapter: Adapter? = nil, workspace: Workspace = Workspace()) {
        self.init(DecoderParameters(base), adapter: adapter, workspace: workspace)
        ends = base.ends
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
        let usual = RopeKey(angles: parameters.configuration.rotary, headSize: parameters.rope.headSize)
        ropes = [usual: parameters.rope]
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
        ) { _, kind, pass in kind.attend(pass, AttentionPattern(segments: segments)) }
    }

    /// The hidden states after the last norm of a packed batch: `[N, C]`.
    package func hidden(
        tape: Tape,
        batch: PackedBatch,
        withAdapter: Bool = true,
        boundary: LayerBoundary? = nil
    ) -> Tensor {
        states(tape: tape, batch: batch, withAdapter: withAdapter, boundary: boundary)
    }

    /// A part of the pass over a packed batch: see `hidden` for `blocks`, `start` and `rows`.
    func states(
        tape: Tape,
        batch: PackedBatch,
        withAdapter: Bool,
        boundary: LayerBoundary?,
        blocks: Int? = nil,
        start: RecordedStart? = nil,
        rows: [Int32]? = nil,
        seesEnd: Bool? = nil
    ) -> Tensor {
        hidden(
            tape: tape,
            tokens: batch.tokens,
            positions: batch.positions,
            adapter: withAdapter ? adapter : nil,
            boundary: boundary,
            blocks: blocks,
            start: start,
            rows: rows,
            seesEnd: seesEnd
        ) { _, kind, pass in kind.attend(pass, AttentionPattern(segments: batch.segments)) }
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
        let predictors = states(
            tape: tape,
            batch: batch,
            withAdapter: withAdapter,
            boundary: boundary,
            rows: batch.predictors
        )
        return tape.tokenLogProbs(
            predictors,
            head: head(withAdapter ? adapter : nil),
            targets: batch.targets,
            temperature: temperature,
            cap: configuration.logitCap
        )
    }

    /// One pass of a training step: the log-probabilities of the response tokens, and whatever else the terms
    /// of an objective ask for.
    ///
    /// - Parameters:
    ///   - tape: Records the pass for `backward`.
    ///   - batch: Prompts and responses.
    ///   - temperature: What the logits are divided by; positive.
    ///   - needs: What is wanted besides log-probabilities.
    ///   - base: What the base model makes of the same batch; wanted where `needs` says so.
    ///   - boundary: Changes the residual stream of this pass; what `needs.layers` keeps is the changed
    ///     stream.
    package func trainingPass(
        tape: Tape,
        batch: PackedBatch,
        temperature: Float,
        needs: PassNeeds = PassNeeds(),
        base: BasePass? = nil,
        boundary: LayerBoundary? = nil
    ) -> TrainingPass {
        var residuals: [Int: Tensor] = [:]
        let keeper = keeper(of: needs.layers) { residuals[$0] = $1 }
        let predictors = states(
            tape: tape,
            batch: batch,
            withAdapter: true,
            boundary: Boundaries.chain([boundary, keeper].compactMap { $0 }),
            rows: batch.predictors,
            seesEnd: boundary != nil || needs.layers.contains(configuration.layerCount)
        )
        var certainty = TokenCertainty(entropies: [])
        let observe = { (row: Int, entropy: Float, best: Int32) in
            certainty.entropies.append(entropy)
            if best == batch.targets[row] { certainty.hits += 1 }
        }
        let logProbs = tape.tokenLogProbs(
            predictors,
            head: head(adapter),
            targets: batch.targets,
            temperature: temperature,
            cap: configuration.logitCap,
            observe: needs.certainty ? observe : nil
        )
        var divergence: Tensor?
        if needs.divergence, let reference = base?.predictors {
            divergence = tape.tokenDivergence(
                predictors,
                head: head(adapter),
                from: reference,
                referenceHead: head(nil),
                temperature: temperature,
                cap: configuration.logitCap
            )
        }
        return TrainingPass(
            logProbs: logProbs,
            divergence: divergence,
            hidden: residuals,
            certainty: needs.certainty ? certainty : nil
        )
    }

    /// The same batch under the base model alone, not differentiable, and no further up than is needed.
    package func basePass(batch: PackedBatch, temperature: Float, needs: PassNeeds) -> BasePass {
        let tape = Tape(recording: false, workspace: workspace)
        var residuals: [Int: [Float]] = [:]
        let predictors = states(
            tape: tape,
            batch: batch,
            withAdapter: false,
            boundary: keeper(of: needs.baseLayers) { residuals[$0] = $1.toArray() },
            blocks: needs.wantsBaseHead ? nil : needs.baseLayers.max() ?? 0,
            rows: batch.predictors,
            seesEnd: needs.baseLayers.contains(configuration.layerCount)
        )
        guard needs.wantsBaseHead else { return BasePass(logProbs: [], predictors: nil, hidden: residuals) }
        let logProbs = tape.tokenLogProbs(
            predictors,
            head: head(nil),
            targets: batch.targets,
            temperature: temperature,
            cap: configuration.logitCap
        )
        return BasePass(logProbs: logProbs.toArray(), predictors: predictors, hidden: residuals)
    }

    private func keeper(of layers: Set<Int>, _ keep: @escaping (Int, Tensor) -> Void) -> LayerBoundary? {
        guard !layers.isEmpty else { return nil }
        return { _, index, residual in
            if layers.contains(index) { keep(index, residual) }
            return residual
        }
    }

    /// The logits `[rows, V]` at some rows of a packed batch, all at once: keep them few. Not differentiable.
    package func logits(batch: PackedBatch, rows: [Int32], withAdapter: Bool = true) -> Tensor {
        let tape = Tape(recording: false, workspace: workspace)
        let states = hidden(tape: tape, batch: batch, withAdapter: withAdapter)
        let head = head(withAdapter ? adapter : nil)
        return tape.logits(tape.gatherRows(states, rows: rows), head: head, cap: configuration.logitCap)
    }

    /// The output head: the embedding where it is tied.
    func head(_ adapter: Adapter?) -> any Weight {
        if let own = adapter?.others[CheckpointNames.head] { return own }
        return parameters.weights.head ?? embedding(adapter)
    }

    private func embedding(_ adapter: Adapter?) -> any Weight {
        adapter?.others[CheckpointNames.embedding] ?? parameters.weights.embedding
    }

    /// The pass itself.
    ///
    /// - Parameters:
    ///   - blocks: How many blocks to run; the result is then the residual stream behind them. nil runs all
    ///     of them and the last norm.
    ///   - start: Where to begin; nil begins with the embedding.
    ///   - rows: Which rows of the result are wanted, in this order; nil for all. Where nobody looks at the boundary behind
    ///     the last block and they are fewer, the others go no further than its attention.
    ///   - seesEnd: Whether `boundary` looks at the boundary behind the last block; nil where it may.
    ///   - attention: Runs a layer's kind: over whole sequences, or over one new row of each.
    func hidden(
        tape: Tape,
        tokens: [Int32],
        positions: [Int32],
        adapter: Adapter?,
        boundary: LayerBoundary?,
        blocks: Int? = nil,
        start: RecordedStart? = nil,
        rows: [Int32]? = nil,
        seesEnd: Bool? = nil,
        attention: @escaping (_ layer: Int, _ kind: any AttentionKind, _ pass: AttentionPass) -> Tensor
    ) -> Tensor {
        let run = DecoderRun(self, tape, positions: positions, adapter: adapter)
        var x = start?.residual ?? run.embed(tokens, table: embedding(adapter))
        let first = start?.layer ?? 0
        if let boundary { x = boundary(tape, first, x) }
        // Rows that are all of them in their order need not be taken.
        var rows = rows.flatMap { $0.elementsEqual(0..<Int32(tokens.count)) ? nil : $0 }
        let last = parameters.weights.layers.indices.last
        let looks = seesEnd ?? (boundary != nil)
        for index in parameters.weights.layers.indices.dropFirst(first) {
            if index == blocks { return x }
            var early: [Int32]?
            if index == last, !looks, let fewer = rows, fewer.count < tokens.count {
                (early, rows) = (fewer, nil)
            }
            let taken = early
            if recomputes {
                x = tape.recomputing(x) { run.on($0).block(index, $1, rows: taken, attention) }
            } else {
                x = run.block(index, x, rows: taken, attention)
            }
            if let boundary { x = boundary(tape, index + 1, x) }
        }
        if blocks != nil { return x }
        if let rows { x = tape.gatherRows(x, rows: rows) }
        return run.norm(x, parameters.weights.finalNorm, CheckpointNames.finalNorm)
    }

    /// The angles of some blocks for heads of a width, of at least so many positions.
    func rope(_ angles: RotaryPositions, headSize: Int, _ count: Int) -> RopeTable {
        let key = RopeKey(angles: angles, headSize: headSize)
        if let table = ropes[key], table.positions >= count { return table }
        let table = RopeTable(configuration, angles, headSize: headSize, covering: count)
        ropes[key] = table
        return table
    }

    private struct RopeKey: Hashable {
        let angles: RotaryPositions
        let headSize: Int
    }
}
