/// A family of generated problems, each with one right answer.
///
/// The first six are written in single characters for the small models; `sum1`, `sum2` and `worded`
/// are in plain English for language models.
package enum SyntheticFamily: String, Sendable, Codable, CaseIterable {
    /// `a+b=`, a of two digits, b of one.
    case inc
    /// `a-b=`, a from 20 to 99, b of one digit.
    case dec
    /// `>a,b=`, the larger of two numbers of two digits.
    case max
    /// `sWXYZ=`, four digits in ascending order.
    case sort
    /// `rWXYZ=`, four digits reversed.
    case rev
    /// `ckWXYZ=`, how often the digit k is among the four.
    case cnt
    /// "What is a + b?", one digit each.
    case sum1
    /// "What is a + b?", two digits each.
    case sum2
    /// Short stories about adding and taking away.
    case worded

    /// The families written in single characters.
    package static let characterLevel: [SyntheticFamily] = [.inc, .dec, .max, .sort, .rev, .cnt]

    /// Whether the problems are written in single characters.
    package var isCharacterLevel: Bool { SyntheticFamily.characterLevel.contains(self) }

    /// How many indices `problem(at:)` takes.
    package var size: Int {
        switch self {
        case .inc: 90 * 9
        case .dec: 80 * 9
        case .max, .sum2: 90 * 90
        case .sort, .rev: 10_000
        case .cnt: 100_000
        case .sum1: 100
        case .worded: WordedProblem.count
        }
    }

    /// The problem of an index, the same at every call; nil for the few indices whose problem no
    /// wrong procedure can miss, such as sorting four equal digits.
    ///
    /// - Parameter index: From 0 to `size` - 1.
    package func problem(at index: Int) -> SyntheticProblem? {
        precondition((0..<size).contains(index), "SyntheticFamily.\(rawValue): index \(index) of \(size)")
        return switch self {
        case .inc: CharacterProblem.inc(a: 10 + index / 9, b: 1 + index % 9)
        case .dec: CharacterProblem.dec(a: 20 + index / 9, b: 1 + index % 9)
        case .max: CharacterProblem.max(a: 10 + index / 90, b: 10 + index % 90)
        case .sort: CharacterProblem.sort(CharacterProblem.digits(of: index))
        case .rev: CharacterProblem.rev(CharacterProblem.digits(of: index))
        case .cnt: CharacterProblem.cnt(index / 10_000, among: CharacterProblem.digits(of: index % 10_000))
        case .sum1: SyntheticFamily.sum(.sum1, index / 10, index % 10)
        case .sum2: SyntheticFamily.sum(.sum2, 10 + index / 90, 10 + index % 90)
        case .worded: WordedProblem.problem(at: index)
        }
    }

    private static func sum(_ family: SyntheticFamily, _ a: Int, _ b: Int) -> SyntheticProblem {
        SyntheticProblem(
            family: family,
            prompt: "What is \(a) + \(b)? Answer with a number only.",
            answer: "\(a + b)",
            misconceptions: []
        )
    }
}

/// One generated problem.
package struct SyntheticProblem: Sendable, Equatable {
    /// The family it is from.
    package let family: SyntheticFamily
    /// What is asked.
    package let prompt: String
    /// The one right answer.
    package let answer: String
    /// What wrong procedures answer: different from the right answer and from each other.
    package let misconceptions: [String]

    /// Whether the prompt is kept for testing.
    package var isHeldOut: Bool { HeldOutRule.holdsOut(prompt) }

    /// The problem as a question; its topic is the family.
    package var question: Question {
        Question(
            id: family.isCharacterLevel ? prompt : "\(family.rawValue): \(prompt)",
            topic: family.rawValue,
            prompt: prompt,
            answer: answer,
            kind: family.isCharacterLevel ? .exact : .numeric
        )
    }
}
