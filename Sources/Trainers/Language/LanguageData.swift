package import Contract
package import Tasks

/// The questions of each role, from the data mappings.
package enum LanguageData {
    /// A client's private questions.
    package static func questions(of client: ClientContext) throws -> [Question] {
        try requireShare(for: client)
        return try questions(client.data, .client(client.place), client.run)
    }

    /// A client's private conversations; a question and its answer are one.
    static func conversations(of client: ClientContext) throws -> [Conversation] {
        try requireShare(for: client)
        return try drawing(client.data, client.run) {
            try $0.conversations(for: .client(client.place), seed: client.run.seed)
        }
    }

    /// The public questions.
    package static func publicQuestions(_ coordinator: CoordinatorContext) throws -> [Question] {
        try questions(coordinator.publicData, .publicSet, coordinator.run)
    }

    /// The held-out questions.
    static func heldOutQuestions(_ coordinator: CoordinatorContext) throws -> [Question] {
        try questions(coordinator.evaluationData, .heldOut, coordinator.run)
    }

    /// Throws where data are divided among another number of clients than there are members: the shares would not be
    /// those that anybody meant, and would be others when a client leaves.
    private static func requireShare(for client: ClientContext) throws {
        let members = client.run.clients
        guard !members.isEmpty, let (field, count) = try client.data.decode(DataSource.self).division,
            count != members.count
        else { return }
        throw client.data.error(
            field,
            "found \(count), expected one share for each of the \(members.count) members ("
                + members.joined(separator: ", ")
                + "); a client that left stays in `data.members`, and the others keep their shares"
        )
    }

    /// The texts of a client's private items, without what `instruction` adds.
    static func texts(of client: ClientContext) throws -> [String] {
        try requireShare(for: client)
        return try texts(client.data, .client(client.place), client.run)
    }

    /// The texts of the public and the held-out items, without what `instruction` adds.
    static func texts(of coordinator: CoordinatorContext) throws -> JudgedTexts {
        JudgedTexts(
            asked: try texts(coordinator.publicData, .publicSet, coordinator.run),
            heldOut: try texts(coordinator.evaluationData, .heldOut, coordinator.run)
        )
    }

    private static func texts(
        _ data: Mapping,
        _ role: DataSource.Role,
        _ run: RunContext
    ) throws -> [String] {
        try drawing(data, run) { source in
            guard case .file(var file) = source else {
                return try source.questions(for: role, seed: run.seed).map(\.prompt)
            }
            file.instruction = nil
            return try file.conversations(for: role, seed: run.seed).map(\.opening)
        }
    }

    /// How many questions there are, and of which kinds.
    static func counted(_ questions: [Question]) -> String {
        let kinds = AnswerKind.allCases.compactMap { kind -> String? in
            let count = questions.count { $0.kind == kind }
            return count > 0 ? "\(count) \(kind.rawValue)" : nil
        }
        return "\(questions.count) questions (\(kinds.joined(separator: ", ")))"
    }

    private static func questions(
        _ data: Mapping,
        _ role: DataSource.Role,
        _ run: RunContext
    ) throws -> [Question] {
        try drawing(data, run) { try $0.questions(for: role, seed: run.seed) }
    }

    private static func drawing<Items>(
        _ data: Mapping,
        _ run: RunContext,
        _ draw: (DataSource) throws -> Items
    ) throws -> Items {
        do {
            return try draw(data.decode(DataSource.self).resolvingPath(run.absolutePath))
        } catch let error as DrawError {
            switch error {
            case .invalid(let field, let found, let expected):
                throw data.error(field, "found \(found), expected \(expected)")
            case .exhausted: throw data.error("", "\(error)")
            }
        }
    }
}
