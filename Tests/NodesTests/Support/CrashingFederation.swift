import Foundation
import Ledger
import Rounds
import Synchronization
import Testing
import Transport
import Wire

@testable import Nodes

/// When a node is stopped as if it had been killed: at one frame of the federation.
struct CrashPoint: Sendable, CustomTestStringConvertible {
    /// `coordinator` or a client's name.
    var victim: String
    /// Whose frame it is.
    var sender: Peer
    /// What the frame is.
    var type: MessageType
    /// How many such frames of the client `ash` pass before it.
    var skipping = 0
    /// Whether the frame still arrives.
    var arrives: Bool

    var testDescription: String {
        "\(victim) at \(sender)'s \(type)\(skipping > 0 ? " after \(skipping)" : "")\(arrives ? ", which arrives" : "")"
    }
}

/// Runs a federation in memory in which one node is stopped at a point and started again on its state.
func runCrashing(_ recipe: Recipe, at point: CrashPoint, in scratch: Scratch) async throws -> (
    RunResult, crashed: Bool
) {
    let job = try recipe.job()
    let layout = RunLayout(root: scratch.path)
    let crash = Crash(point)
    let network = LoopbackNetwork(logger: quiet) { crash.fault($0) }
    let coordinatorIdentity = PeerIdentity(federation: "test", role: .coordinator)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            try await crash.keepRunning("coordinator") {
                let listener = try network.listen(as: coordinatorIdentity, port: 1)
                let node = try await Coordinator.make(
                    job,
                    state: layout.coordinatorState,
                    status: layout.statusFile,
                    adapter: layout.coordinatorState + "/adapter",
                    listener: listener,
                    isRevoked: { _ in false },
                    logger: quiet
                )
                return { _ = try await node.run() }
            }
        }
        for name in recipe.clients {
            let dialer = LoopbackDialer(
                network: network,
                port: 1,
                identity: PeerIdentity(federation: "test", role: .client(name))
            )
            group.addTask {
                try await crash.keepRunning(name) {
                    let node = try await Client.make(
                        job,
                        name: name,
                        state: layout.state(ofClient: name),
                        dataFile: nil,
                        dialer: dialer,
                        logger: quiet
                    )
                    return { _ = try await node.run() }
                }
            }
        }
        for try await _ in group {}
    }
    return (
        try RunResult(coordinatorState: layout.coordinatorState, rounds: recipe.rounds), crash.hasHappened
    )
}

/// Stops the victim once, at the frame in question.
private final class Crash: Sendable {
    private struct State {
        var seen = 0
        var hasHappened = false
        var victim: Task<Void, any Error>?
    }

    private let point: CrashPoint
    private let state = Mutex(State())

    init(_ point: CrashPoint) { self.point = point }

    var hasHappened: Bool { state.withLock { $0.hasHappened } }

    func fault(_ frame: LoopbackNetwork.FaultPoint) -> LoopbackNetwork.Fault {
        guard frame.client == "ash", frame.sender == point.sender, frame.type == point.type else {
            return .none
        }
        let victim = state.withLock { state -> Task<Void, any Error>? in
            state.seen += 1
            guard state.seen == point.skipping + 1, let victim = state.victim else { return nil }
            state.hasHappened = true
            return victim
        }
        guard let victim else { return .none }
        victim.cancel()
        return point.arrives ? .cutAfter : .cutBefore
    }

    /// Runs a node; if it is the victim, again on the same state after its end.
    func keepRunning(
        _ name: String,
        _ make: @Sendable () async throws -> @Sendable () async throws -> Void
    ) async throws {
        // The victim has to be there before the frame that it dies at.
        while name != point.victim, point.victim == "coordinator", state.withLock({ $0.victim == nil }) {
            try await Task.sleep(for: .milliseconds(1))
        }
        while true {
            let run = try await made(make)
            let task = state.withLock { state in
                let task = Task { try await run() }
                if name == point.victim { state.victim = task }
                return task
            }
            do {
                return try await task.value
            } catch is CancellationError where name == point.victim && hasHappened {
                continue
            }
        }
    }

    /// The node's state may still be let go of by the tasks of the one before.
    private func made(
        _ make: @Sendable () async throws -> @Sendable () async throws -> Void
    ) async throws -> @Sendable () async throws -> Void {
        for _ in 0..<100 {
            do {
                return try await make()
            } catch let error as LedgerError where error.code == .inUse {
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        return try await make()
    }
}
