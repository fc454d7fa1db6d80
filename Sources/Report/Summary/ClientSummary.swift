/// What a run amounts to as one client knows it: the content of the `summary.json` in its state folder.
package struct ClientSummary: Codable, Sendable, Equatable {
    /// The federation's name.
    package var federation: String
    /// The client's name.
    package var client: String
    /// The trainer's name.
    package var trainer: String
    /// The federation's seed.
    package var seed: UInt64
    /// How many rounds the run has.
    package var rounds: Int
    /// How many steps the run has.
    package var steps: Int
    /// How many of them this client took.
    package var stepsTaken: Int
    /// How many private examples it learnt from, with repetitions.
    package var examples: Int
    /// How long the parts took, in seconds: `sampling`, `training`, `waiting`.
    package var seconds: [String: Double]
    /// What identifies the final adapter; nil as long as the run is not over.
    package var adapterDigest: String?
    /// Round by round, from the first that it took steps in.
    package var history: [ClientRound]
    /// Settings for the report's table, in the order to show them.
    package var settings: [Setting]

    /// Gathers a summary.
    package init(
        federation: String,
        client: String,
        trainer: String,
        seed: UInt64,
        rounds: Int,
        steps: Int,
        stepsTaken: Int,
        examples: Int,
        seconds: [String: Double],
        adapterDigest: String?,
        history: [ClientRound],
        settings: [Setting]
    ) {
        self.federation = federation
        self.client = client
        self.trainer = trainer
        self.seed = seed
        self.rounds = rounds
        self.steps = steps
        self.stepsTaken = stepsTaken
        self.examples = examples
        self.seconds = seconds
        self.adapterDigest = adapterDigest
        self.history = history
        self.settings = settings
    }

    /// The content of `summary.json`.
    ///
    /// - Throws: `EncodingError` if a number is not finite.
    package func json() throws -> [UInt8] { try JSONText.bytes(self) }
}

/// One client's steps in one round.
package struct ClientRound: Codable, Sendable, Equatable {
    /// The round, 1 for the first.
    package var round: Int
    /// How many steps it took.
    package var steps: Int
    /// What was measured of steps on private data, as means over those steps; seconds are sums over all.
    package var metrics: [String: Double]

    /// Gathers a round.
    package init(round: Int, steps: Int, metrics: [String: Double]) {
        self.round = round
        self.steps = steps
        self.metrics = metrics
    }
}
