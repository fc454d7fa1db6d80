import Digest
import Foundation
import Testing

@testable import Ledger

/// A child process stops without warning between two steps of a write; whoever opens the directory
/// next finds all of it or nothing.
@Suite("Crashes between the steps of a write")
struct CrashTests {
    /// Stops the process the `count`-th time that it comes by a point.
    private static func stop(at point: FaultPoint, count: Int = 1) -> FaultHook {
        let seen = Counter()
        return { reached in
            if reached == point, seen.next() == count { _exit(77) }
        }
    }

    /// Opens a ledger, in a child with the point at which it stops.
    private static func open(_ state: String, stoppingAt point: FaultPoint? = nil) throws -> Ledger {
        try patiently {
            guard let point else { return try Ledger.open(state, identity: identity) }
            return try Ledger.open(state, identity: identity, fault: stop(at: point))
        }
    }

    /// Tries again while a directory is in use: a child that another test starts at this moment has this
    /// process's locks until it runs its own program.
    private static func patiently<State>(_ open: () throws -> State) throws -> State {
        for _ in 0..<100 {
            do {
                return try open()
            } catch let error as LedgerError where error.code == .inUse {
                usleep(20_000)
            }
        }
        return try open()
    }

    @Test("accepting an update is all or nothing", arguments: FaultPoint.allCases)
    func acceptUpdate(point: FaultPoint) async throws {
        let scratch = try Scratch()
        let (state, name) = (scratch.state, point.rawValue)
        do {
            let ledger = try CrashTests.open(state)
            _ = try ledger.beginRound(0, atMs: 1)
        }

        await #expect(processExitsWith: .exitCode(77)) { [state = state as String, name = name as String] in
            let point = try #require(FaultPoint(rawValue: name))
            let ledger = try CrashTests.open(state, stoppingAt: point)
            _ = try ledger.accept(update("a", [1, 2, 3]), bytes: [1, 2, 3])
        }

        let again = try CrashTests.open(state)
        let updates = try again.updates(round: 0)
        #expect(updates == (point == .committed ? [update("a", [1, 2, 3])] : []))
        for file in scratch.files() { #expect(file.hasPrefix("blobs/") && !file.hasSuffix(".tmp")) }
        if again.contains(blob([1, 2, 3]).digest) {
            #expect(try again.bytes(of: blob([1, 2, 3]).digest) == [1, 2, 3])
        }
        #expect(
            try again.accept(update("a", [1, 2, 3]), bytes: [1, 2, 3])
                == (point == .committed ? .repeated : .new)
        )
    }

    @Test(
        "closing a step and finishing a round are all or nothing",
        arguments: [FaultPoint.rowsWritten, .committed]
    )
    func transactions(point: FaultPoint) async throws {
        let scratch = try Scratch()
        let (state, name) = (scratch.state, point.rawValue)
        do {
            let ledger = try CrashTests.open(state)
            _ = try ledger.beginRound(0, atMs: 1)
            for byte in UInt8(1)...3 { _ = try ledger.store([byte]) }
        }

        await #expect(processExitsWith: .exitCode(77)) { [state = state as String, name = name as String] in
            let point = try #require(FaultPoint(rawValue: name))
            let ledger = try CrashTests.open(state, stoppingAt: point)
            _ = try ledger.closeStep(round: 0, step: 2, pools: [exchange("a", [1]), exchange("b", [2])])
        }
        await #expect(processExitsWith: .exitCode(77)) { [state = state as String, name = name as String] in
            let point = try #require(FaultPoint(rawValue: name))
            let ledger = try CrashTests.open(state, stoppingAt: point)
            _ = try ledger.finishRound(0, adapter: blob([3]), evaluation: [7], atMs: 9)
        }

        let again = try CrashTests.open(state)
        let done = point == .committed
        #expect(try again.pools(round: 0, step: 2).count == (done ? 2 : 0))
        #expect(try again.closedSteps(round: 0) == (done ? [2] : []))
        #expect(try again.rounds().map(\.isFinished) == [done])
        #expect(try again.adapter(version: 1) == (done ? blob([3]) : nil))
        #expect(try again.evaluations().count == (done ? 1 : 0))
    }

    @Test("a veto is all or nothing", arguments: [FaultPoint.rowsWritten, .committed])
    func veto(point: FaultPoint) async throws {
        let scratch = try Scratch()
        let (state, name) = (scratch.state, point.rawValue)
        do {
            let ledger = try CrashTests.open(state)
            _ = try ledger.beginRound(0, atMs: 1)
            for byte in UInt8(1)...2 { _ = try ledger.store([byte]) }
            _ = try ledger.finishRound(0, adapter: blob([2]), evaluation: nil, atMs: 9)
            try ledger.append(facts: ["aggregated"])
        }

        await #expect(processExitsWith: .exitCode(77)) { [state = state as String, name = name as String] in
            let point = try #require(FaultPoint(rawValue: name))
            let ledger = try CrashTests.open(state, stoppingAt: point)
            _ = try ledger.veto(round: 0, restoring: blob([1]), fact: "vetoed")
        }

        let again = try CrashTests.open(state)
        let done = point == .committed
        #expect(try again.adapter(version: 1) == (done ? blob([1]) : blob([2])))
        #expect(try again.facts() == ["aggregated"] + (done ? ["vetoed"] : []))
        #expect(try again.finishRound(0, adapter: blob([2]), evaluation: nil, atMs: 9) == .repeated)
        #expect(try again.veto(round: 0, restoring: blob([1]), fact: "vetoed") == (done ? .repeated : .new))
    }

    @Test(
        "a new snapshot replaces the old one in one instant",
        arguments: [FaultPoint.fileWritten, .fileSynced, .fileRenamed, .directorySynced],
        1...2
    )
    func snapshot(point: FaultPoint, count: Int) async throws {
        let scratch = try Scratch()
        let (state, name) = (scratch.state, point.rawValue)
        let old = ClientSnapshot(progress: [1], trainer: [1])
        let new = ClientSnapshot(progress: [2], trainer: [2])
        do { try ClientState.open(state, identity: clientIdentity).save(old) }

        // The trainer's file comes first, then the one that names it.
        await #expect(processExitsWith: .exitCode(77)) {
            [state = state as String, name = name as String, count = count as Int] in
            let point = try #require(FaultPoint(rawValue: name))
            let client = try CrashTests.patiently {
                try ClientState.open(
                    state,
                    identity: clientIdentity,
                    fault: CrashTests.stop(at: point, count: count)
                )
            }
            try client.save(ClientSnapshot(progress: [2], trainer: [2]))
        }

        let again = try CrashTests.patiently { try ClientState.open(state, identity: clientIdentity) }
        let renamed = count == 2 && (point == .fileRenamed || point == .directorySynced)
        #expect(try again.snapshot() == (renamed ? new : old))
        try again.save(ClientSnapshot(progress: [3], trainer: [3]))
        #expect(scratch.files() == ["identity", "snapshot", renamed ? "trainer.3" : "trainer.2"])
    }

    @Test("a directory whose creation was cut off is created again")
    func creation() async throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.state, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: scratch.state + "/ledger.sqlite"))

        #expect(code { _ = try Ledger.inspect(scratch.state) } == .notFound)
        let ledger = try Ledger.open(scratch.state, identity: identity)
        #expect(try ledger.rounds() == [])
    }
}

/// Counts from 1; any thread may ask.
final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func next() -> Int {
        lock.withLock {
            value += 1
            return value
        }
    }
}
