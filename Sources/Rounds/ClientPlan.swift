package import Contract

/// What a client knows of itself before it is welcomed.
package struct ClientPlan: Sendable, Equatable {
    /// The federation's name.
    package var federation: String
    /// The client's name.
    package var client: String
    /// Name and version of the program.
    package var software: String
    /// The trainer that the client is set up for.
    package var trainer: String
    /// Everything that all members must agree on.
    package private(set) var fingerprint: [FingerprintPart]
    /// How many rounds the run has, as far as the client was told by those who started it: one that has heard of the
    /// end of fewer rounds goes on.
    package var rounds: Int
    /// How long to wait for a connection and for the welcome, in milliseconds.
    package var greetingMs: Tick
    /// How many heartbeat intervals of silence mean that the coordinator is gone.
    package var silentHeartbeats: Tick
    /// How to come back after a failure.
    package var backOff: BackOff

    /// Makes a plan; traps on a fingerprint that `Hello.check` throws for.
    package init(
        federation: String,
        client: String,
        software: String,
        trainer: String,
        fingerprint: [FingerprintPart],
        rounds: Int,
        greetingMs: Tick = 30_000,
        silentHeartbeats: Tick = 6,
        backOff: BackOff
    ) {
        precondition(greetingMs > 0 && silentHeartbeats > 1, "time to greet, and more than one heartbeat")
        requireSound(fingerprint)
        self.federation = federation
        self.client = client
        self.software = software
        self.trainer = trainer
        self.fingerprint = fingerprint
        self.rounds = rounds
        self.greetingMs = greetingMs
        self.silentHeartbeats = silentHeartbeats
        self.backOff = backOff
    }
}

/// Waits that double from try to try up to a cap, each shortened by up to a half at random, so that
/// clients that lost the same coordinator do not come back at the same instant.
package struct BackOff: Sendable, Equatable {
    /// The longest first wait, in milliseconds.
    package var firstMs: Tick
    /// The longest wait, in milliseconds.
    package var longestMs: Tick
    /// Numbers from [0, 1) drawn from the client's own stream; used in turn, over and over.
    package var jitter: [Double]

    /// Makes a back-off.
    package init(firstMs: Tick = 200, longestMs: Tick = 30_000, jitter: [Double]) {
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
