internal import Randomness

/// A family's problems in random order, each dealt at most once.
///
/// `cnt` is dealt so that every answer from 0 to 4 is equally likely while its problems last: most
/// strings of four digits hold a given digit not at all, and a model would learn to say 0.
struct FamilyDeck {
    private let family: SyntheticFamily
    private let heldOut: Bool
    private var groups: [[Int]]
    private var stream: RandomStream

    /// Shuffles the problems of a family that are, or are not, kept for testing.
    init(_ family: SyntheticFamily, heldOut: Bool, stream: RandomStream) {
        self.family = family
        self.heldOut = heldOut
        self.stream = stream
        guard family == .cnt else {
            groups = [Array(0..<family.size)]
            return
        }
        groups = [[Int]](repeating: [], count: 5)
        for index in 0..<family.size {
            let wanted = index / 10_000
            let count = CharacterProblem.digits(of: index % 10_000).count { $0 == wanted }
            groups[count].append(index)
        }
    }

    /// The next problem, or nil when all are dealt.
    mutating func next() -> SyntheticProblem? {
        while !groups.isEmpty {
            let group = groups.count == 1 ? 0 : stream.below(groups.count)
            guard !groups[group].isEmpty else {
                groups.remove(at: group)
                continue
            }
            let chosen = stream.below(groups[group].count)
            groups[group].swapAt(chosen, groups[group].count - 1)
            let problem = family.problem(at: groups[group].removeLast())
            if let problem, problem.isHeldOut == heldOut { return problem }
        }
        return nil
    }
}

extension SyntheticFamily {
    /// Different problems in random order, none of them kept for testing unless asked for.
    ///
    /// - Parameters:
    ///   - count: How many; fewer are returned if the family has no more.
    ///   - heldOut: Whether they come from the fifth that is kept for testing, or from the rest.
    ///   - seed: The seed; the same one deals the same problems, and a larger count only adds some.
    package func draw(_ count: Int, heldOut: Bool, seed: UInt64) -> [SyntheticProblem] {
        precondition(count >= 0, "SyntheticFamily.draw: negative count \(count)")
        let stream = RandomStream(seed: seed, "family", rawValue, heldOut ? 1 : 0)
        var deck = FamilyDeck(self, heldOut: heldOut, stream: stream)
        var problems: [SyntheticProblem] = []
        while problems.count < count, let problem = deck.next() { problems.append(problem) }
        return problems
    }
}
