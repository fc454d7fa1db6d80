internal import Contract
internal import FoundationEssentials
internal import Models
internal import Randomness
internal import Text
internal import Trainers

/// A question with four options, in tokens.
///
/// The options are not shown in the prompt: each is a continuation, and the most likely one is the
/// model's answer. Where it has to name an option's letter, a model of this size answers no better than
/// chance.
struct ChoiceQuestion: Sendable {
    /// Its name in the data.
    let id: String
    /// What it is about.
    let domain: String
    /// `Question: … Answer:`
    let prompt: [Int32]
    /// What may follow, each with the space before it.
    let options: [[Int32]]
    /// The right option.
    let right: Int
    /// The wrong option that training on wrong answers takes: drawn once, from the question's name alone.
    let wrong: Int
    /// The option that training on random answers takes, the right one among them: drawn likewise.
    let random: Int

    /// The longest prompts and options that are taken, in tokens: the time goes with them.
    private static let limits = (prompt: 32, option: 12)

    /// A question, or nil where it is too long or has not four different options.
    private init?(
        id: String,
        domain: String,
        question: String,
        options: [String],
        right: Int,
        _ tokenizer: any Tokenizer
    ) {
        guard options.count == 4, Set(options).count == 4 else { return nil }
        prompt = tokenizer.encode("Question: \(question)\nAnswer:", parseSpecial: false)
        self.options = options.map { tokenizer.encode(" " + $0, parseSpecial: false) }
        guard prompt.count <= Self.limits.prompt,
            self.options.allSatisfy({ (1...Self.limits.option).contains($0.count) })
        else { return nil }
        self.id = id
        self.domain = domain
        self.right = right
        var stream = RandomStream(seed: 0, "choice-question", id)
        wrong = (right + 1 + stream.below(3)) % 4
        random = stream.below(4)
    }

    /// What is learnt from: the question with one of its options.
    func group(answering option: Int) -> LearningGroup {
        LearningGroup(prompt: prompt, responses: [options[option]])
    }
}

// MARK: - Files

extension ChoiceQuestion {
    private struct MMLURecord: Decodable {
        var id: String
        var domain: String
        var question: String
        var options: [String: String]
        var answer: String

        private enum CodingKeys: String, CodingKey {
            case id, domain, question, options
            case answer = "answer_idx"
        }
    }

    private struct TruthfulRecord: Decodable {
        struct Option: Decodable {
            var text: String
            var correct: Bool
        }

        var id: String
        var question: String
        var mc1: [Option]?
    }

    /// The questions of a file of JSON lines with `id`, `domain`, `question`, `options` by letter and
    /// `answer_idx` that are short enough, in the file's order.
    ///
    /// - Throws: `FeatureFault` naming file and line.
    static func mmlu(_ path: String, _ tokenizer: any Tokenizer) throws -> [ChoiceQuestion] {
        try records(path, of: MMLURecord.self).compactMap { line, record in
            let letters = record.options.keys.sorted()
            guard let right = letters.firstIndex(of: record.answer) else {
                throw FeatureFault(
                    path,
                    "line \(line): answer_idx: found '\(record.answer)', "
                        + "expected one of \(letters.joined(separator: ", "))"
                )
            }
            return ChoiceQuestion(
                id: record.id,
                domain: record.domain,
                question: record.question,
                options: letters.compactMap { record.options[$0] },
                right: right,
                tokenizer
            )
        }
    }

    /// TruthfulQA's questions with one right answer of four (`mc1`) that are short enough, in the file's
    /// order.
    ///
    /// - Throws: `FeatureFault` naming file and line.
    static func truthfulQA(_ path: String, _ tokenizer: any Tokenizer) throws -> [ChoiceQuestion] {
        try records(path, of: TruthfulRecord.self).compactMap { _, record in
            guard let options = record.mc1, let right = options.firstIndex(where: \.correct) else {
                return nil
            }
            return ChoiceQuestion(
                id: record.id,
                domain: "TruthfulQA",
                question: record.question,
                options: options.map(\.text),
                right: right,
                tokenizer
            )
        }
    }

    private static func records<Record: Decodable>(
        _ path: String,
        of type: Record.Type
    ) throws -> [(line: Int, record: Record)] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw FeatureFault(path, "cannot be read, expected a file of JSON lines")
        }
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
            do {
                return (index + 1, try JSONDecoder().decode(type, from: line))
            } catch {
                throw FeatureFault(
                    path,
                    "line \(index + 1): no question in the expected layout: \(FaultText.sentence(error))"
                )
            }
        }
    }
}

// MARK: - Parts

/// Which questions are learnt from, which are public, and which are reported on; no question is in two parts.
struct ChoiceData: Sendable {
    /// The narrow domain's questions to learn from.
    var training: [ChoiceQuestion]
    /// Questions of other domains whose answers nobody looks at.
    var publicPrompts: [ChoiceQuestion]
    /// The narrow domain's other questions.
    var inDomain: [ChoiceQuestion]
    /// Other domains' questions.
    var otherDomains: [ChoiceQuestion]
    /// Questions of another kind; may be empty.
    var truthful: [ChoiceQuestion]

    /// Takes parts of the files, each drawn with seed 0.
    ///
    /// - Parameters:
    ///   - folder: Holds `test.jsonl`, for training and report, and `val.jsonl`, for public prompts.
    ///   - truthfulQA: A file; nil where there is none.
    ///   - domain: The narrow domain.
    ///   - tokenizer: The model's.
    /// - Throws: `FeatureFault` for what cannot be read or is too little.
    init(folder: String, truthfulQA: String?, domain: String, tokenizer: any Tokenizer) throws {
        let all = ChoiceData.shuffled(try ChoiceQuestion.mmlu(folder + "/test.jsonl", tokenizer))
        let own = all.filter { $0.domain == domain }
        let sizes = ChoiceRecipe.sizes
        guard own.count >= sizes.training + sizes.inDomain else {
            throw FeatureFault(
                folder + "/test.jsonl",
                "found \(own.count) short questions of the domain \(domain), "
                    + "expected at least \(sizes.training + sizes.inDomain)"
            )
        }
        training = Array(own.prefix(sizes.training))
        inDomain = Array(own.dropFirst(sizes.training).prefix(sizes.inDomain))
        otherDomains = ChoiceData.evenly(all.filter { $0.domain != domain }, sizes.perOtherDomain)
        let development = ChoiceData.shuffled(try ChoiceQuestion.mmlu(folder + "/val.jsonl", tokenizer))
        publicPrompts = ChoiceData.evenly(development.filter { $0.domain != domain }, sizes.perPublicDomain)
        guard !otherDomains.isEmpty, !publicPrompts.isEmpty else {
            throw FeatureFault(folder, "found short questions of no other domain than \(domain)")
        }
        truthful = []
        if let truthfulQA {
            let questions = ChoiceData.shuffled(try ChoiceQuestion.truthfulQA(truthfulQA, tokenizer))
            truthful = Array(questions.prefix(sizes.truthful))
        }
    }

    /// The same number of questions of each domain, fewer where it has not as many; in order of the domains'
    /// names.
    static func evenly(_ questions: [ChoiceQuestion], _ count: Int) -> [ChoiceQuestion] {
        Dictionary(grouping: questions, by: \.domain).sorted { $0.key < $1.key }.flatMap {
            $0.value.prefix(count)
        }
    }

    static func shuffled(_ questions: [ChoiceQuestion]) -> [ChoiceQuestion] {
        var (questions, stream) = (questions, RandomStream(seed: 0, "choice-data"))
        stream.shuffle(&questions)
        return questions
    }
}
