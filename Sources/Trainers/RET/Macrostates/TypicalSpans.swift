internal import Glibc

/// A stay in a group: consecutive tokens of one trajectory that have it.
package struct TypicalSpan: Sendable, Equatable {
    /// Which trajectory, by its place.
    package var trajectory: Int
    /// Which of its labelled tokens.
    package var tokens: Range<Int>
    /// The mean squared distance of its macrostates to the group's centre.
    package var distance: Double

    /// Names a span.
    package init(trajectory: Int, tokens: Range<Int>, distance: Double) {
        self.trajectory = trajectory
        self.tokens = tokens
        self.distance = distance
    }

    /// The most typical spans of each group, the nearest to its centre first.
    ///
    /// Only stays that are at least as long as the group's median stay count, since a state that is passed
    /// through can lie near a centre by chance; no trajectory gives two while another has one to give
    /// (RET's notes, 2.4, name groups by such spans; the choice of spans is our reconstruction).
    ///
    /// - Parameters:
    ///   - labels: The groups of each trajectory's tokens.
    ///   - distances: The squared distances to their centres, as many.
    ///   - groups: G.
    ///   - count: How many of each group at most.
    ///   - tokensMax: The most tokens of a span; of a longer stay the stretch nearest to the centre is taken.
    /// - Returns: The spans of each group, G lists.
    package static func find(
        labels: [[Int32]],
        distances: [[Float]],
        groups: Int,
        count: Int,
        tokensMax: Int = 24
    ) -> [[TypicalSpan]] {
        precondition(
            labels.count == distances.count && zip(labels, distances).allSatisfy { $0.count == $1.count },
            "TypicalSpan: as many distances as labels"
        )
        var stays = [[TypicalSpan]](repeating: [], count: groups)
        for (place, own) in labels.enumerated() {
            var start = 0
            while start < own.count {
                let end = own[start...].firstIndex { $0 != own[start] } ?? own.count
                let tokens = start..<end
                stays[Int(own[start])].append(
                    TypicalSpan(trajectory: place, tokens: tokens, distance: mean(distances[place][tokens]))
                )
                start = end
            }
        }
        return stays.map { stays in
            let lengths = stays.map(\.tokens.count).sorted()
            guard !lengths.isEmpty else { return [] }
            let median = lengths[lengths.count / 2]
            let candidates = stays.filter { $0.tokens.count >= median }.map { stay in
                nearest(of: stay, distances[stay.trajectory], tokensMax)
            }.sorted {
                ($0.distance, $0.trajectory, $0.tokens.lowerBound)
                    < ($1.distance, $1.trajectory, $1.tokens.lowerBound)
            }
            var used: Set<Int> = []
            let first = candidates.filter { used.insert($0.trajectory).inserted }.prefix(count)
            let rest = candidates.filter { !first.contains($0) }.prefix(count - first.count)
            return Array(first + rest)
        }
    }

    /// The stretch of at most `tokensMax` tokens of a stay with the least mean distance, the first of equals.
    private static func nearest(of stay: TypicalSpan, _ distances: [Float], _ tokensMax: Int) -> TypicalSpan {
        guard stay.tokens.count > tokensMax else { return stay }
        var sum = stay.tokens.prefix(tokensMax).reduce(0.0) { $0 + Double(distances[$1]) }
        var best = (sum: sum, start: stay.tokens.lowerBound)
        for start in stay.tokens.dropFirst() where start + tokensMax <= stay.tokens.upperBound {
            sum += Double(distances[start + tokensMax - 1]) - Double(distances[start - 1])
            if sum < best.sum { best = (sum, start) }
        }
        let tokens = best.start..<best.start + tokensMax
        return TypicalSpan(trajectory: stay.trajectory, tokens: tokens, distance: mean(distances[tokens]))
    }

    private static func mean(_ values: ArraySlice<Float>) -> Double {
        values.reduce(0.0) { $0 + Double($1) } / Double(max(1, values.count))
    }
}

/// Names for groups that nobody has named.
package enum GroupNames {
    /// Proposes a name for each group: the words that say most about it, such as "wait, hmm, verify".
    ///
    /// A word's weight is p(word | group) · log(p(word | group) / p(word)), its part in what a word tells
    /// about the group; a word must stand in the group at least three times and have a letter or a digit. Such
    /// a name is what stands in a group's spans, not what the model does there: a person should replace it.
    ///
    /// - Parameters:
    ///   - labels: The groups of each trajectory's tokens.
    ///   - words: Their texts, as many; white space around them does not count.
    ///   - groups: G.
    ///   - count: How many words a name has at most.
    /// - Returns: G names; empty for a group without any such word.
    package static func propose(
        labels: [[Int32]],
        words: [[String]],
        groups: Int,
        count: Int = 3
    ) -> [String] {
        precondition(
            labels.count == words.count && zip(labels, words).allSatisfy { $0.count == $1.count },
            "GroupNames: as many words as labels"
        )
        var overall: [String: Int] = [:]
        var own = [[String: Int]](repeating: [:], count: groups)
        for (labels, words) in zip(labels, words) {
            for (label, word) in zip(labels, words) {
                let word = plain(word)
                overall[word, default: 0] += 1
                own[Int(label)][word, default: 0] += 1
            }
        }
        let total = Double(overall.values.reduce(0, +))
        return own.map { counts in
            let size = Double(counts.values.reduce(0, +))
            let weighted = counts.compactMap { word, times -> (word: String, weight: Double)? in
                guard times >= 3, word.contains(where: { $0.isLetter || $0.isNumber }) else { return nil }
                let (inside, outside) = (Double(times) / size, Double(overall[word] ?? times) / total)
                return inside > outside ? (word, inside * log(inside / outside)) : nil
            }
            return weighted.sorted { ($1.weight, $0.word) < ($0.weight, $1.word) }
                .prefix(count).map(\.word).joined(separator: ", ")
        }
    }

    /// A word without white space around it, in lower case.
    private static func plain(_ word: String) -> String {
        let rest = word.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return rest[...last].lowercased()
    }
}
