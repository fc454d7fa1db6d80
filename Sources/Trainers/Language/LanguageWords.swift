package import Contract
internal import Digest
internal import Models
package import Tasks
internal import Text

/// What a topology says in the words that all language trainers share: `model`, `adapter`, `objectives` and the
/// data mappings.
struct LanguageWords {
    /// Where the base model comes from, paths made absolute.
    let model: ModelSource
    /// Where and how low-rank factors are added to it.
    let adapter: LoRAConfiguration

    /// Reads and checks them.
    ///
    /// - Throws: `ConfigurationError` naming the line.
    init(_ run: RunContext) throws {
        let words = try run.model.decode(ModelWords.self)
        let sources = [
            words.embedded.map { ModelSource.embedded($0) },
            words.directory.map { ModelSource.directory(run.absolutePath($0)) },
            words.gguf.map { ModelSource.gguf(run.absolutePath($0)) },
        ].compactMap { $0 }
        guard let source = sources.first, sources.count == 1 else {
            throw run.model.error(
                "",
                "found \(sources.count) models, expected one of embedded: NAME, directory: PATH, gguf: PATH"
            )
        }
        if let name = words.embedded, !EmbeddedModels.names.contains(name) {
            let known = EmbeddedModels.names.joined(separator: ", ")
            throw run.model.error("embedded", "found '\(name)', expected one of \(known)")
        }
        model = source
        adapter = try run.adapter.read(AdapterWords.self) {
            LoRAConfiguration(rank: $0.rank, alpha: $0.alpha, targets: $0.targets)
        }
        for component in run.objectives {
            try ObjectiveTerms.entry(component).check(component.settings)
        }
    }

    private struct ModelWords: Decodable {
        var embedded: String?
        var directory: String?
        var gguf: String?
    }

    private struct AdapterWords: TrainerSettings {
        var rank = 8
        var alpha = 16.0
        var targets = LinearModule.allCases.map(\.rawValue)

        func validate() throws(SettingsFault) {
            do throws(AdapterError) {
                _ = try LoRAConfiguration(rank: rank, alpha: alpha, targets: targets).modules()
            } catch {
                guard case .badConfiguration(let key, let detail) = error else {
                    throw SettingsFault(key: "", reason: "\(error)")
                }
                throw SettingsFault(key: key, reason: detail)
            }
        }
    }

    /// Everything that members must agree on besides the settings.
    ///
    /// - Throws: What loading the base model throws.
    func fingerprint(_ run: RunContext) throws -> [FingerprintPart] {
        let base = try base(run)
        var parts = [
            FingerprintPart("base model", base.sha256.description),
            FingerprintPart("adapter.rank", "\(adapter.rank)"),
            FingerprintPart("adapter.alpha", "\(adapter.alpha)"),
            FingerprintPart("adapter.targets", adapter.targets.joined(separator: " ")),
        ]
        for component in run.objectives {
            let settings = String(decoding: component.settings.json, as: UTF8.self)
            parts.append(FingerprintPart("objectives.\(component.name)", settings))
        }
        return parts
    }

    /// The base model, loaded once in a process.
    func base(_ run: RunContext) throws -> BaseModel {
        try run.shared.value("model \(model)") { try BaseModel.load(model) }
    }
}

/// The questions of each role, from the data mappings.
package enum LanguageData {
    /// A client's private questions.
    package static func questions(of client: ClientContext) throws -> [Question] {
        try questions(client.data, .client(client.place), client.run)
    }

    /// The public questions.
    package static func publicQuestions(_ coordinator: CoordinatorContext) throws -> [Question] {
        try questions(coordinator.publicData, .publicSet, coordinator.run)
    }

    /// The held-out questions.
    static func heldOutQuestions(_ coordinator: CoordinatorContext) throws -> [Question] {
        try questions(coordinator.evaluationData, .heldOut, coordinator.run)
    }

    private static func questions(
        _ data: Mapping,
        _ role: DataSource.Role,
        _ run: RunContext
    ) throws -> [Question] {
        var source = try data.decode(DataSource.self)
        if case .file(var file) = source {
            file.path = run.absolutePath(file.path)
            source = .file(file)
        }
        do {
            return try source.questions(for: role, seed: run.seed)
        } catch let error as DrawError {
            switch error {
            case .invalid(let field, let found, let expected):
                throw data.error(field, "found \(found), expected \(expected)")
            case .exhausted: throw data.error("", "\(error)")
            }
        }
    }
}

extension LocalTrainer where Settings: LanguageSettings {
    /// Checks `model`, `adapter` and `objectives`.
    package static func check(_ settings: Settings, _ run: RunContext) throws { _ = try LanguageWords(run) }

    /// The base model, the adapter's shape, and the added objectives.
    package static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> [FingerprintPart] {
        try LanguageWords(run).fingerprint(run)
    }

    /// Counts the private questions.
    package static func examine(_ settings: Settings, _ client: ClientContext) throws -> String {
        let count = try LanguageData.questions(of: client).count
        guard count > 0 else {
            throw client.data.error("", "found no private questions, expected at least one")
        }
        return "\(count) questions"
    }

    /// The base model's parameters.
    package static func parameterCount(_ settings: Settings, _ run: RunContext) throws -> Int? {
        try LanguageWords(run).base(run).configuration.parameterCount
    }

    /// Writes a PEFT folder.
    package static func write(
        _ adapter: AdapterWeights,
        to folder: String,
        _ settings: Settings,
        _ run: RunContext
    ) throws -> Bool {
        let words = try LanguageWords(run)
        try PEFTDirectory.write(
            adapter,
            words.adapter,
            baseModelName: words.model.description,
            to: folder
        )
        return true
    }

    /// Reads a PEFT folder.
    package static func readAdapter(
        from folder: String,
        _ settings: Settings,
        _ run: RunContext
    ) throws -> AdapterWeights? {
        try PEFTDirectory.read(from: folder, for: LanguageWords(run).base(run).configuration).0
    }
}
