internal import Logging
internal import Synchronization
internal import Tensors

/// Somebody who computes, such as a trainer or a judge, on a thread of its own.
///
/// The guest is made and called on that thread alone, so it needs no lock and may block as long as it likes: a
/// node's event loop and heartbeats never wait for it. What travels is unpacked and packed there as well,
/// because that takes long for a large adapter.
actor ComputeHost<Guest> {
    private let thread = ComputeThread()
    private let stop = StopFlag()
    private var guest: Guest?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Starts the thread; the guest comes with `prepare`.
    init() {}

    /// Makes the guest.
    func prepare(_ make: @Sendable () throws -> Guest) throws { guest = try make() }

    /// Does something with the guest.
    func run<Value: Sendable>(_ body: @Sendable (inout Guest) throws -> Value) throws -> Value {
        guard var guest else {
            throw NodeError(.failed, "work was asked for before there was anybody to do it")
        }
        self.guest = nil
        defer { self.guest = guest }
        return try body(&guest)
    }

    /// Makes work that polls `isInterrupted` end early.
    nonisolated func interrupt() { stop.set() }

    /// Whether work should end early.
    nonisolated var isInterrupted: Bool { stop.isSet }
}

/// A flag that one thread sets and another polls.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    /// Whether it has been set.
    var isSet: Bool { flag.load(ordering: .acquiring) }

    /// Sets it for good.
    func set() { flag.store(true, ordering: .releasing) }
}

extension Tensors.Compute {
    /// Sets the threads that compute in this process, tests the products and says which kernels they come from.
    ///
    /// - Throws: `ComputeFault` if a product is wrong.
    static func prepare(threads: Int, logger: Logger) throws {
        configure(threads: threads)
        try selfTest()
        logger.info("compute", metadata: ["kernels": "\(description)"])
    }
}
