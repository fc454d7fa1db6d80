internal import Synchronization
public import Models
public import Tasks

/// What a client gives its trainer besides the settings.
public struct ClientResources: Sendable {
    /// The federation's seed.
    public var seed: UInt64
    /// The client's name, part of every random stream's path.
    public var client: String
    /// The base models this process has loaded.
    public var models: ModelStore
    /// The base model; trainers without one ignore it.
    public var model: ModelSource
    /// Where and how low-rank factors are added to it.
    public var adapter: LoRAConfiguration
    /// The private questions and answers. They never leave the client.
    public var questions: [Question]

    /// Gathers a client's resources.
    public init(
        seed: UInt64,
        client: String,
        models: ModelStore,
        model: ModelSource,
        adapter: LoRAConfiguration,
        questions: [Question]
    ) {
        self.seed = seed
        self.client = client
        self.models = models
        self.model = model
        self.adapter = adapter
        self.questions = questions
    }
}

/// What the coordinator gives its judge besides the settings.
public struct CoordinatorResources: Sendable {
    /// The federation's seed.
    public var seed: UInt64
    /// The steps of a round and which of them are public.
    public var schedule: Schedule
    /// The base models this process has loaded.
    public var models: ModelStore
    /// The base model; judges without one ignore it.
    public var model: ModelSource
    /// Where and how low-rank factors are added to it.
    public var adapter: LoRAConfiguration
    /// The public questions, with their answers, which stay here.
    public var publicQuestions: [Question]
    /// The held-out questions that `evaluate` uses.
    public var heldOutQuestions: [Question]

    /// Gathers the coordinator's resources.
    public init(
        seed: UInt64,
        schedule: Schedule,
        models: ModelStore,
        model: ModelSource,
        adapter: LoRAConfiguration,
        publicQuestions: [Question],
        heldOutQuestions: [Question]
    ) {
        self.seed = seed
        self.schedule = schedule
        self.models = models
        self.model = model
        self.adapter = adapter
        self.publicQuestions = publicQuestions
        self.heldOutQuestions = heldOutQuestions
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

/// Base models by source, each loaded once in a process and shared by all who train on it.
public final class ModelStore: Sendable {
    private let loaded = Mutex<[(source: ModelSource, model: BaseModel)]>([])

    /// Makes an empty store.
    public init() {}

    /// The model of a source, loading it at the first call. Others who ask meanwhile wait.
    ///
    /// - Throws: Whatever `BaseModel.load` throws.
    public func model(_ source: ModelSource) throws -> BaseModel {
        try loaded.withLock { loaded in
            if let found = loaded.first(where: { $0.source == source }) { return found.model }
            let model = try BaseModel.load(source)
            loaded.append((source, model))
            return model
        }
    }
}
