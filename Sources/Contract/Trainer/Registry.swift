/// One trainer with its types erased: everything goes in and out as values, mappings and bytes.
public struct TrainerEntry: Sendable {
    /// The word that names the trainer in a topology file.
    public let name: String

    /// Checks all that the topology says in the trainer's words, and returns the settings complete, defaults
    /// included, as JSON with sorted keys: equal settings give equal bytes.
    public let check: @Sendable (RunContext) throws -> [UInt8]

    /// What all members must agree on besides the settings.
    public let fingerprint: @Sendable (RunContext) throws -> [FingerprintPart]

    /// The same run with every default of the trainer's settings, adapter and objectives filled in.
    public let completed: @Sendable (RunContext) throws -> RunContext

    /// The adapter's names and shapes; see `LocalTrainer.layout`.
    public let layout: @Sendable (RunContext) throws -> AdapterLayout?

    /// A client's texts; see `LocalTrainer.itemTexts`.
    public let clientTexts: @Sendable (ClientContext) throws -> [String]

    /// The coordinator's texts; see `PublicJudge.itemTexts`.
    public let judgedTexts: @Sendable (CoordinatorContext) throws -> JudgedTexts

    /// Checks a client's data; see `LocalTrainer.examine`.
    public let examineClient: @Sendable (ClientContext) throws -> String

    /// Checks the coordinator's data; see `PublicJudge.examine`.
    public let examineCoordinator: @Sendable (CoordinatorContext) throws -> [String]

    /// Makes the client's half.
    public let makeTrainer: @Sendable (ClientContext) throws -> any LocalTrainer

    /// Makes the coordinator's half.
    public let makeJudge: @Sendable (CoordinatorContext) throws -> any PublicJudge

    /// Writes an adapter; see `LocalTrainer.write`.
    public let write: @Sendable (AdapterWeights, String, RunContext) throws -> Bool

    /// Reads an adapter; see `LocalTrainer.readAdapter`.
    public let readAdapter: @Sendable (String, RunContext) throws -> AdapterWeights?

    /// The parameters of a full synchronisation; see `LocalTrainer.parameterCount`.
    public let parameterCount: @Sendable (RunContext) throws -> Int?

    /// Erases a trainer and its judge, which share their settings.
    public init<Trainer: LocalTrainer, Judge: PublicJudge>(_ trainer: Trainer.Type, judge: Judge.Type)
    where Trainer.Settings == Judge.Settings {
        name = Trainer.name
        check = { run in
            try run.settings.read(Trainer.Settings.self) { settings in
                try Trainer.check(settings, run)
                return try settings.json()
            }
        }
        fingerprint = { run in
            try run.settings.read(Trainer.Settings.self) { try Trainer.fingerprint($0, run) }
        }
        completed = { run in
            try run.settings.read(Trainer.Settings.self) { settings in
                var run = try Trainer.completed(settings, run)
                run.settings = try Mapping(json: settings.json(), file: run.settings.file)
                return run
            }
        }
        layout = { run in
            try run.settings.read(Trainer.Settings.self) { try Trainer.layout($0, run) }
        }
        clientTexts = { context in
            try context.run.settings.read(Trainer.Settings.self) { try Trainer.itemTexts($0, context) }
        }
        judgedTexts = { context in
            try context.run.settings.read(Judge.Settings.self) { try Judge.itemTexts($0, context) }
        }
        examineClient = { context in
            try context.run.settings.read(Trainer.Settings.self) { try Trainer.examine($0, context) }
        }
        examineCoordinator = { context in
            try context.run.settings.read(Judge.Settings.self) { try Judge.examine($0, context) }
        }
        makeTrainer = { context in
            try context.run.settings.read(Trainer.Settings.self) {
                try Trainer(settings: $0, context: context)
            }
        }
        makeJudge = { context in
            try context.run.settings.read(Judge.Settings.self) { try Judge(settings: $0, context: context) }
        }
        write = { adapter, folder, run in
            try run.settings.read(Trainer.Settings.self) {
                try Trainer.write(adapter, to: folder, $0, run)
            }
        }
        readAdapter = { folder, run in
            try run.settings.read(Trainer.Settings.self) { try Trainer.readAdapter(from: folder, $0, run) }
        }
        parameterCount = { run in
            try run.settings.read(Trainer.Settings.self) { try Trainer.parameterCount($0, run) }
        }
    }
}

/// One monitor with its types erased.
public struct MonitorEntry: Sendable {
    /// The word that names it in a topology file.
    public let name: String
    /// Reads and checks its settings, and returns them with their defaults.
    public let check: @Sendable (Mapping) throws -> Mapping
    /// Makes it.
    public let make: @Sendable (Mapping, CoordinatorContext) throws -> any RoundMonitor

    /// Erases a monitor.
    public init<Monitor: RoundMonitor>(_ monitor: Monitor.Type) {
        name = Monitor.name
        check = { mapping in
            try mapping.read(Monitor.Settings.self) { try Mapping(json: $0.json(), file: mapping.file) }
        }
        make = { mapping, context in
            try mapping.read(Monitor.Settings.self) { try Monitor(settings: $0, context: context) }
        }
    }
}

/// One guard with its types erased.
public struct GuardEntry: Sendable {
    /// The word that names it in a topology file.
    public let name: String
    /// Reads and checks its settings, and returns them with their defaults.
    public let check: @Sendable (Mapping) throws -> Mapping
    /// Makes it.
    public let make: @Sendable (Mapping, CoordinatorContext) throws -> any RoundGuard

    /// Erases a guard.
    public init<Guard: RoundGuard>(_ guard: Guard.Type) {
        name = Guard.name
        check = { mapping in
            try mapping.read(Guard.Settings.self) { try Mapping(json: $0.json(), file: mapping.file) }
        }
        make = { mapping, context in
            try mapping.read(Guard.Settings.self) { try Guard(settings: $0, context: context) }
        }
    }
}

/// The trainers, monitors and guards that a program knows, by name.
public struct Registry: Sendable {
    /// The trainers.
    public var trainers: [TrainerEntry]
    /// The monitors.
    public var monitors: [MonitorEntry]
    /// The guards.
    public var guards: [GuardEntry]

    /// Gathers what there is.
    public init(trainers: [TrainerEntry] = [], monitors: [MonitorEntry] = [], guards: [GuardEntry] = []) {
        self.trainers = trainers
        self.monitors = monitors
        self.guards = guards
    }

    /// Both together; of two with the same name the other one's counts.
    public func adding(_ other: Registry) -> Registry {
        Registry(
            trainers: trainers.filter { mine in !other.trainers.contains { $0.name == mine.name } }
                + other.trainers,
            monitors: monitors.filter { mine in !other.monitors.contains { $0.name == mine.name } }
                + other.monitors,
            guards: guards.filter { mine in !other.guards.contains { $0.name == mine.name } } + other.guards
        )
    }
}
