internal import Contract
internal import Synchronization

/// Tells apart what a client's steps spend their time on: sampling, training, waiting for the coordinator.
///
/// What belongs to none of them, such as saving, is not counted. Metrics alone depend on it.
final class StepClock: Sendable {
    /// What is being done.
    enum Mode: Sendable {
        /// The trainer works.
        case working
        /// The trainer waits for something from the coordinator.
        case waiting
        /// Neither.
        case other
    }

    private struct State {
        var mode = Mode.other
        var since = ContinuousClock.now
        var working = Duration.zero
        var waiting = Duration.zero

        mutating func count(until now: ContinuousClock.Instant) {
            switch mode {
            case .working: working += now - since
            case .waiting: waiting += now - since
            case .other: break
            }
            since = now
        }
    }

    /// What the trainer marks its sampling with.
    let timer: StepTimer
    private let state = Mutex(State())

    /// Starts with nothing counted.
    init() {
        let began = ContinuousClock.now
        timer = StepTimer(now: { ContinuousClock.now - began })
    }

    /// From now on this is being done.
    func enter(_ mode: Mode) {
        state.withLock {
            $0.count(until: .now)
            $0.mode = mode
        }
    }

    /// What has been counted since this was last called, in seconds, under the names that metrics have.
    func take() -> [String: Double] {
        let sampling = timer.takeSampling()
        let (working, waiting) = state.withLock { state in
            state.count(until: .now)
            defer { (state.working, state.waiting) = (.zero, .zero) }
            return (state.working, state.waiting)
        }
        return [
            "seconds/sampling": sampling.seconds,
            "seconds/training": max(0, (working - sampling).seconds),
            "seconds/waiting": waiting.seconds,
        ]
    }
}

extension Duration {
    /// Seconds, for metrics.
    var seconds: Double {
        let (whole, attoseconds) = components
        return Double(whole) + Double(attoseconds) / 1e18
    }
}
