package import Tensors

/// Prompts with their responses, packed flat without padding: each prompt's rows once, then the rows of each
/// of its responses, which attend to the prompt's rows as to a prefix.
///
/// The last token of a response needs no row of its own: nothing is predicted from it.
package struct PackedBatch: Sendable {
    /// N input tokens, one for each row.
    package let tokens: [Int32]
    /// The N positions within prompt + response.
    package let positions: [Int32]
    /// Which rows attend to which.
    package let segments: [AttentionSegment]
    /// For each of the M response tokens that count, group by group and response by response: the row whose hidden
    /// state predicts it.
    package let predictors: [Int32]
    /// The M response tokens that count: all of them, unless parts were chosen.
    package let targets: [Int32]
    /// For each group and each of its responses: its place among the M response tokens.
    package let responses: [[Range<Int>]]
    /// The largest position plus one.
    package let length: Int

    /// Packs groups of one prompt and its responses; prompts must not be empty, responses may be.
    ///
    /// - Parameters:
    ///   - groups: What to pack.
    ///   - counted: For each group and each of its responses the parts whose tokens count, such as the answers within
    ///     the rest of a conversation, in ascending order; nil, also for a group, where all do.
    package init(groups: [(prompt: [Int32], responses: [[Int32]])], counted: [[[Range<Int>]]?]? = nil) {
        var packer = Packer()
        responses = groups.enumerated().map { index, group in
            packer.append(group.prompt, group.responses, counted?[index])
        }
        tokens = packer.tokens
        positions = packer.positions
        segments = packer.segments
        predictors = packer.predictors
        targets = packer.targets
        length = 1 + Int(positions.max() ?? -1)
    }

    /// Packs sequences in which every token after the first is predicted, as for language modelling.
    ///
    /// - Parameter sequences: Each of at least one token.
    package init(sequences: [[Int32]]) {
        self.init(groups: sequences.map { (Array($0.prefix(1)), [Array($0.dropFirst())]) })
    }
}

private struct Packer {
    var tokens: [Int32] = []
    var positions: [Int32] = []
    var segments: [AttentionSegment] = []
    var predictors: [Int32] = []
    var targets: [Int32] = []

    mutating func append(
        _ prompt: [Int32],
        _ responses: [[Int32]],
        _ counted: [[Range<Int>]]?
    ) -> [Range<Int>] {
        precondition(!prompt.isEmpty, "PackedBatch: a prompt has no token")
        let prefix = appendRows(prompt, from: 0)
        segments.append(AttentionSegment(rows: prefix))
        return responses.enumerated().map { index, response in
            let first = targets.count
            let rows = appendRows(response.dropLast(), from: prompt.count)
            if !rows.isEmpty { segments.append(AttentionSegment(rows: rows, prefix: prefix)) }
            for place in (counted?[index] ?? [0..<response.count]).joined() {
                targets.append(response[place])
                predictors.append(Int32(place == 0 ? prefix.upperBound - 1 : rows.lowerBound + place - 1))
            }
            return first..<targets.count
        }
    }

    private mutating func appendRows(_ ids: some Collection<Int32>, from position: Int) -> Range<Int> {
        let first = tokens.count
        tokens += ids
        positions += (position..<position + ids.count).map { Int32($0) }
        return first..<tokens.count
    }
}
