package import Contract
internal import Digest
internal import FoundationEssentials
package import Models
internal import Text

/// What a topology says in the words that all language trainers share: `model`, `adapter`, `objectives` and the
/// data mappings.
struct LanguageWords {
    /// Where the base model comes from, paths made absolute.
    let model: ModelSource
    /// How its matrices are kept.
    let weights: WeightForm
    /// What of it is trained.
    let adapter: any AdapterKind

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
        weights = words.weights ?? .float32
        for component in run.objectives {
            try ObjectiveTerms.entry(component).check(component.settings, run)
        }
        adapter = try LanguageWords.held(LanguageWords.adapterKind(run.adapter), run)
        try checkAdapter(run)
    }

    private struct ModelWords: Decodable {
        var embedded: String?
        var directory: String?
        var gguf: String?
        var weights: WeightForm?
    }

    private struct AdapterWords: Decodable { var kind: String? }

    /// `adapter: {kind: NAME, …}`, LoRA where no kind is given; the other keys are the kind's settings.
    private static func adapterKind(_ mapping: Mapping) throws -> any AdapterKind {
        let name = try mapping.decodePart(AdapterWords.self).kind ?? LoRAConfiguration.name
        guard let type = AdapterKinds.named(name) else {
            throw mapping.error("kind", "found '\(name)', expected one of \(AdapterKinds.known)")
        }
        func settings<Settings: AdapterKind>(_ type: Settings.Type) throws -> any AdapterKind {
            let rest = mapping.without("kind")
            if try Mapping(json: Settings().json()).isEmpty, let key = rest.members.first?.key {
                throw rest.error(key, "unknown key; \(Settings.name) has none")
            }
            return try rest.read(type) { $0 }
        }
        return try settings(type)
    }

    /// The adapter without the blocks that an objective holds as they are.
    private static func held(_ adapter: any AdapterKind, _ run: RunContext) throws -> any AdapterKind {
        var adapter = adapter
        for component in run.objectives {
            let entry = try ObjectiveTerms.entry(component)
            guard let blocks = try entry.trainedBlocks(component.settings, run) else { continue }
            guard let part = adapter.restricted(to: blocks) else {
                throw component.settings.error(
                    "freezeAbove",
                    "leaves blocks \(blocks) to train, which the adapter (\(type(of: adapter).name)) does not have or "
                        + "cannot be restricted to"
                )
            }
            adapter = part
        }
        return adapter
    }

    /// Checks that the adapter fits the model, as far as the model can be read where this runs.
    private func checkAdapter(_ run: RunContext) throws {
        let shape: DecoderConfiguration
        do {
            shape = try run.shared.value("shape of \(model)") { try BaseModel.configuration(of: model) }
        } catch CheckpointError.inaccessible {
            try checkForm(run)
            // A path of another host: whoever loads the model will say so.
            return
        }
        do throws(AdapterError) {
            _ = try adapter.arrays(of: shape)
        } catch {
            guard case .badConfiguration(let key, let detail) = error else { return }
            throw run.adapter.error(key, detail)
        }
    }

    /// Checks that a path leads to what its key says, where it leads anywhere.
    private func checkForm(_ run: RunContext) throws {
        switch model {
        case .embedded: return
        case .gguf(let path):
            guard let inside = try? FileManager.default.contentsOfDirectory(atPath: path) else { return }
            let file = inside.sorted().first { $0.hasSuffix(".gguf") }
            throw run.model.error(
                "gguf",
                "found a folder, expected a GGUF file"
                    + (file.map { ": gguf: \(path)/\($0)" } ?? "; a folder with config.json is 'directory'")
            )
        case .directory(let path):
            if path.hasSuffix(".gguf"), FileManager.default.fileExists(atPath: path) {
                throw run.model.error(
                    "directory",
                    "found a GGUF file, expected a folder; write gguf: \(path)"
                )
            }
            guard let inside = try? FileManager.default.contentsOfDirectory(atPath: path),
                let file = inside.sorted().first(where: { $0.hasSuffix(".gguf") })
            else { return }
            throw run.model.error(
                "directory",
                "found \(file) in it and no config.json; write gguf: \(path)/\(file)"
            )
        }
    }

    /// The run with the adapter's and the objectives' defaults filled in.
    func completed(_ run: RunContext) throws -> RunContext {
        var run = run
        let kind = try Mapping(json: Array(#"{"kind":"\#(type(of: adapter).name)"}"#.utf8))
        guard case .mapping(var pairs) = kind.value else { return run }
        let settings = try Mapping(json: adapter.json(), file: run.adapter.file)
        if case .mapping(let others) = settings.value { pairs += others }
        run.adapter = Mapping(file: run.adapter.file, key: "adapter", value: .mapping(pairs), lines: [:])
        run.objectives = try run.objectives.map {
            Component($0.name, try ObjectiveTerms.entry($0).completed($0.settings))
        }
        return run
    }

    /// The adapter's names and shapes; nil where the model cannot be read here.
    func layout(_ run: RunContext) throws -> AdapterLayout? {
        let shape: DecoderConfiguration
        do {
            shape = try run.shared.value("shape of \(model)") { try BaseModel.configuration(of: model) }
        } catch CheckpointError.inaccessible {
            return nil
        }
        return Adapter.layout(of: try adapter.arrays(of: shape))
    }

    /// Compares an adapter's kind with the topology's: one of other settings computes something else from the same
    /// arrays.
    func compare(_ found: any AdapterKind, of folder: String, _ run: RunContext) throws {
        // Which maps and blocks a LoRA has shows in its arrays, which are compared by name.
        let byArrays: Set = ["targets", "layers"]
        func settings(_ kind: any AdapterKind) throws -> [String] {
            try ["kind: \(type(of: kind).name)"]
                + Mapping(json: kind.json()).members.filter { !byArrays.contains($0.key) }
                .map { "\($0.key): \($0.value)" }
        }
        let (theirs, ours) = (try settings(found), try settings(adapter))
        guard theirs == ours else {
            throw run.adapter.error(
                "",
                "found {\(ours.joined(separator: ", "))}, but \(folder) holds {\(theirs.joined(separator: ", "))}"
            )
        }
    }

    /// Refuses an adapter of another embedded model: two of them have the same shapes. What other names mean differs from
    /// host to host, and the shapes have to tell.
    func compareBase(of folder: String, _ run: RunContext) throws {
        guard case .embedded(let ours) = model,
            let name = AdapterDirectory.baseModelName(of: folder)?.split(whereSeparator: { "/:".contains($0) }
            ).last,
            EmbeddedModels.names.contains(String(name)), name != ours
        else { return }
        throw run.model.error("embedded", "found '\(ours)', but \(folder) holds an adapter of '\(name)'")
    }

    /// Everything that members must agree on besides the settings.
    ///
    /// - Throws: What loading the base model throws.
    func fingerprint(_ run: RunContext) throws -> [FingerprintPart] {
        var parts = try LanguageWords.fingerprint(of: base(run))
        parts.append(FingerprintPart("model.weights", weights.rawValue))
        parts.append(FingerprintPart("adapter.kind", type(of: adapter).name))
        for (key, value) in try Mapping(json: adapter.json()).members {
            parts.append(FingerprintPart("adapter.\(key)", value))
        }
        var count: [String: Int] = [:]
        for component in run.objectives {
            count[component.name, default: 0] += 1
            let number = count[component.name].map { $0 > 1 ? "[\($0)]" : "" } ?? ""
            let value = try ObjectiveTerms.entry(component).fingerprint(component.settings, run)
            parts.append(LanguageWords.part("objectives.\(component.name)\(number)", value))
        }
        return parts
    }

    /// What a base model is: its weights, every value of its configuration, and its tokenizer with its template.
    static func fingerprint(of base: BaseModel) throws -> [FingerprintPart] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let configuration = try Mapping(json: Array(encoder.encode(base.configuration.canonical)))
        return [FingerprintPart("base model", base.sha256.description)]
            + configuration.members.map { part("base model.\($0.key)", $0.value) }
            + [
                // Before the tokenizer's, which covers it: the first part that differs is the one that is named.
                FingerprintPart(FingerprintPart.template, base.templateSHA256?.description ?? "none"),
                FingerprintPart("base model.tokenizer", base.tokenizerSHA256.description),
            ]
    }

    /// A part that is short enough to be read.
    private static func part(_ name: String, _ value: String) -> FingerprintPart {
        FingerprintPart(name, value.utf8.count > 240 ? "sha256:\(SHA256Digest(of: value.utf8))" : value)
    }

    /// The base model, loaded once in a process.
    ///
    /// - Throws: `MissingModel` on the line of the model where its files are not here; `CheckpointError`.
    func base(_ run: RunContext) throws -> BaseModel {
        do {
            return try run.shared.value("model \(model) \(weights)") {
                try BaseModel.load(model, weights: weights)
            }
        } catch CheckpointError.inaccessible(let file, let reason) {
            let key = if case .gguf = model { "gguf" } else { "directory" }
            throw MissingModel(run.model.error(key, "\(file): \(reason); expected the model's files there"))
        }
    }
}

/// A model whose files are not where the topology says.
struct MissingModel: GivenFault, CustomStringConvertible {
    /// The line, the key and the file.
    let description: String
    /// A file that is needed is not there.
    var faultKind: FaultKind { .missingInput }

    init(_ error: ConfigurationError) { description = "\(error)" }
}

extension LocalTrainer where Settings: LanguageSettings {
    /// Checks `model`, `adapter` and `objectives`.
    package static func check(_ settings: Settings, _ run: RunContext) throws { _ = try LanguageWords(run) }

    /// The base model, the adapter's shape, and the added objectives.
    package static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> [FingerprintPart] {
        try LanguageWords(run).fingerprint(run)
    }

    /// Fills in the defaults of `adapter` and `objectives`.
    package static func completed(_ settings: Settings, _ run: RunContext) throws -> RunContext {
        try LanguageWords(run).completed(run)
    }

    /// The adapter's arrays, from the model's shape.
    package static func layout(_ settings: Settings, _ run: RunContext) throws -> AdapterLayout? {
        try LanguageWords(run).layout(run)
    }

    /// Loads the model, checks the private questions, and counts them.
    ///
    /// - Throws: `QuestionFault` naming a question; what loading the model throws.
    package static func examine(_ settings: Settings, _ client: ClientContext) throws -> String {
        let task = try LanguageTask(client.run, settings: settings)
        try task.requireRoom(client.run)
        let questions = try LanguageData.questions(of: client)
        guard !questions.isEmpty else {
            throw client.data.error("", "found no private questions, expected at least one")
        }
        _ = try task.gradedPrompts(of: questions, set: "private")
        try task.examineObjectives(client.run)
        return LanguageData.counted(questions)
    }

    /// The first prompts of the private questions or conversations.
    package static func itemTexts(_ settings: Settings, _ client: ClientContext) throws -> [String] {
        try LanguageData.texts(of: client)
    }

    /// The base model's parameters.
    package static func parameterCount(_ settings: Settings, _ run: RunContext) throws -> Int? {
        try LanguageWords(run).base(run).configuration.parameterCount
    }

    /// Writes a folder, PEFT's for LoRA.
    package static func write(
        _ adapter: AdapterWeights,
        to folder: String,
        _ settings: Settings,
        _ run: RunContext
    ) throws -> Bool {
        let words = try LanguageWords(run)
        try AdapterDirectory.write(
            adapter,
            words.adapter,
            baseModelName: words.model.path,
            to: folder
        )
        return true
    }

    /// Reads a folder that holds an adapter of any kind.
    package static func readAdapter(
        from folder: String,
        _ settings: Settings,
        _ run: RunContext
    ) throws -> AdapterWeights? {
        let words = try LanguageWords(run)
        let (weights, kind) = try AdapterDirectory.read(from: folder, for: words.base(run).configuration)
        try words.compare(kind, of: folder, run)
        try words.compareBase(of: folder, run)
        return weights
    }
}

/// The base model that a topology names, for programs that need it besides the trainer.
package enum LanguageBase {
    /// The model, loaded once in a process.
    package static func model(of run: RunContext) throws -> BaseModel { try LanguageWords(run).base(run) }
}
