internal import Synchronization

/// Set by a signal, polled by whoever can stop.
final class StopRequest: Sendable {
    private let flag = Atomic(false)

    /// Whether somebody wants an end.
    var isRequested: Bool { flag.load(ordering: .acquiring) }

    /// Asks for an end.
    func request() { flag.store(true, ordering: .releasing) }
}
