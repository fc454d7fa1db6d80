internal import Aggregation
package import Contract
internal import Digest
internal import FoundationEssentials
internal import Glibc
package import Ledger
internal import Models
internal import Rounds
package import Topology
internal import Wire

/// A topology together with the trainer, the monitors and the guards that it names: what nodes are made of.
///
/// Whatever a topology names is looked up and checked here, before the first connection.
package struct Job: Sendable {
    /// What is run.
    package let topology: Topology
    let entry: TrainerEntry
    /// The trainer's settings with their defaults, as JSON with sorted keys.
    package let settings: [UInt8]
    let monitors: [(entry: MonitorEntry, settings: Mapping)]
    let guards: [(entry: GuardEntry, settings: Mapping)]
    /// What happens to an update before it is encoded.
    let outgoing: TransformChain
    /// What happens to an update after it was checked.
    let incoming: TransformChain
    private let shared: SharedValues

    /// Looks up what the topology names and checks what is said in its owners' words.
    ///
    /// - Parameters:
    ///   - topology: What to run.
    ///   - registry: The trainers, monitors and guards there are.
    ///   - shared: What the trainers of this process share.
    /// - Throws: `ConfigurationError` with everything that is wrong, by line.
    package init(_ topology: Topology, _ registry: Registry, shared: SharedValues = SharedValues()) throws {
        guard let entry = registry.trainers.first(where: { $0.name == topology.trainer.name }) else {
            let known = registry.trainers.map(\.name).sorted().joined(separator: ", ")
            throw topology.trainer.settings.error(
                beside: "name",
                "found '\(topology.trainer.name)', expected one of \(known)"
            )
        }
        var problems = Problems()
        let run = topology.runContext(threads: 1, shared: shared)
        let settings = try problems.collect { try entry.check(run) }
        let monitors = try topology.monitors.compactMap { component in
            try problems.collect {
                let entry = try Job.find(component, registry.monitors, \.name, "monitor")
                _ = try entry.check(component.settings)
                return (entry: entry, settings: component.settings)
            }
        }
        let guards = try topology.guards.compactMap { component in
            try problems.collect {
                let entry = try Job.find(component, registry.guards, \.name, "guard")
                _ = try entry.check(component.settings)
                return (entry: entry, settings: component.settings)
            }
        }
        if settings != nil { _ = try problems.collect { try Job.checkRule(topology, entry, run) } }
        let outgoing = try problems.collect { try TransformChain(topology.transforms.client) }
        let incoming = try problems.collect { try TransformChain(topology.transforms.coordinator) }
        try problems.throwIfAny()
        guard let settings, let outgoing, let incoming else {
            preconditionFailure("something is missing without a problem")
        }
        self.topology = topology
        self.entry = entry
        self.settings = settings
        self.monitors = monitors
        self.guards = guards
        self.outgoing = outgoing
        self.incoming = incoming
        self.shared = shared
    }

    /// Reads a topology file and looks up what it names.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong in it, by line.
    package static func load(_ topologyFile: String, _ registry: Registry) throws -> Job {
        var job: Job?
        let topology = try Topology.load(topologyFile) { job = try Job($0, registry) }
        return try job ?? Job(topology, registry)
    }

    /// Checks that the rule of the topology can merge what the trainer trains, where that can be told already.
    private static func checkRule(_ topology: Topology, _ entry: TrainerEntry, _ run: RunContext) throws {
        guard let layout = try entry.layout(run) else { return }
        do {
            _ = try DeltaRules.rule(named: topology.aggregation.delta, for: layout)
        } catch let fault as DeltaRuleFault {
            let key = "aggregation.delta"
            let file = topology.trainer.settings.file
            throw ConfigurationError(
                file: file,
                problems: [
                    .init(
                        line: nil,
                        key: key,
                        message: "\(fault); expected factors or median, or 'kind: lora'"
                    )
                ]
            )
        }
    }

    private static func find<Entry>(
        _ component: Component,
        _ entries: [Entry],
        _ name: KeyPath<Entry, String>,
        _ kind: String
    ) throws -> Entry {
        if let entry = entries.first(where: { $0[keyPath: name] == component.name }) { return entry }
        let known = entries.map { $0[keyPath: name] }.sorted().joined(separator: ", ")
        throw component.settings.error("", "found the \(kind) '\(component.name)', expected one of \(known)")
    }

    /// Gathers the problems of several parts of a file, so that one run shows them all.
    private struct Problems {
        private var found: [ConfigurationError] = []

        mutating func collect<Value>(_ body: () throws -> Value) throws -> Value? {
            do {
                return try body()
            } catch let error as ConfigurationError {
                found.append(error)
                return nil
            }
        }

        func throwIfAny() throws {
            guard let first = found.first else { return }
            throw ConfigurationError(file: first.file, problems: found.flatMap(\.problems))
        }
    }
}

// MARK: - Trainer and data

extension Job {
    /// What all members' trainers have in common, as a process with so many threads sees it.
    func run(threads: Int) -> RunContext { topology.runContext(threads: threads, shared: shared) }

    /// What a client gives its trainer.
    ///
    /// - Parameters:
    ///   - name: The client.
    ///   - dataFile: A file that stands for `data: {path: FILE}`, in place of what the topology says.
    ///   - timer: Where the trainer marks how long it samples.
    /// - Throws: `NodeError` for a client the topology does not have.
    package func clientContext(
        _ name: String,
        dataFile: String? = nil,
        timer: StepTimer = StepTimer()
    ) throws -> ClientContext {
        guard let client = topology.client(named: name) else {
            let known = topology.clients.map(\.name).joined(separator: ", ")
            throw NodeError(.configuration, "the topology has no client '\(name)'; it has \(known)")
        }
        let data = dataFile.map { file in
            let path = file.hasPrefix("/") ? file : FileManager.default.currentDirectoryPath + "/" + file
            return Mapping(
                file: "--data",
                key: "",
                value: .mapping([.init(key: "path", value: .text(path))]),
                lines: [:]
            )
        }
        return ClientContext(
            run: run(threads: client.threads),
            name: name,
            data: data ?? client.data,
            timer: timer
        )
    }

    /// What the coordinator gives its judge, its monitors and its guards.
    package var coordinatorContext: CoordinatorContext {
        CoordinatorContext(
            run: run(threads: topology.coordinator.threads),
            publicData: topology.publicData,
            evaluationData: topology.evaluation,
            poolRule: topology.pool
        )
    }

    /// Makes a client's trainer.
    package func makeTrainer(
        client name: String,
        dataFile: String?,
        timer: StepTimer = StepTimer()
    ) throws -> any LocalTrainer {
        try entry.makeTrainer(clientContext(name, dataFile: dataFile, timer: timer))
    }

    /// Makes the coordinator's judge.
    package func makeJudge() throws -> any PublicJudge { try entry.makeJudge(coordinatorContext) }

    /// Checks one client's data, and says in a few words what was found.
    func examineData(of client: String, file: String?) throws -> String {
        try entry.examineClient(clientContext(client, dataFile: file))
    }

    /// The parameters of a full synchronisation, for comparison; nil where there is nothing to compare with.
    package func parameterCount() throws -> Int? { try entry.parameterCount(run(threads: 1)) }

    /// Writes an adapter into a folder as the trainer's users expect it; what no trainer has a format for becomes a
    /// safetensors file beside a JSON file that says what its parts are.
    package func writeAdapter(_ adapter: AdapterWeights, to folder: String) throws {
        if try entry.write(adapter, folder, run(threads: 1)) { return }
        try OutputFault.wrap(folder) {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        try SafetensorsWriter.write(adapter.arrays, to: folder + "/adapter.safetensors")
        let description = DenseAdapterFile(trainer: entry.name, arrays: adapter.arrays.map(\.name))
        try Data(description.json().utf8).write(to: URL(filePath: folder + "/adapter.json"), options: .atomic)
    }

    /// Reads an adapter that `writeAdapter` wrote, and checks that it is of a layout.
    ///
    /// - Throws: What is wrong with the files; `NodeError` for another layout.
    package func readAdapter(from folder: String, like layout: AdapterLayout) throws -> AdapterWeights {
        let adapter = try anyAdapter(in: folder)
        do {
            return try layout.apply(to: adapter)
        } catch {
            throw NodeError(.data, "\(folder): \(error); the topology's `adapter` describes another layout")
        }
    }

    /// Reads an adapter that `writeAdapter` wrote.
    package func anyAdapter(in folder: String) throws -> AdapterWeights {
        try entry.readAdapter(folder, run(threads: 1)) ?? Job.denseAdapter(in: folder)
    }

    /// Reads an adapter for which its trainer has no format.
    package static func denseAdapter(in folder: String) throws -> AdapterWeights {
        AdapterWeights(try SafetensorsFile(path: folder + "/adapter.safetensors").arrays())
    }

    private struct DenseAdapterFile: Encodable {
        let format = "tributary-adapter"
        let trainer: String
        let arrays: [String]
    }
}

// MARK: - What a state directory says of its run

extension Job {
    /// The file of a state directory that holds the topology with every default filled in, for whoever reads the
    /// directory later without the rest of the run.
    package static let topologyName = "topology.yaml"

    /// Writes the topology into a state directory.
    ///
    /// - Throws: `NodeError` if it cannot be written.
    func keepTopology(in directory: String) throws {
        let file = directory + "/" + Job.topologyName
        let text = Array(topology.resolvedYAML.utf8)
        if let found = try? Data(contentsOf: URL(filePath: file)), Array(found) == text { return }
        do {
            try Data(text).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw NodeError(.failed, "cannot write \(file)", underlying: error)
        }
    }
}

// MARK: - What members agree on

extension Job {
    /// Everything that all members must agree on, part by part: what the topology fixes, each of the trainer's
    /// settings, and the trainer's own fingerprint. Loads a base model at the first call.
    package func fingerprint() throws -> [FingerprintPart] {
        let rounds = topology.rounds
        var parts = [
            FingerprintPart("seed", "\(topology.seed)"),
            FingerprintPart("rounds.count", "\(rounds.count)"),
            FingerprintPart("rounds.steps", "\(rounds.steps)"),
            FingerprintPart("rounds.localPerPublic", "\(min(rounds.localPerPublic, rounds.steps))"),
            FingerprintPart("wire.encoding", topology.encoding.rawValue),
        ]
        parts += try entry.fingerprint(run(threads: 1))
        for (key, value) in try Mapping(json: settings).members {
            parts.append(FingerprintPart("trainer.settings.\(key)", value))
        }
        for (index, transform) in try TransformChain.completed(topology.transforms.client).enumerated() {
            let settings = String(decoding: transform.settings.json, as: UTF8.self)
            parts.append(FingerprintPart("transforms.client[\(index)]", "\(transform.name) \(settings)"))
        }
        if topology.namesMembers {
            parts.append(FingerprintPart("data.members", topology.members.joined(separator: " ")))
        }
        // Where a host keeps its files, and how they are laid out, is its own affair; a recipe is everybody's.
        if !topology.clientData.isEmpty, !topology.clientData.namesFiles {
            let recipe = String(decoding: topology.clientData.json, as: UTF8.self)
            parts.append(FingerprintPart("data.clients", recipe))
        }
        let short = parts.map { part in
            guard part.value.utf8.count > Limits.fingerprintBytesMax else { return part }
            return FingerprintPart(part.name, SHA256Digest(of: part.value.utf8).description)
        }
        try Hello.check(short)
        return short
    }

    /// What the coordinator's state directory belongs to.
    ///
    /// - Parameter start: What the run starts from, which only the coordinator has to have.
    func federationIdentity(_ start: Start? = nil) throws -> FederationIdentity {
        let (fingerprint, parts) = try identity()
        let own = start.map { "\(Job.startPart): \($0.digest)\n" } ?? ""
        let digest = topology.digest
        return FederationIdentity(
            federation: topology.federation,
            topology: own.isEmpty ? digest : SHA256Digest(of: "\(digest)\n\(own)".utf8),
            seed: topology.seed,
            fingerprint: fingerprint,
            parts: parts + own,
            variable: Job.variableParts
        )
    }

    /// What a client's state directory belongs to.
    package func clientIdentity(_ name: String) throws -> ClientIdentity {
        let (fingerprint, parts) = try identity()
        return ClientIdentity(
            federation: topology.federation,
            client: name,
            seed: topology.seed,
            fingerprint: fingerprint,
            topology: topology.digest,
            parts: parts,
            variable: Job.variableParts
        )
    }

    /// What a state directory belongs to: the fingerprint as one digest, and part by part with what else the topology
    /// fixes.
    private func identity() throws -> (fingerprint: SHA256Digest, parts: String) {
        let fingerprint = try fingerprint().filter { $0.name != FingerprintPart.template }
            .map { ($0.name, $0.value) }
        let lines = (fingerprint + topology.agreedParts).map { name, value in
            "\(name): \(value.replacing("\n", with: " "))\n"
        }
        return (SHA256Digest(of: fingerprint.map { "\($0)=\($1)\n" }.joined().utf8), lines.joined())
    }

    /// The run as the coordinator's machine sees it.
    ///
    /// - Parameter quorum: The quorum where the topology states none; nil for the topology's default.
    func runPlan(quorum: Int? = nil) throws -> RunPlan {
        let rounds = topology.rounds
        return RunPlan(
            federation: topology.federation,
            seed: topology.seed,
            clients: topology.clients.map(\.name),
            trainer: entry.name,
            settings: settings,
            fingerprint: try fingerprint(),
            encoding: topology.encoding,
            heldOut: try heldOutDigests(),
            rounds: rounds.count,
            steps: rounds.steps,
            localPerPublic: rounds.localPerPublic < rounds.steps ? rounds.localPerPublic : 0,
            quorum: rounds.quorum ?? quorum ?? topology.quorum,
            deadlines: PhaseDeadlines(
                startMs: rounds.deadlines.start.milliseconds,
                publicStepMs: rounds.deadlines.publicStep.milliseconds,
                updateMs: rounds.deadlines.update.milliseconds
            ),
            heartbeatMs: rounds.deadlines.heartbeat.milliseconds,
            idleMs: rounds.deadlines.idle.milliseconds,
            lingerMs: rounds.deadlines.farewell.milliseconds
        )
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
