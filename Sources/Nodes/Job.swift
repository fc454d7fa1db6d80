internal import Aggregation
internal import Digest
internal import Exchange
internal import FoundationEssentials
internal import Models
public import Tasks
public import Topology
internal import Trainers

/// A topology turned into what nodes run: the trainer, the model, the questions of each role.
///
/// Whatever a topology names is looked up and checked here, before the first connection.
public struct Job: Sendable {
    /// What is run.
    public let topology: Topology
    let entry: TrainerEntry
    let settings: [UInt8]
    let modelSource: ModelSource
    let adapter: LoRAConfiguration
    let models: ModelStore

    /// Looks up what the topology names, in the list of trainers that the programs use.
    ///
    /// - Throws: `SettingsFault` for a trainer or a setting that does not exist.
    public init(_ topology: Topology) throws {
        try self.init(topology, trainers: TrainerRegistry.all, models: ModelStore())
    }

    /// Looks up what the topology names.
    ///
    /// - Parameters:
    ///   - topology: What to run.
    ///   - trainers: The trainers there are.
    ///   - models: Where base models are kept once loaded.
    init(_ topology: Topology, trainers: [TrainerEntry], models: ModelStore) throws {
        guard let entry = trainers.first(where: { $0.name == topology.trainer.name }) else {
            let known = trainers.map(\.name).sorted().joined(separator: ", ")
            throw SettingsFault(
                key: "trainer.name",
                reason: "'\(topology.trainer.name)' is unknown; known are \(known)"
            )
        }
        self.topology = topology
        self.entry = entry
        self.models = models
        settings = try entry.resolveSettings(topology.trainer.settings.json)
        modelSource =
            switch topology.model {
            case .embedded(let name): .embedded(name)
            case .directory(let path): .directory(topology.absolutePath(path))
            case .gguf(let path): .gguf(topology.absolutePath(path))
            }
        adapter = LoRAConfiguration(
            rank: topology.adapter.rank,
            alpha: topology.adapter.alpha,
            targets: topology.adapter.targets
        )
    }

    /// SHA-256 of the base model's weights; loads the model at the first call.
    func baseModelDigest() throws -> SHA256Digest { try models.model(modelSource).sha256 }

    /// SHA-256 of what all members agree on: topology, trainer settings with their defaults.
    var settingsDigest: SHA256Digest {
        SHA256Digest(of: topology.digest.bytes + settings)
    }

    /// The schedule of a round as trainers see it.
    var schedule: Schedule {
        let rounds = topology.rounds
        return Schedule(
            stepsPerRound: rounds.steps,
            localPerPublic: rounds.localPerPublic < rounds.steps ? rounds.localPerPublic : nil
        )
    }

    /// How many questions each role has, for a check before the first round.
    ///
    /// - Throws: What is wrong with the data, naming file and line.
    public func questionCounts() throws -> [(role: String, count: Int)] {
        var counts = [
            (role: "public", count: try publicQuestions().count),
            (role: "evaluation", count: try heldOutQuestions().count),
        ]
        for client in topology.clients {
            counts.append((role: "client \(client.name)", count: try questions(ofClient: client.name).count))
        }
        return counts
    }

    /// A client's private questions.
    ///
    /// - Parameters:
    ///   - name: The client.
    ///   - file: A JSONL file to use instead of what the topology says.
    /// - Throws: `NodeError` for a client the topology does not have; what is wrong with the data.
    public func questions(ofClient name: String, file: String? = nil) throws -> [Question] {
        guard let index = topology.index(ofClient: name), let client = topology.client(named: name) else {
            let known = topology.clients.map(\.name).joined(separator: ", ")
            throw NodeError(.configuration, "the topology has no client '\(name)'; it has \(known)")
        }
        if let file {
            return try QuestionFile.read(path: file)
        }
        return try questions(client.data, key: "clients.\(name).data", for: .client(index))
    }

    func publicQuestions() throws -> [Question] {
        try questions(topology.publicData, key: "data.public", for: .publicSet)
    }

    func heldOutQuestions() throws -> [Question] {
        try questions(topology.evaluation, key: "data.evaluation", for: .heldOut)
    }

    private func questions(
        _ settings: OpaqueSettings,
        key: String,
        for role: DataSource.Role
    ) throws -> [Question] {
        do {
            return try source(settings, key: key).questions(for: role, seed: topology.seed)
        } catch let error as DrawError {
            throw NodeError(.configuration, "key '\(key)': \(error)")
        }
    }

    private func source(_ settings: OpaqueSettings, key: String) throws -> DataSource {
        do {
            let source = try JSONDecoder().decode(DataSource.self, from: Data(settings.json))
            guard case .file(var file) = source else { return source }
            file.path = topology.absolutePath(file.path)
            return .file(file)
        } catch let error as DecodingError {
            throw NodeError(.configuration, "key '\(key)': \(Job.describe(error))")
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "'\(path(context.codingPath))' must be \(type)"
        case .keyNotFound(let missing, let context):
            "'\(path(context.codingPath + [missing]))' is missing"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? context.debugDescription : "'\(path(context.codingPath))': \(context.debugDescription)"
        @unknown default: "\(error)"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map(\.stringValue).joined(separator: ".")
    }
}

extension Job {
    /// Makes a client's trainer.
    ///
    /// - Parameters:
    ///   - name: The client.
    ///   - dataFile: A JSONL file to use instead of what the topology says.
    func makeTrainer(client name: String, dataFile: String?) throws -> any LocalTrainer {
        try entry.makeTrainer(
            settings,
            ClientResources(
                seed: topology.seed,
                client: name,
                models: models,
                model: modelSource,
                adapter: adapter,
                questions: questions(ofClient: name, file: dataFile)
            )
        )
    }

    /// Makes the coordinator's judge.
    func makeJudge() throws -> any PublicJudge {
        try entry.makeJudge(
            settings,
            CoordinatorResources(
                seed: topology.seed,
                schedule: schedule,
                models: models,
                model: modelSource,
                adapter: adapter,
                publicQuestions: publicQuestions(),
                heldOutQuestions: heldOutQuestions()
            )
        )
    }

    /// The rule that merges updates.
    func deltaRule() throws -> any DeltaRule {
        let name = topology.aggregation.delta.rawValue
        guard let rule = DeltaRules.named(name) else {
            throw NodeError(.configuration, "key 'aggregation.delta': there is no rule '\(name)'")
        }
        return rule
    }

    /// The rule that pools responses.
    func poolRule() throws -> any PoolRule {
        let name = topology.pool.rawValue
        guard let rule = PoolRules.named(name) else {
            throw NodeError(.configuration, "key 'pool.rule': there is no rule '\(name)'")
        }
        return rule
    }

    /// How the examples a client reports weigh in the average.
    var weighting: Weighting {
        switch topology.aggregation.weights {
        case .uniform: .uniform
        case .examples: .examples
        }
    }
}
