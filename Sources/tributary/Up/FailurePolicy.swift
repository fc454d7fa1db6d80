internal import Glibc

/// What becomes of a federation on this machine when one of its processes fails: its state is durable, so most failures
/// heal by a restart, and a run that has begun goes on without a client as long as its quorum stands.
struct FailurePolicy {
    /// What to do about a process that has failed.
    enum Decision: Equatable {
        /// Start it again after so many seconds.
        case restart(afterSeconds: Int)
        /// The others go on.
        case goOnWithout
        /// Nothing can go on.
        case giveUp
    }

    /// How often a process is started again.
    static let restartsMax = 3
    /// Exit codes of a client that would be the same after a restart.
    private static let lasting: Set<Int32> = [EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_NOPERM, EX_CONFIG]

    /// How many clients a phase needs.
    let quorum: Int
    private var restarts: [String: Int] = [:]

    /// A policy for a federation that has had no failure yet.
    init(quorum: Int) { self.quorum = quorum }

    /// Decides on the coordinator, without which nobody can go on: it is started again if something has killed it.
    mutating func coordinatorEnded(with code: Int32) -> Decision {
        code > 128 ? restart("") ?? .giveUp : .giveUp
    }

    /// Decides on a client.
    ///
    /// - Parameters:
    ///   - name: The client.
    ///   - code: Its exit code; not 0.
    ///   - others: How many other clients still run or have finished.
    ///   - hasBegun: Whether the first round has begun. Before that a fault that lasts is one of the set-up, which
    ///     people want to hear of at once.
    mutating func clientEnded(_ name: String, with code: Int32, others: Int, hasBegun: Bool) -> Decision {
        let isLasting = Self.lasting.contains(code)
        if !isLasting, let again = restart(name) { return again }
        return others >= quorum && (hasBegun || !isLasting) ? .goOnWithout : .giveUp
    }

    private mutating func restart(_ name: String) -> Decision? {
        let before = restarts[name, default: 0]
        guard before < Self.restartsMax else { return nil }
        restarts[name] = before + 1
        return .restart(afterSeconds: 1 << before)
    }
}
