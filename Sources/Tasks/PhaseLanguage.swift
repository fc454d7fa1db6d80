package import Randomness

/// A made-up language of 78 words in which a text about a question goes through phases of reasoning that are
/// known for each token, and ends in an answer that gives way to the user's wrong claim or does not.
///
/// A text is a prompt of 20 tokens, a body of spans, and an answer:
///
///     <bos> b = 4 , k = 7 , e = 0 , Q k = U k 3 A
///     told b = 2 , well c gives 9 ; | plan put d then to a , … | wait f - 3 ; … | done no k = 7 so k is 7 . <eos>
///
/// A span is of one phase. Its first clause opens with one of the phase's three cue words, later clauses with
/// probability 0.4; between the cues, clauses are filled from templates that two phases share, so that a clause
/// alone does not give the phase away. A fair coin decides the text's tendency: it holds, and phases mostly go
/// round restate → plan → step → check → restate, or it caves, and they mostly go round the other way. The answer
/// is then `no` and the true value, or `yes` and the claim. Phases are as frequent either way; only their order
/// tells.
///
/// The language is ours, for the study of RET (arXiv:2605.09294); it is not the paper's.
package struct PhaseLanguage: Sendable, Equatable {
    /// How clauses are filled and which templates phases have.
    package enum Design: String, Sendable, Codable, CaseIterable {
        /// Variables and digits are drawn anew in each clause; each template belongs to two phases.
        case standard
        /// Clauses are about the problem's three variables and their values, which stay the same through a text.
        case persistent
        /// As `standard`, but each phase has two templates of its own.
        case ownTemplates
    }

    /// A phase that a text dwells in, for clients that differ.
    package struct Dominance: Sendable, Equatable {
        /// How long the spans of the phase are.
        package enum Strength: String, Sendable, Codable, CaseIterable {
            /// 3 or 4 clauses: about a third of the body.
            case mild
            /// 6 to 8 clauses: about half of the body.
            case strong
        }

        /// The phase; not `answer`.
        package var phase: Phase
        /// How long its spans are.
        package var strength: Strength

        /// Names a phase and a strength.
        package init(_ phase: Phase, _ strength: Strength) {
            self.phase = phase
            self.strength = strength
        }
    }

    /// The design.
    package var design: Design
    /// How many tokens the body has at least; the span that reaches the number is finished.
    package var bodyTokensMin: Int
    /// How many clauses a span may have.
    package var clausesPerSpan: ClosedRange<Int>
    /// The phase that texts dwell in, if any.
    package var dominance: Dominance?

    /// The language of a design: spans of 2 or 3 clauses in at least 144 tokens, and 2 to 4 in 128 where content
    /// persists.
    package init(_ design: Design = .standard, dominance: Dominance? = nil) {
        self.design = design
        bodyTokensMin = design == .persistent ? 128 : 144
        clausesPerSpan = design == .persistent ? 2...4 : 2...3
        self.dominance = dominance
    }

    /// How many tokens a prompt has, `<bos>` included.
    package static let promptTokens = 20
    /// The most tokens of a text of the full language, the last one included.
    package static let tokensMax = 256

    /// Draws a text.
    package func text(from stream: inout RandomStream) -> PhaseText {
        let problem = PhaseProblem(from: &stream)
        let caves = stream.below(2) == 1
        var writer = PhaseWriter(design: design, problem: problem)
        var phase = Phase.cycle[stream.below(Phase.cycle.count)]
        repeat {
            writer.writeSpan(of: phase, clauses: clauses(of: phase, from: &stream), from: &stream)
            phase = phase.next(backwards: caves, from: &stream)
        } while writer.bodyTokens < bodyTokensMin
        writer.writeAnswer(caves: caves, from: &stream)
        return writer.text
    }

    private func clauses(of phase: Phase, from stream: inout RandomStream) -> Int {
        var range = clausesPerSpan
        if let dominance, dominance.phase == phase { range = dominance.strength == .mild ? 3...4 : 6...8 }
        return range.lowerBound + stream.below(range.count)
    }

    /// A phase of reasoning.
    package enum Phase: String, Sendable, Codable, CaseIterable {
        case restate, plan, step, check, answer

        /// The phases that a body goes round in, in the order of reasoning forwards.
        package static let cycle: [Phase] = [.restate, .plan, .step, .check]

        /// The number of the phase, from 0.
        package var index: Int {
            switch self {
            case .restate: 0
            case .plan: 1
            case .step: 2
            case .check: 3
            case .answer: 4
            }
        }

        /// One neighbour on the circle with probability 0.9, the other and the one across with 0.05 each.
        func next(backwards: Bool, from stream: inout RandomStream) -> Phase {
            let direction = backwards ? 3 : 1
            let turn =
                switch stream.below(20) {
                case 0: 4 - direction
                case 1: 2
                default: direction
                }
            return Phase.cycle[(index + turn) % 4]
        }
    }
}

// MARK: - Words

extension PhaseLanguage {
    /// The words by id: special tokens, marks of the prompt, digits, variables, signs, seven classes of synonyms,
    /// other words, cue words.
    package static let words: [String] =
        ["<pad>", "<bos>", "<eos>", "Q", "U", "A"] + (0..<10).map { "\($0)" } + variables
        + ["=", "+", "-", ",", ";", "."] + synonyms.joined()
        + ["then", "to", "of", "by", "if", "it", "yes", "no"] + cues.joined()

    static let variables = "abcdefghijkl".map(String.init)

    /// The classes of words that mean the same; the first of a class stands for it in templates.
    static let synonyms = [
        ["so", "well", "ok"], ["now", "next", "here"], ["we", "one", "I"], ["get", "have", "hold"],
        ["put", "set", "let"], ["see", "look", "note"], ["is", "gives", "makes"],
    ]

    /// The words that open a phase's clauses, by phase.
    static let cues = [
        ["given", "recall", "told"], ["first", "plan", "aim"], ["thus", "compute", "hence"],
        ["wait", "hmm", "verify"], ["answer", "final", "done"],
    ]

    /// The id of each word.
    static let ids = Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, Int32($0)) })

    static func id(_ word: String) -> Int32 {
        guard let id = ids[word] else { preconditionFailure("the phase language has no word '\(word)'") }
        return id
    }

    /// The id that begins a text.
    package static let begin = id("<bos>")
    /// The id that ends a text.
    package static let end = id("<eos>")
    /// The id of the answer that gives way to the claim.
    package static let yes = id("yes")
    /// The id of the answer that does not.
    package static let no = id("no")

    /// The phase that a cue word opens, by id; nil for other words.
    static let phaseOfCue: [Phase?] = words.map { word in
        cues.firstIndex { $0.contains(word) }.map { Phase.allCases[$0] }
    }

    /// The phase of each token of a text, sampled or generated: that of the last cue word up to it; nil in front
    /// of the first one.
    package static func phases(of tokens: [Int32]) -> [Phase?] {
        var phase: Phase?
        return tokens.map { token in
            if words.indices.contains(Int(token)), let opened = phaseOfCue[Int(token)] { phase = opened }
            return phase
        }
    }

    /// What a text answers: true for `yes`, which gives way to the claim, false for `no`; nil if there is neither
    /// behind a cue word of the answer.
    package static func stance(of tokens: [Int32]) -> Bool? {
        for (token, phase) in zip(tokens, phases(of: tokens)) where phase == .answer {
            if token == yes { return true }
            if token == no { return false }
        }
        return nil
    }
}
