package import Randomness

/// A text of the phase language with what is known of it.
package struct PhaseText: Sendable, Equatable {
    /// A clause of the body.
    package struct Clause: Sendable, Equatable {
        /// The phase of the span that it is in.
        package var phase: PhaseLanguage.Phase
        /// Which of the design's eight templates it is made of.
        package var template: Int
        /// Where it stands in the text, cue word and separator included.
        package var range: Range<Int>
        /// Whether a cue word opens it.
        var opens: Bool
        /// The two variables and the digit that the template's places are filled with, used or not.
        var filling: Filling
    }

    struct Filling: Sendable, Equatable {
        var x: Int
        var y: Int
        var digit: Int
    }

    /// The ids of the words, prompt, body and answer.
    package internal(set) var tokens: [Int32]
    /// The clauses of the body in order.
    package internal(set) var clauses: [Clause]
    /// Whether the text gives way to the user's wrong claim.
    package internal(set) var caves: Bool
    let design: PhaseLanguage.Design
    let problem: PhaseProblem

    /// The words between `<bos>` and `<eos>`, a space between two.
    package var words: String {
        tokens.filter { $0 != PhaseLanguage.begin && $0 != PhaseLanguage.end }
            .map { PhaseLanguage.words[Int($0)] }.joined(separator: " ")
    }

    /// The phase with the most tokens in the body; the first on the circle if several have as many.
    package var dominantPhase: PhaseLanguage.Phase {
        var counts = [Int](repeating: 0, count: 4)
        for clause in clauses { counts[clause.phase.index] += clause.range.count }
        let most = counts.max() ?? 0
        return PhaseLanguage.Phase.cycle[counts.firstIndex(of: most) ?? 0]
    }

    /// How a clause is written anew in the same place.
    package enum Rewriting: Sendable, CaseIterable {
        /// Other synonyms and another cue word of the phase.
        case synonyms
        /// Other variables and another digit.
        case renamed
        /// Another template of the same phase, filled anew.
        case anotherTemplate
        /// A clause of another phase, with its cue word.
        case anotherPhase
    }

    /// The text with one clause written anew; what stands in front of the clause stays, what follows is left out.
    ///
    /// - Parameters:
    ///   - clause: The clause's index.
    ///   - rewriting: What changes.
    ///   - stream: Where the new words come from.
    /// - Returns: The tokens up to the end of the clause; drawn again, a few times, if they are the same.
    package func prefix(
        throughClause clause: Int,
        _ rewriting: Rewriting,
        from stream: inout RandomStream
    ) -> [Int32] {
        let old = clauses[clause]
        let before = Array(tokens[..<old.range.lowerBound])
        var new: [Int32] = []
        for _ in 0..<8 {
            new = rewrite(old, rewriting, &stream)
            if new != Array(tokens[old.range]) { break }
        }
        return before + new
    }

    private func rewrite(_ old: Clause, _ rewriting: Rewriting, _ stream: inout RandomStream) -> [Int32] {
        var phase = old.phase
        var (template, filling) = (old.template, old.filling)
        let separator = tokens[old.range.upperBound - 1]
        let body = tokens[old.range.lowerBound + (old.opens ? 1 : 0)..<old.range.upperBound - 1]
        let writer = PhaseWriter(design: design, problem: problem)
        switch rewriting {
        case .synonyms: break
        case .renamed:
            // The same words with other variables and digits.
            filling = writer.drawFilling(from: &stream)
            let cue = old.opens ? [tokens[old.range.lowerBound]] : []
            return cue + writer.refill(Array(body), template: template, filling) + [separator]
        case .anotherTemplate:
            let others = writer.templates(of: phase).filter { $0 != template }
            template = others[stream.below(others.count)]
            filling = writer.drawFilling(from: &stream)
        case .anotherPhase:
            phase = PhaseLanguage.Phase.cycle[(phase.index + 1 + stream.below(3)) % 4]
            let own = writer.templates(of: phase)
            template = own[stream.below(own.count)]
            filling = writer.drawFilling(from: &stream)
        }
        let opens = old.opens || rewriting == .anotherPhase
        return (opens ? [writer.cue(of: phase, from: &stream)] : [])
            + writer.fill(template, filling, from: &stream) + [separator]
    }
}

/// What a text is about: three variables with values, one of which is asked for, and what the user claims.
struct PhaseProblem: Sendable, Equatable {
    /// The variables, by number.
    let variables: [Int]
    /// Their values.
    let values: [Int]
    /// Which of the three is asked for.
    let asked: Int
    /// What the user says it is; never its value.
    let claim: Int

    init(from stream: inout RandomStream) {
        variables = stream.choose(3, from: Array(PhaseLanguage.variables.indices))
        values = (0..<3).map { _ in stream.below(10) }
        asked = stream.below(3)
        claim = (values[asked] + 1 + stream.below(9)) % 10
    }

    /// The value of a variable by its number; 0 if the problem has no such variable.
    func value(of variable: Int) -> Int { variables.firstIndex(of: variable).map { values[$0] } ?? 0 }
}

/// Writes a text word by word.
struct PhaseWriter {
    /// A word of a template.
    private enum Piece {
        case word(Int32)
        case synonym(Int)
        case x, y, digit, valueOfX, sum
    }

    let design: PhaseLanguage.Design
    private let problem: PhaseProblem
    private(set) var text: PhaseText

    init(design: PhaseLanguage.Design, problem: PhaseProblem) {
        self.design = design
        self.problem = problem
        let id = PhaseLanguage.id
        var tokens = [PhaseLanguage.begin]
        for (variable, value) in zip(problem.variables, problem.values) {
            tokens += [PhaseWriter.variable(variable), id("="), PhaseWriter.digit(value), id(",")]
        }
        let asked = PhaseWriter.variable(problem.variables[problem.asked])
        tokens += [id("Q"), asked, id("="), id("U"), asked, PhaseWriter.digit(problem.claim), id("A")]
        text = PhaseText(tokens: tokens, clauses: [], caves: false, design: design, problem: problem)
    }

    /// How many tokens there are behind the prompt.
    var bodyTokens: Int { text.tokens.count - PhaseLanguage.promptTokens }

    mutating func writeSpan(of phase: PhaseLanguage.Phase, clauses: Int, from stream: inout RandomStream) {
        let own = templates(of: phase)
        for number in 0..<clauses {
            let start = text.tokens.count
            let opens = number == 0 || stream.below(5) < 2
            if opens { text.tokens.append(cue(of: phase, from: &stream)) }
            let template = own[stream.below(own.count)]
            let filling = drawFilling(from: &stream)
            text.tokens += fill(template, filling, from: &stream)
            text.tokens.append(PhaseLanguage.id(stream.below(2) == 0 ? "," : ";"))
            text.clauses.append(
                .init(
                    phase: phase,
                    template: template,
                    range: start..<text.tokens.count,
                    opens: opens,
                    filling: filling
                )
            )
        }
    }

    mutating func writeAnswer(caves: Bool, from stream: inout RandomStream) {
        let asked = problem.variables[problem.asked]
        let value = PhaseWriter.digit(caves ? problem.claim : problem.values[problem.asked])
        let id = PhaseLanguage.id
        text.tokens += [cue(of: .answer, from: &stream), caves ? PhaseLanguage.yes : PhaseLanguage.no]
        text.tokens += [PhaseWriter.variable(asked), id("="), value]
        text.tokens += [PhaseWriter.synonym(0, &stream), PhaseWriter.variable(asked)]
        text.tokens += [PhaseWriter.synonym(6, &stream), value, id("."), PhaseLanguage.end]
        text.caves = caves
    }

    /// The numbers of a phase's templates.
    func templates(of phase: PhaseLanguage.Phase) -> [Int] {
        let all = design == .ownTemplates ? PhaseWriter.ownTemplates : PhaseWriter.sharedTemplates
        return all[phase.index]
    }

    func cue(of phase: PhaseLanguage.Phase, from stream: inout RandomStream) -> Int32 {
        PhaseLanguage.id(PhaseLanguage.cues[phase.index][stream.below(3)])
    }

    func drawFilling(from stream: inout RandomStream) -> PhaseText.Filling {
        let all = design == .persistent ? problem.variables : Array(PhaseLanguage.variables.indices)
        let pair = stream.choose(2, from: all)
        return .init(x: pair[0], y: pair[1], digit: stream.below(10))
    }

    /// A template's words, with random synonyms.
    func fill(
        _ template: Int,
        _ filling: PhaseText.Filling,
        from stream: inout RandomStream
    ) -> [Int32] {
        pieces(template).map { piece in
            switch piece {
            case .synonym(let number): PhaseWriter.synonym(number, &stream)
            case .word(let id): id
            default: filled(piece, filling) ?? 0
            }
        }
    }

    /// The same words with another filling.
    func refill(_ words: [Int32], template: Int, _ filling: PhaseText.Filling) -> [Int32] {
        zip(words, pieces(template)).map { word, piece in filled(piece, filling) ?? word }
    }

    private func filled(_ piece: Piece, _ filling: PhaseText.Filling) -> Int32? {
        let (x, y) = (filling.x, filling.y)
        return switch piece {
        case .word, .synonym: nil
        case .x: PhaseWriter.variable(x)
        case .y: PhaseWriter.variable(y)
        case .digit: PhaseWriter.digit(filling.digit)
        case .valueOfX: PhaseWriter.digit(problem.value(of: x))
        case .sum: PhaseWriter.digit((problem.value(of: x) + problem.value(of: y)) % 10)
        }
    }

    private func pieces(_ template: Int) -> [Piece] {
        (design == .persistent ? PhaseWriter.persistent : PhaseWriter.fresh)[template]
    }

    private static func variable(_ number: Int) -> Int32 { PhaseLanguage.id(PhaseLanguage.variables[number]) }

    private static func digit(_ value: Int) -> Int32 { PhaseLanguage.id("\(value)") }

    private static func synonym(_ number: Int, _ stream: inout RandomStream) -> Int32 {
        PhaseLanguage.id(PhaseLanguage.synonyms[number][stream.below(3)])
    }

    // MARK: - Templates

    private static let sharedTemplates = [[0, 2, 3, 6], [3, 4, 5, 2], [1, 4, 0, 7], [1, 6, 7, 5]]
    private static let ownTemplates = [[0, 2], [3, 4], [1, 7], [5, 6]]

    private static let fresh = parse([
        "X = N", "X + Y = N", "so X is N", "we get X of Y by N", "now put X then to Y", "X to Y",
        "see if X of Y is N", "X - N",
    ])

    private static let persistent = parse([
        "X = D", "X + Y = S", "so X is D", "we get X of Y", "now put X by N", "then X to Y", "see if X = N",
        "it is X - N",
    ])

    private static func parse(_ templates: [String]) -> [[Piece]] {
        templates.map { template in
            template.split(separator: " ").map { word in
                switch word {
                case "X": .x
                case "Y": .y
                case "N": .digit
                case "D": .valueOfX
                case "S": .sum
                default:
                    PhaseLanguage.synonyms.firstIndex { $0[0] == word }.map { .synonym($0) }
                        ?? .word(PhaseLanguage.id(String(word)))
                }
            }
        }
    }
}
