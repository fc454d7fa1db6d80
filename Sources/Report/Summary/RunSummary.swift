package import Contract

/// What a finished run amounts to: the content of `summary.json` and of the report page.
package struct RunSummary: Sendable, Equatable {
    /// The federation's name.
    package var federation: String
    /// The topology file, as it was named.
    package var topology: String
    /// The trainer's name.
    package var trainer: String
    /// The federation's seed.
    package var seed: UInt64
    /// How many rounds were finished.
    package var rounds: Int
    /// How many clients took part.
    package var clients: Int
    /// What the scores are.
    package var measure: Measure
    /// The scores at the end, by method.
    package var scores: MethodScores
    /// What crossed the wire.
    package var bytes: ByteTotals
    /// How long the parts took.
    package var seconds: Seconds
    /// What identifies the final adapter: SHA-256 of its values, as SPEC.md (`finished`) defines it.
    package var adapterDigest: String
    /// Round by round, from the first.
    package var history: [RoundHistory]
    /// Settings for the report's table, in the order to show them.
    package var settings: [Setting]
    /// Further metrics of the last evaluation, by name.
    package var metrics: [String: Double]
    /// Figures of the last evaluation and of monitors.
    package var figures: [Figure]

    /// What was found of held-out items among those that are learnt from; nil where nothing was compared.
    package var overlap: HeldOutOverlap?

    /// Gathers a summary.
    package init(
        federation: String,
        topology: String,
        trainer: String,
        seed: UInt64,
        rounds: Int,
        clients: Int,
        measure: Measure,
        scores: MethodScores,
        bytes: ByteTotals,
        seconds: Seconds,
        adapterDigest: String,
        history: [RoundHistory],
        settings: [Setting],
        metrics: [String: Double] = [:],
        figures: [Figure] = [],
        overlap: HeldOutOverlap? = nil
    ) {
        self.federation = federation
        self.topology = topology
        self.trainer = trainer
        self.seed = seed
        self.rounds = rounds
        self.clients = clients
        self.measure = measure
        self.scores = scores
        self.bytes = bytes
        self.seconds = seconds
        self.adapterDigest = adapterDigest
        self.history = history
        self.settings = settings
        self.metrics = metrics
        self.figures = figures
        self.overlap = overlap
    }
}

/// A name and a value of the settings table.
package struct Setting: Codable, Sendable, Equatable {
    /// The name.
    package var name: String
    /// The value with its unit.
    package var value: String

    /// Makes a row.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// How long the parts of a run took, in seconds.
package struct Seconds: Codable, Sendable, Equatable {
    /// Making the program and the base model ready.
    package var build: Double
    /// The federated run.
    package var training: Double
    /// The evaluations.
    package var evaluation: Double

    /// Gathers durations in seconds.
    package init(build: Double, training: Double, evaluation: Double) {
        self.build = build
        self.training = training
        self.evaluation = evaluation
    }
}
