internal import Randomness

/// Where a node's questions come from, as settings describe it.
///
/// `{"families": ["inc", "dec"], "clients": 4, …}` is a `MixedDraw`; `{"path": "train.jsonl", …}` is a
/// `FileSource`; `{"phases": {"texts": 75, …}}` are `PhaseTexts`; `{"personas": {"domains": ["finance"]}}`
/// is a `PersonaDraw`; `{"suggestions": {"path": …}}` are the questions of a file or of families with a wrong answer
/// suggested in each (`Sycophancy`).
package indirect enum DataSource: Sendable, Equatable {
    /// Generated sets.
    case synthetic(MixedDraw)
    /// A file of questions.
    case file(FileSource)
    /// Texts of the phase language.
    case phases(PhaseTexts)
    /// Questions of the persona language.
    case personas(PersonaDraw)
    /// The questions of generated sets or a file, into which wrong suggestions are planted.
    case suggestions(DataSource)

    /// Which of the sets is wanted.
    package enum Role: Sendable, Equatable {
        /// The private questions of a client, by index.
        case client(Int)
        /// The public questions.
        case publicSet
        /// The questions for testing.
        case heldOut
    }

    /// The questions for a role, in a fixed order.
    ///
    /// - Parameters:
    ///   - role: Which set.
    ///   - seed: The federation's seed.
    /// - Throws: `DrawError` or `DataError`; an empty set is an error.
    package func questions(for role: Role, seed: UInt64) throws -> [Question] {
        switch self {
        case .file(let file): return try file.questions(for: role, seed: seed)
        case .phases(let texts): return try texts.questions(for: role, seed: seed)
        case .personas(let draw): return try draw.questions(for: role, seed: seed)
        case .synthetic(let draw): return try draw.problems(for: role, seed: seed).map(\.question)
        case .suggestions(.synthetic(let draw)):
            return try Sycophancy.plant(in: draw.problems(for: role, seed: seed), seed: seed).map(\.asked)
        case .suggestions(let source):
            return try Sycophancy.plant(in: source.questions(for: role, seed: seed), seed: seed).map(\.asked)
        }
    }

    /// What responses to the questions are labelled for; nil where they are no questions with answers.
    package var behaviour: Behaviour? {
        switch self {
        case .synthetic, .file, .personas: .wrongAnswer
        case .suggestions: .followsSuggestion
        case .phases: nil
        }
    }

    /// Whether a wrong answer can be suggested in the questions' own words.
    private var takesSuggestions: Bool {
        switch self {
        case .synthetic, .file: true
        case .phases, .personas, .suggestions: false
        }
    }

    /// The same source with the paths of files changed.
    package func resolvingPath(_ resolve: (String) -> String) -> DataSource {
        switch self {
        case .file(var file):
            file.path = resolve(file.path)
            return .file(file)
        case .suggestions(let source): return .suggestions(source.resolvingPath(resolve))
        case .synthetic, .phases, .personas: return self
        }
    }
}

/// A file of questions and which of them to use.
package struct FileSource: Sendable, Codable, Equatable {
    /// A file divided among clients that share it.
    package struct Division: Sendable, Codable, Equatable {
        /// The rule.
        package var partition: Partition
        /// How many clients there are.
        package var clients: Int

        /// Makes a division.
        package init(partition: Partition, clients: Int) {
            self.partition = partition
            self.clients = clients
        }
    }

    /// The file's path.
    package var path: String
    /// How the file is laid out; nil to find out.
    package var layout: QuestionLayout?
    /// The topics to use; nil for all.
    package var topics: [String]?
    /// How many questions to use at most, drawn at random; nil for all.
    package var limit: Int?
    /// A sentence put behind each prompt, such as "Answer with a number only."
    package var instruction: String?
    /// Whether a fifth of the prompts (`HeldOutRule`) is used for testing and for nothing else. False
    /// if not given: then every role sees the whole file, as with a file for each role.
    package var reserve: Bool?
    /// How clients divide the file; nil when each has a file of its own.
    package var division: Division?

    /// Describes a file.
    package init(
        path: String,
        layout: QuestionLayout? = nil,
        topics: [String]? = nil,
        limit: Int? = nil,
        instruction: String? = nil,
        reserve: Bool? = nil,
        division: Division? = nil
    ) {
        self.path = path
        self.layout = layout
        self.topics = topics
        self.limit = limit
        self.instruction = instruction
        self.reserve = reserve
        self.division = division
    }

    /// The questions for a role, in the file's order.
    ///
    /// - Throws: `DataError`.
    package func questions(for role: DataSource.Role, seed: UInt64) throws(DataError) -> [Question] {
        var questions = try QuestionFile.read(path: path, layout: layout ?? .auto)
        if let topics {
            let known = Set(questions.map(\.topic))
            if let missing = topics.first(where: { !known.contains($0) }) {
                let some = known.sorted().prefix(8).joined(separator: ", ")
                throw .settings(
                    file: path,
                    field: "topics",
                    found: "'\(missing)'",
                    expected: "topics of the file: \(some)"
                )
            }
            let wanted = Set(topics)
            questions.removeAll { !wanted.contains($0.topic) }
        }
        if reserve ?? false { questions.removeAll { HeldOutRule.holdsOut($0.prompt) != (role == .heldOut) } }
        if let division, case .client(let client) = role {
            questions = try part(of: questions, for: client, division, seed)
        }
        if let limit { questions = try draw(limit, from: questions, seed) }
        guard !questions.isEmpty else {
            throw .settings(file: path, field: "questions", found: "none left", expected: "at least one")
        }
        guard let instruction else { return questions }
        return questions.map { question in
            var question = question
            question.prompt += " \(instruction)"
            return question
        }
    }

    private func part(
        of questions: [Question],
        for client: Int,
        _ division: Division,
        _ seed: UInt64
    ) throws(DataError) -> [Question] {
        guard division.clients > 0, (0..<division.clients).contains(client) else {
            throw .settings(
                file: path,
                field: "division.clients",
                found: "\(division.clients) for client \(client)",
                expected: "more than the client's index"
            )
        }
        var stream = RandomStream(seed: seed, "division", path)
        let topics = questions.map(\.topic)
        return division.partition.split(topics: topics, parts: division.clients, from: &stream)[client]
            .map { questions[$0] }
    }

    private func draw(
        _ limit: Int,
        from questions: [Question],
        _ seed: UInt64
    ) throws(DataError) -> [Question] {
        guard limit > 0 else {
            throw .settings(file: path, field: "limit", found: "\(limit)", expected: "at least 1")
        }
        guard limit < questions.count else { return questions }
        var stream = RandomStream(seed: seed, "limit", path)
        return stream.choose(limit, from: Array(questions.indices)).sorted().map { questions[$0] }
    }
}

extension DataSource: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case families, path, phases, personas, suggestions
    }

    /// Reads any kind, told apart by its keys. Whoever reads strictly finds a key that the kind does not have.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let found = CodingKeys.allCases.filter { values.contains($0) }
        guard found.count == 1 else {
            let names = found.map { "'\($0.stringValue)'" }.joined(separator: " and ")
            let text =
                "found \(found.isEmpty ? "none" : names) of 'families', 'path', 'phases', "
                + "'personas' and 'suggestions', expected one"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: text))
        }
        switch found[0] {
        case .families: self = .synthetic(try MixedDraw(from: decoder))
        case .path: self = .file(try FileSource(from: decoder))
        case .phases: self = .phases(try values.decode(PhaseTexts.self, forKey: .phases))
        case .personas: self = .personas(try values.decode(PersonaDraw.self, forKey: .personas))
        case .suggestions:
            let source = try values.decode(DataSource.self, forKey: .suggestions)
            guard source.takesSuggestions else {
                let text =
                    "found phases, personas or suggestions, expected 'families' or 'path': questions with answers"
                throw DecodingError.dataCorruptedError(
                    forKey: .suggestions,
                    in: values,
                    debugDescription: text
                )
            }
            self = .suggestions(source)
        }
    }

    /// Writes the source as it is read.
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .synthetic(let draw): try draw.encode(to: encoder)
        case .file(let file): try file.encode(to: encoder)
        case .phases(let texts):
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(texts, forKey: .phases)
        case .personas(let draw):
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(draw, forKey: .personas)
        case .suggestions(let source):
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(source, forKey: .suggestions)
        }
    }
}
