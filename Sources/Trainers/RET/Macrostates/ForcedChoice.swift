internal import Randomness

/// Pairs of spans, one of a group and one of another, of which a judge who knows the group's name and examples says
/// which is the group's: how far a name says what the group is (RET's notes, 2.4; the choice of pairs is ours).
package enum ForcedChoice {
    /// One question to a judge.
    package struct Pair: Sendable, Equatable {
        /// A span of the group.
        package var own: TypicalSpan
        /// A span of another group, of as many tokens, or the length would tell.
        package var other: TypicalSpan
        /// Whether the group's own span is shown first.
        package var isOwnFirst: Bool
    }

    /// The fewest pairs that a share of right answers is worth taking of.
    package static let pairsMin = 5

    /// Draws pairs for each group, half of them with the group's own span first.
    ///
    /// Own spans are stays of the group, none twice and none that was shown as an example; stays of at least three
    /// tokens, of two or of one where there are not enough. Their distances are 0: not the most typical are drawn.
    ///
    /// - Parameters:
    ///   - labels: The groups of each trajectory's tokens.
    ///   - groups: G.
    ///   - examples: What the judge is shown of each group, G lists.
    ///   - count: How many pairs of each group.
    ///   - tokensMax: The most tokens of a span.
    ///   - seed: Of the draw.
    /// - Returns: G lists of at most `count` pairs; empty where there are fewer than `pairsMin`.
    package static func pairs(
        labels: [[Int32]],
        groups: Int,
        examples: [[TypicalSpan]],
        count: Int,
        tokensMax: Int = 24,
        seed: UInt64
    ) -> [[Pair]] {
        var stays = [[TypicalSpan]](repeating: [], count: groups)
        for (place, own) in labels.enumerated() {
            var start = 0
            while start < own.count {
                let end = own[start...].firstIndex { $0 != own[start] } ?? own.count
                stays[Int(own[start])].append(
                    TypicalSpan(trajectory: place, tokens: start..<end, distance: 0)
                )
                start = end
            }
        }
        return (0..<groups).map { group in
            var stream = RandomStream(seed: seed, "forced-choice", group)
            let shown = group < examples.count ? examples[group] : []
            let fresh = stays[group].filter { stay in
                !shown.contains {
                    $0.trajectory == stay.trajectory && $0.tokens.overlaps(stay.tokens)
                }
            }
            let tokensMin = [3, 2].first { least in fresh.count { $0.tokens.count >= least } >= count } ?? 1
            var own = fresh.filter { $0.tokens.count >= tokensMin }
            var others = stays.indices.filter { $0 != group }.flatMap { stays[$0] }
            stream.shuffle(&own)
            stream.shuffle(&others)
            let number = min(count, own.count, others.count)
            guard number >= pairsMin else { return [] }
            var sides = (0..<number).map { $0 % 2 == 0 }
            stream.shuffle(&sides)
            return zip(own.prefix(number), sides).map { own, isOwnFirst in
                let wanted = min(own.tokens.count, tokensMax)
                let place =
                    others.firstIndex { $0.tokens.count >= wanted }
                    ?? others.indices.max { others[$0].tokens.count < others[$1].tokens.count } ?? 0
                let other = others.remove(at: place)
                let length = min(wanted, other.tokens.count)
                return Pair(own: own.first(length), other: other.first(length), isOwnFirst: isOwnFirst)
            }
        }
    }

    /// The fewest right answers of `count` that guessing gives in less than one case of twenty.
    package static func rightMin(of count: Int) -> Int {
        // P(k right) = C(count, k) / 2^count, summed from the top.
        var (tail, term) = (0.0, 1.0)
        for _ in 0..<count { term /= 2 }
        for right in stride(from: count, through: 0, by: -1) {
            tail += term
            if tail >= 0.05 { return right + 1 }
            term *= Double(right) / Double(count - right + 1)
        }
        return count + 1
    }
}

extension TypicalSpan {
    /// The first tokens of a span.
    fileprivate func first(_ count: Int) -> TypicalSpan {
        TypicalSpan(
            trajectory: trajectory,
            tokens: tokens.lowerBound..<min(tokens.upperBound, tokens.lowerBound + count),
            distance: distance
        )
    }
}
