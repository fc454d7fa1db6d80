package import Models
internal import Tensors

/// Puts states of one model into another one while it answers: where in the network a behaviour comes from
/// (BLOCK-EM's diagnosis of re-emergence, our notes 2.4).
///
/// The two models are a decoder with its adapter and without it. Where putting the base's states in repairs an
/// adapted model, the cause lies there or below; `.adapted` asks the reverse, what makes the base misaligned.
package struct ActivationPatching: Sendable, Equatable {
    /// What is put in.
    package enum Place: Sendable, Equatable {
        /// Prefill patching: the states of the prompt at a layer boundary. The answer's tokens have states of
        /// their own, which look back to the prompt's.
        case prompt(layer: Int)
        /// Decode-time patching: what a range of blocks adds to the residual stream, at every position of
        /// prompt and answer, is what the other model's blocks add on the same tokens.
        ///
        /// Our reconstruction: a range that begins with the first block puts the other model's states in as
        /// they are; in one that does not, the blocks below keep their part, and not even a range up to the last
        /// block makes the model the other one.
        case blocks(Range<Int>)
    }

    /// Whose states are put in.
    package enum Source: Sendable, Equatable {
        /// The base's, into the adapted model.
        case base
        /// The adapted model's, into the base.
        case adapted
    }

    /// What is put in.
    package let place: Place
    /// Whose states are put in.
    package let source: Source

    /// Describes a patch.
    package init(_ place: Place, from source: Source) {
        self.place = place
        self.source = source
    }

    /// Measures the patched model: exact where the probe is.
    ///
    /// - Parameters:
    ///   - probe: One that knows its texts beforehand.
    ///   - decoder: Both models.
    /// - Throws: `FeatureFault` for a layer that the decoder does not have.
    package func measure(
        _ probe: some ForcedProbe,
        _ decoder: LanguageDecoder
    ) throws(FeatureFault) -> BehaviourShares {
        try check(decoder)
        return probe.measure(decoder, withAdapter: source == .base) { edit(of: $0, decoder) }
    }

    /// Checks that a decoder has the layers.
    ///
    /// - Throws: `FeatureFault` where it has not.
    package func check(_ decoder: LanguageDecoder) throws(FeatureFault) {
        let count = decoder.configuration.layerCount
        switch place {
        case .prompt(let layer):
            guard (0...count).contains(layer) else {
                throw FeatureFault("", "found layer \(layer) to patch, expected one of 0 … \(count)")
            }
        case .blocks(let blocks):
            guard blocks.lowerBound >= 0, blocks.upperBound <= count, !blocks.isEmpty else {
                throw FeatureFault(
                    "",
                    "found blocks \(blocks.lowerBound) ..< \(blocks.upperBound) to patch, "
                        + "expected some of 0 ..< \(count)"
                )
            }
        }
    }

    /// The edit for a pass over a batch.
    package func edit(of batch: PackedBatch, _ decoder: LanguageDecoder) -> LayerBoundary {
        let prompts = batch.segments.filter { $0.prefix == nil }.flatMap { $0.rows.map { Int32($0) } }
        switch place {
        case .prompt: return edit(states(of: batch, rows: prompts, decoder), at: prompts)
        case .blocks: return edit(states(of: batch, rows: nil, decoder), at: [])
        }
    }

    /// The hook for one call of `generate`: at each step the other model reads the same tokens.
    package func hook(_ decoder: LanguageDecoder) -> SamplingHook {
        let contexts = Contexts()
        return { rows in
            let texts = contexts.append(rows)
            if case .prompt = place, rows.areSampled { return nil }
            let batch = PackedBatch(groups: texts.map { (prompt: $0, responses: []) })
            let last = batch.segments.map { Int32($0.rows.upperBound - 1) }
            let found = states(of: batch, rows: rows.areSampled ? last : nil, decoder)
            return edit(found, at: rows.tokens.indices.map { Int32($0) })
        }
    }

    /// What each row of a generation has before it.
    private final class Contexts {
        private var texts: [SampledRows.Origin: [Int32]] = [:]

        /// Adds the tokens of a pass, and gives the texts that its rows belong to: a prompt's once, a sample's with its
        /// prompt before it.
        func append(_ rows: SampledRows) -> [[Int32]] {
            var origins: [SampledRows.Origin] = []
            for (token, origin) in zip(rows.tokens, rows.origins) {
                if origins.last != origin { origins.append(origin) }
                if texts[origin] == nil, case .sample(let prompt, _) = origin {
                    texts[origin] = texts[.prompt(prompt)]
                }
                texts[origin, default: []].append(token)
            }
            return origins.map { texts[$0] ?? [] }
        }
    }

    /// The other model's states at the boundaries that are needed `[rows, C]`; nothing is needed below where the
    /// prompt's states are put in.
    private func states(
        of batch: PackedBatch,
        rows: [Int32]?,
        _ decoder: LanguageDecoder
    ) -> (below: [Float], above: [Float]) {
        let (first, last) =
            switch place {
            case .prompt(let layer): (layer, layer)
            case .blocks(let blocks): (blocks.lowerBound, blocks.upperBound)
            }
        func read(_ layer: Int) -> [Float] {
            decoder.states(of: batch, layer: layer, rows: rows, withAdapter: source == .adapted)
        }
        return (first == last ? [] : read(first), read(last))
    }

    private func edit(_ found: (below: [Float], above: [Float]), at rows: [Int32]) -> LayerBoundary {
        switch place {
        case .prompt(let layer):
            return { _, index, residual in
                guard index == layer else { return residual }
                var (values, width) = (residual.toArray(), residual.columns)
                for (place, row) in rows.enumerated() {
                    let start = Int(row) * width
                    values.replaceSubrange(
                        start..<start + width,
                        with: found.above[place * width..<(place + 1) * width]
                    )
                }
                return Tensor(shape: residual.shape, values: values)
            }
        case .blocks(let blocks):
            let own = Kept()
            return { _, index, residual in
                if index == blocks.lowerBound { own.values = residual.toArray() }
                guard index == blocks.upperBound else { return residual }
                var values = own.values
                for place in values.indices { values[place] += found.above[place] - found.below[place] }
                return Tensor(shape: residual.shape, values: values)
            }
        }
    }

    /// The model's own states below the range.
    private final class Kept {
        var values: [Float] = []
    }
}
