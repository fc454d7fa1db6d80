internal import Synchronization

/// Adds up how long a trainer samples, so that a host can tell its metrics from the rest of a step.
///
/// The trainer has no clock: it marks what is sampling, and the host that made the timer reads the time. Nothing that
/// is learnt depends on it.
public final class StepTimer: Sendable {
    private let now: @Sendable () -> Duration
    private let spent = Mutex(Duration.zero)

    /// Makes a timer.
    ///
    /// - Parameter now: The time since any fixed instant; without it no time passes.
    public init(now: @escaping @Sendable () -> Duration = { .zero }) { self.now = now }

    /// Counts as sampling what a body takes: drawing answers, rolling out episodes.
    public func sampling<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let began = now()
        defer { spent.withLock { $0 += now() - began } }
        return try body()
    }

    /// What has been counted since this was last called.
    public func takeSampling() -> Duration {
        spent.withLock { spent in
            defer { spent = .zero }
            return spent
        }
    }
}
