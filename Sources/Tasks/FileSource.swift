internal import Randomness
internal import Text

/// A file of questions or conversations, and which of them to use.
///
/// One setting serves for both: the file's first record shows which of the two it holds. Questions do for every
/// role; conversations have no answer that could be verified, and do only where texts to learn from are needed.
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
    package var layout: RecordLayout?
    /// What the file calls the layout's fields; nil for the layout's own names.
    package var fields: FieldNames?
    /// The topics to use; nil for all.
    package var topics: [String]?
    /// How many records to use at most, drawn at random; nil for all.
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
        layout: RecordLayout? = nil,
        fields: FieldNames? = nil,
        topics: [String]? = nil,
        limit: Int? = nil,
        instruction: String? = nil,
        reserve: Bool? = nil,
        division: Division? = nil
    ) {
        self.path = path
        self.layout = layout
        self.fields = fields
        self.topics = topics
        self.limit = limit
        self.instruction = instruction
        self.reserve = reserve
        self.division = division
    }

    /// The questions for a role, in the file's order.
    ///
    /// - Throws: `DataError`; a file of conversations is one.
    package func questions(for role: DataSource.Role, seed: UInt64) throws(DataError) -> [Question] {
        let all = try QuestionFile.read(path: path, layout: layout ?? .auto, fields: fields)
        return try chosen(from: all, for: role, seed)
    }

    /// The conversations for a role, in the file's order; a question and its answer are one of two turns.
    ///
    /// `instruction` is put behind every turn of the user, and `reserve` looks at the first one.
    ///
    /// - Throws: `DataError`.
    package func conversations(for role: DataSource.Role, seed: UInt64) throws(DataError) -> [Conversation] {
        let all = try ConversationFile.read(path: path, layout: layout ?? .auto, fields: fields)
        return try chosen(from: all, for: role, seed)
    }

    private func chosen<Item: FileItem>(
        from all: [Item],
        for role: DataSource.Role,
        _ seed: UInt64
    ) throws(DataError) -> [Item] {
        var items = all
        if let topics {
            let known = Set(items.map(\.topic))
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
            items.removeAll { !wanted.contains($0.topic) }
        }
        if reserve ?? false { items.removeAll { HeldOutRule.holdsOut($0.opening) != (role == .heldOut) } }
        if let division, case .client(let client) = role {
            items = try part(of: items, for: client, division, seed)
        }
        if let limit { items = try draw(limit, from: items, seed) }
        guard !items.isEmpty else {
            throw .settings(file: path, field: Item.plural, found: "none left", expected: "at least one")
        }
        guard let instruction else { return items }
        return items.map { $0.instructed(instruction) }
    }

    private func part<Item: FileItem>(
        of items: [Item],
        for client: Int,
        _ division: Division,
        _ seed: UInt64
    ) throws(DataError) -> [Item] {
        guard division.clients > 0, (0..<division.clients).contains(client) else {
            throw .settings(
                file: path,
                field: "division.clients",
                found: "\(division.clients) for client \(client)",
                expected: "more than the client's index"
            )
        }
        var stream = RandomStream(seed: seed, "division")
        let topics = items.map(\.topic)
        return division.partition.split(topics: topics, parts: division.clients, from: &stream)[client]
            .map { items[$0] }
    }

    private func draw<Item>(_ limit: Int, from items: [Item], _ seed: UInt64) throws(DataError) -> [Item] {
        guard limit > 0 else {
            throw .settings(file: path, field: "limit", found: "\(limit)", expected: "at least 1")
        }
        guard limit < items.count else { return items }
        var stream = RandomStream(seed: seed, "limit")
        return stream.choose(limit, from: Array(items.indices)).sorted().map { items[$0] }
    }
}

/// What a file holds, as far as choosing from it is concerned.
private protocol FileItem {
    /// The items' name, for errors.
    static var plural: String { get }
    /// The topic.
    var topic: String { get }
    /// The text that `HeldOutRule` looks at.
    var opening: String { get }
    /// The item with an instruction behind each prompt.
    func instructed(_ instruction: String) -> Self
}

extension Question: FileItem {
    fileprivate static var plural: String { "questions" }
    fileprivate var opening: String { prompt }

    fileprivate func instructed(_ instruction: String) -> Question {
        var question = self
        question.prompt += " \(instruction)"
        return question
    }
}

extension Conversation: FileItem {
    fileprivate static var plural: String { "conversations" }

    fileprivate func instructed(_ instruction: String) -> Conversation {
        var conversation = self
        for index in messages.indices where messages[index].role == Role.user.rawValue {
            conversation.messages[index].content += " \(instruction)"
        }
        return conversation
    }
}
