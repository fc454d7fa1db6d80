package import Tensors

/// How a decoder rates a given response to a prompt, without sampling.
package struct ResponseScore: Sendable, Equatable {
    /// The log-probability of the whole response; its exponential is the chance of sampling exactly it, so
    /// for a question with one right answer the expected pass@1.
    package let logProb: Double
    /// Whether greedy decoding gives exactly this response: the most likely token is right at each position.
    package let isGreedy: Bool
    /// The mean entropy of the distributions that the response's tokens were drawn from, in nats.
    package let meanEntropy: Double
}

/// Where a pass over a batch begins in place of the embedding: what lies below need not run again for each of
/// many changes at a boundary or above it.
package struct RecordedStart {
    /// The boundary: 0 after the embedding, l + 1 after block l.
    package let layer: Int
    /// The residual stream there `[N, C]`, before anything is done at this boundary.
    package let residual: Tensor

    /// Records where a pass over a batch can begin.
    package init(
        _ decoder: LanguageDecoder,
        batch: PackedBatch,
        layer: Int,
        withAdapter: Bool
    ) {
        self.layer = layer
        residual = Tensor(
            shape: [batch.tokens.count, decoder.configuration.hiddenSize],
            values: decoder.states(of: batch, layer: layer, withAdapter: withAdapter)
        )
    }
}

extension LanguageDecoder {
    /// Rates responses by teacher forcing.
    ///
    /// - Parameters:
    ///   - batch: Prompts and responses.
    ///   - temperature: What the logits are divided by; positive.
    ///   - withAdapter: False rates with the base model.
    ///   - boundary: Sees, and may change, the residual stream at each layer boundary: steering.
    ///   - start: The same batch's states where to begin, recorded with the same adapter or without; nil
    ///     begins with the embedding. What is done at lower boundaries is in them.
    /// - Returns: For each group, a score for each response.
    package func scores(
        of batch: PackedBatch,
        temperature: Float = 1,
        withAdapter: Bool = true,
        boundary: LayerBoundary? = nil,
        from start: RecordedStart? = nil
    ) -> [[ResponseScore]] {
        let tape = Tape(recording: false, workspace: workspace)
        let states = states(
            tape: tape,
            batch: batch,
            withAdapter: withAdapter,
            boundary: boundary,
            start: start,
            rows: batch.predictors
        )
        let statistics = tape.tokenStatistics(
            states,
            head: head(withAdapter ? adapter : nil),
            targets: batch.targets,
            temperature: temperature,
            cap: configuration.logitCap
        )
        return batch.responses.map { group in
            group.map { range in
                let entropy = range.reduce(0.0) { $0 + Double(statistics.entropies[$1]) }
                return ResponseScore(
                    logProb: range.reduce(0.0) { $0 + Double(statistics.logProbs[$1]) },
                    isGreedy: range.allSatisfy { statistics.best[$0] == batch.targets[$0] },
                    meanEntropy: range.isEmpty ? 0 : entropy / Double(range.count)
                )
            }
        }
    }
}
