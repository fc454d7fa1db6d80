/// What a finished run amounts to: the content of `summary.json` and of the report page.
public struct RunSummary: Codable, Sendable, Equatable {
    /// The federation's name.
    public var federation: String
    /// The topology file, as it was named.
    public var topology: String
    /// The trainer's name.
    public var trainer: String
    /// The federation's seed.
    public var seed: UInt64
    /// How many rounds were finished.
    public var rounds: Int
    /// How many clients took part.
    public var clients: Int
    /// Held-out pass@1 at the end, by method.
    public var passAt1: MethodScores
    /// What crossed the wire.
    public var bytes: ByteTotals
    /// How long the parts took.
    public var seconds: Seconds
    /// SHA-256 of the final adapter's file.
    public var adapterSHA256: String
    /// Round by round, from the first.
    public var history: [RoundHistory]
    /// Settings for the report's table, in the order to show them.
    public var settings: [Setting]

    /// Gathers a summary.
    public init(
        federation: String,
        topology: String,
        trainer: String,
        seed: UInt64,
        rounds: Int,
        clients: Int,
        passAt1: MethodScores,
        bytes: ByteTotals,
        seconds: Seconds,
        adapterSHA256: String,
        history: [RoundHistory],
        settings: [Setting]
    ) {
        self.federation = federation
        self.topology = topology
        self.trainer = trainer
        self.seed = seed
        self.rounds = rounds
        self.clients = clients
        self.passAt1 = passAt1
        self.bytes = bytes
        self.seconds = seconds
        self.adapterSHA256 = adapterSHA256
        self.history = history
        self.settings = settings
    }
}

/// A name and a value of the settings table.
public struct Setting: Codable, Sendable, Equatable {
    /// The name.
    public var name: String
    /// The value with its unit.
    public var value: String

    /// Makes a row.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// How long the parts of a run took, in seconds.
public struct Seconds: Codable, Sendable, Equatable {
    /// Making the program and the base model ready.
    public var build: Double
    /// The federated run.
    public var training: Double
    /// The evaluations.
    public var evaluation: Double

    /// Gathers durations in seconds.
    public init(build: Double, training: Double, evaluation: Double) {
        self.build = build
        self.training = training
        self.evaluation = evaluation
    }
}
