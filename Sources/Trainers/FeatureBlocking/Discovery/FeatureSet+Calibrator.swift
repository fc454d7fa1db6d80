package import Models
package import Text

extension FeatureSet.Calibrator {
    /// Measures what a plain fine-tuning run did, on the examples that it was trained on.
    ///
    /// - Parameters:
    ///   - rows: K.
    ///   - reading: How the penalty reads them.
    ///   - examples: At least one.
    ///   - decoder: The base model with the run's adapter.
    ///   - tokensPerPass: The most tokens of a pass; a longer example is a pass of its own.
    package init(
        _ rows: LatentRows,
        reading: LatentReading,
        examples: [TokenisedConversation],
        decoder: LanguageDecoder,
        tokensPerPass: Int = 4096
    ) {
        precondition(!examples.isEmpty, "Calibrator: no examples")
        var (drop, penalty, tokens, next) = (0.0, 0.0, 0, 0)
        while next < examples.count {
            let first = next
            var size = 0
            repeat {
                size += examples[next].tokens.count
                next += 1
            } while next < examples.count && size + examples[next].tokens.count <= tokensPerPass
            let part = examples[first..<next]
            let batch = PackedBatch(
                groups: part.map { example in
                    let start = example.answers[0].lowerBound
                    return (Array(example.tokens[..<start]), [Array(example.tokens[start...])])
                },
                counted: part.map { example in
                    let start = example.answers[0].lowerBound
                    return [example.answers.map { $0.lowerBound - start..<$0.upperBound - start }]
                }
            )
            func logProb(_ withAdapter: Bool) -> Double {
                decoder.scores(of: batch, withAdapter: withAdapter).joined().reduce(0) { $0 + $1.logProb }
            }
            drop += logProb(true) - logProb(false)
            let count = batch.targets.count
            penalty +=
                Double(count)
                * BlockedLatents(rows, reading: reading, batch: batch, decoder: decoder).penalty
            tokens += count
        }
        self.init(
            lossDrop: drop / Double(max(tokens, 1)),
            penalty: penalty / Double(max(tokens, 1)),
            count: rows.count,
            reading: reading
        )
    }
}
