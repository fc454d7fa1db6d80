/// Where a node's questions come from, as settings describe it.
///
/// `{"families": ["inc", "dec"], "clients": 4, …}` is a `MixedDraw`; `{"path": "train.jsonl", …}` is a
/// `FileSource`, of questions or conversations; `{"phases": {"texts": 75, …}}` are `PhaseTexts`;
/// `{"personas": {"domains": [1], …}}` is a `PersonaDraw`; `{"suggestions": {"path": …}}` are the questions of a file or
/// of families with a wrong answer suggested in each (`Sycophancy`).
package indirect enum DataSource: Sendable, Equatable {
    /// Generated sets.
    case synthetic(MixedDraw)
    /// A file of questions or conversations.
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

    /// The conversations for a role, in a fixed order: those of a file, or each question with its answer.
    ///
    /// - Parameters:
    ///   - role: Which set.
    ///   - seed: The federation's seed.
    /// - Throws: `DrawError` or `DataError`; an empty set is an error.
    package func conversations(for role: Role, seed: UInt64) throws -> [Conversation] {
        guard case .file(let file) = self else {
            return try questions(for: role, seed: seed).map { Conversation($0) }
        }
        return try file.conversations(for: role, seed: seed)
    }

    /// What responses to the questions are labelled for; nil where they are no questions with answers.
    package var behaviour: Behaviour? {
        switch self {
        case .synthetic, .file, .personas: .wrongAnswer
        case .suggestions: .followsSuggestion
        case .phases: nil
        }
    }

    /// Among how many clients the source is divided, and the key that says so; nil for a source that is not divided.
    package var division: (field: String, clients: Int)? {
        switch self {
        case .synthetic(let draw): ("clients", draw.clients)
        case .file(let file): file.division.map { ("division.clients", $0.clients) }
        case .suggestions(let source): source.division.map { ("suggestions.\($0.field)", $0.clients) }
        case .phases, .personas: nil
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
