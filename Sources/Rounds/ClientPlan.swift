public import Digest

/// What a client knows of itself before it is welcomed.
public struct ClientPlan: Sendable, Equatable {
    /// The federation's name.
    public var federation: String
    /// The client's name.
    public var client: String
    /// Name and version of the program.
    public var software: String
    /// SHA-256 of the base model's weights file.
    public var baseModel: SHA256Digest
    /// The trainer that the client is set up for.
    public var trainer: String
    /// SHA-256 of the trainer settings that it was given; nil if it takes the coordinator's.
    public var settings: SHA256Digest?
    /// How long to wait for a connection and for the welcome, in milliseconds.
    public var greetingMs: Tick
    /// How many heartbeat intervals of silence mean that the coordinator is gone.
    public var silentHeartbeats: Tick
    /// How to come back after a failure.
    public var backOff: BackOff

    /// Makes a plan.
    public init(
        federation: String,
        client: String,
        software: String,
        baseModel: SHA256Digest,
        trainer: String,
        settings: SHA256Digest?,
        greetingMs: Tick = 30_000,
        silentHeartbeats: Tick = 6,
        backOff: BackOff
    ) {
        precondition(greetingMs > 0 && silentHeartbeats > 1, "time to greet, and more than one heartbeat")
        self.federation = federation
        self.client = client
        self.software = software
        self.baseModel = baseModel
        self.trainer = trainer
        self.settings = settings
        self.greetingMs = greetingMs
        self.silentHeartbeats = silentHeartbeats
        self.backOff = backOff
    }
}

/// Waits that double from try to try up to a cap, each shortened by up to a half at random, so that
/// clients that lost the same coordinator do not come back at the same instant.
public struct BackOff: Sendable, Equatable {
    /// The longest first wait, in milliseconds.
    public var firstMs: Tick
    /// The longest wait, in milliseconds.
    public var longestMs: Tick
    /// Numbers from [0, 1) drawn from the client's own stream; used in turn, over and over.
    public var jitter: [Double]

    /// Makes a back-off.
    public init(firstMs: Tick = 200, longestMs: Tick = 30_000, jitter: [Double]) {
        precondition(firstMs > 0 && longestMs >= firstMs, "back-off from \(firstMs) to \(longestMs) ms")
        precondition(!jitter.isEmpty && jitter.allSatisfy { $0 >= 0 && $0 < 1 }, "jitter is from [0, 1)")
        self.firstMs = firstMs
        self.longestMs = longestMs
        self.jitter = jitter
    }

    /// How long to wait before a try.
    ///
    /// - Parameters:
    ///   - failures: Failures in a row so far; at least 1.
    ///   - draw: How many waits there were before this one.
    func wait(failures: Int, draw: Int) -> Tick {
        let doublings = min(failures - 1, 32)
        let cap = min(longestMs, firstMs << Tick(doublings))
        return max(1, Tick(Double(cap) * (1 - jitter[draw % jitter.count] / 2)))
    }
}
