internal import Synchronization

/// What all members of a run have in common: what a trainer may build upon besides its own data.
public struct RunContext: Sendable {
    /// The federation's seed.
    public var seed: UInt64
    /// The steps of a round and which of them are public.
    public var schedule: Schedule
    /// The names of all clients that private data are divided among, in the order of their shares.
    public var clients: [String]
    /// `trainer.settings`.
    public var settings: Mapping
    /// `model`: what the trainer starts from, in the trainer's own words.
    public var model: Mapping
    /// `adapter`: what is trained, in the trainer's own words.
    public var adapter: Mapping
    /// `objectives`: terms to add to the trainer's objective, in the order of the file.
    public var objectives: [Component]
    /// The folder that relative paths start from.
    public var folder: String
    /// How many threads compute in this process; no result may depend on them.
    public var threads: Int
    /// Values that all trainers of this process share.
    public var shared: SharedValues

    /// Gathers what is common.
    public init(
        seed: UInt64,
        schedule: Schedule,
        clients: [String] = [],
        settings: Mapping = .empty,
        model: Mapping = .empty,
        adapter: Mapping = .empty,
        objectives: [Component] = [],
        folder: String = "/",
        threads: Int = 1,
        shared: SharedValues = SharedValues()
    ) {
        self.seed = seed
        self.schedule = schedule
        self.clients = clients
        self.settings = settings
        self.model = model
        self.adapter = adapter
        self.objectives = objectives
        self.folder = folder
        self.threads = threads
        self.shared = shared
    }

    /// A path made absolute: relative ones start from `folder`.
    public func absolutePath(_ path: String) -> String { path.hasPrefix("/") ? path : folder + "/" + path }
}

/// What a client gives its trainer.
public struct ClientContext: Sendable {
    /// What all members have in common.
    public var run: RunContext
    /// The client's name, part of every random stream's path.
    public var name: String
    /// The client's private data, in the trainer's own words. It never leaves the client.
    public var data: Mapping
    /// Where the trainer marks how long it samples, for metrics alone.
    public var timer: StepTimer

    /// Gathers a client's context.
    public init(run: RunContext, name: String, data: Mapping = .empty, timer: StepTimer = StepTimer()) {
        self.run = run
        self.name = name
        self.data = data
        self.timer = timer
    }

    /// Which share of divided data is the client's, from 0: its place among `run.clients`; 0 for a name that is not among
    /// them. It does not depend on the order in which the topology lists the clients.
    public var place: Int { run.clients.firstIndex(of: name) ?? 0 }
}

/// What the coordinator gives its judge, its monitors and its guards.
public struct CoordinatorContext: Sendable {
    /// What all members have in common.
    public var run: RunContext
    /// `data.public`: the public items, whose answers only the coordinator has.
    public var publicData: Mapping
    /// `data.evaluation`: the held-out set.
    public var evaluationData: Mapping
    /// `pool.rule`, for a judge that does not leave the pool to it: `none` asks for a pool without others' responses.
    public var poolRule: String

    /// Gathers the coordinator's context.
    public init(
        run: RunContext,
        publicData: Mapping = .empty,
        evaluationData: Mapping = .empty,
        poolRule: String = "balanced"
    ) {
        self.run = run
        self.publicData = publicData
        self.evaluationData = evaluationData
        self.poolRule = poolRule
    }
}

/// The steps of a round: `localPerPublic` local steps, then a public one, and so on.
public struct Schedule: Sendable, Equatable {
    /// S, the steps of a round, local and public together.
    public var stepsPerRound: Int
    /// q, the local steps before each public step; nil means no public steps.
    public var localPerPublic: Int?

    /// Makes a schedule; traps unless there is at least one step and q is not negative.
    public init(stepsPerRound: Int, localPerPublic: Int?) {
        precondition(stepsPerRound > 0, "a round needs a step, found \(stepsPerRound)")
        precondition((localPerPublic ?? 0) >= 0, "localPerPublic must not be negative")
        self.stepsPerRound = stepsPerRound
        self.localPerPublic = localPerPublic
    }

    /// Whether a step of a round is a public one: every (q+1)-th is.
    public func isPublic(_ step: Int) -> Bool {
        guard let localPerPublic else { return false }
        return step % (localPerPublic + 1) == localPerPublic
    }

    /// How many public steps a round has.
    public var publicStepsPerRound: Int {
        guard let localPerPublic else { return 0 }
        return stepsPerRound / (localPerPublic + 1)
    }

    /// How many public steps lie before a step, counted from the start of the federation.
    public func publicStepsBefore(round: Int, step: Int) -> Int {
        guard let localPerPublic else { return 0 }
        return round * publicStepsPerRound + step / (localPerPublic + 1)
    }
}

/// Values that all who ask in one process share, such as a base model: each is made once.
public final class SharedValues: Sendable {
    private let values = Mutex<[String: any Sendable]>([:])

    /// Makes an empty store.
    public init() {}

    /// The value of a key, made at the first call. Others who ask meanwhile wait.
    ///
    /// - Throws: What `make` throws; the next call then tries again.
    public func value<Value: Sendable>(_ key: String, make: () throws -> Value) throws -> Value {
        try values.withLock { values in
            if let found = values[key] as? Value { return found }
            let value = try make()
            values[key] = value
            return value
        }
    }
}

/// One thing on which all members must agree, such as a model's digest or a rank: two members whose values
/// differ are told the name and both values.
public struct FingerprintPart: Sendable, Hashable {
    /// What it is: `base model`, `adapter.rank`.
    public var name: String
    /// Its value, short enough to be read: a number, a word, a digest; at most 256 bytes.
    public var value: String

    /// Makes a part.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// The name of the part with a language model's chat template, which the tokenizer's part covers too: it is there so
    /// that people are told which of both differs, and the state of a run does not go by it.
    package static let template = "base model.template"
}
