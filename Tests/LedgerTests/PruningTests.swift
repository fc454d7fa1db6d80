import Foundation
import Testing

@testable import Ledger

@Suite("Pruning blobs of rounds that are over")
struct PruningTests {
    /// Three finished rounds: a and b send in each, c in the first alone; one public step in each.
    private func ledger(_ scratch: Scratch) throws -> Ledger {
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.store([200])
        _ = try ledger.recordInitialAdapter(blob([200]))
        for round in 0..<3 {
            let mark = UInt8(10 * round)
            _ = try ledger.beginRound(round, atMs: 0)
            for (place, client) in ["a", "b", "c"].enumerated() where round == 0 || client != "c" {
                let bytes = [mark, UInt8(place)]
                _ = try ledger.accept(update(client, round: round, bytes), bytes: bytes)
            }
            var responses = exchange("a", [mark, 50])
            responses.round = round
            _ = try ledger.accept(responses: responses, bytes: [mark, 50])
            var pool = exchange("a", [mark, 60])
            pool.round = round
            _ = try ledger.store([mark, 60])
            _ = try ledger.closeStep(round: round, step: 2, pools: [pool])
            _ = try ledger.store([200, mark])
            _ = try ledger.finishRound(round, adapter: blob([200, mark]), evaluation: nil, atMs: 1)
        }
        return ledger
    }

    private func held(_ ledger: Ledger) -> Set<[UInt8]> {
        var all: [[UInt8]] = [[200]]
        for mark: UInt8 in [0, 10, 20] { all += [[200, mark]] + [0, 1, 2, 50, 60].map { [mark, $0] } }
        return Set(all.filter { ledger.contains(blob($0).digest) })
    }

    @Test("adapters, the newest round and each client's newest update stay; of the rest the records stay")
    func rule() throws {
        let scratch = try Scratch()
        let ledger = try ledger(scratch)

        // Of round 0 the updates of a and b, of round 1 too; of both rounds responses and pool.
        #expect(try ledger.prune(before: 2, sparing: []) == 8)

        let expected: Set<[UInt8]> = [
            [200], [200, 0], [200, 10], [200, 20], [0, 2], [20, 0], [20, 1], [20, 50], [20, 60],
        ]
        #expect(held(ledger) == expected)
        #expect(try ledger.updates(round: 1).map(\.client) == ["a", "b"])
        #expect(try ledger.updates(round: 1).allSatisfy { $0.blob.manifest.isEmpty && $0.examples == 5 })
        #expect(try ledger.updates(round: 2).allSatisfy { !$0.blob.manifest.isEmpty })
        #expect(try ledger.responses(round: 0, step: 2).map(\.client) == ["a"])
        #expect(try ledger.newestUpdate(of: "c", before: 3) == update("c", [0, 2]))
        #expect(try ledger.newestUpdate(of: "a", before: 3) == update("a", round: 2, [20, 0]))
        #expect(try ledger.newestUpdate(of: "a", before: 0) == nil)
        #expect(try ledger.prune(before: 2, sparing: []) == 0)
        #expect(held(ledger) == expected)
    }

    @Test("bytes that a kept record shares, or that are being received, stay")
    func shared() throws {
        let scratch = try Scratch()
        let ledger = try ledger(scratch)
        _ = try ledger.beginRound(3, atMs: 0)
        _ = try ledger.accept(update("d", round: 3, [0, 0]), bytes: [0, 0])

        #expect(try ledger.prune(before: 2, sparing: [blob([10, 1]).digest]) == 7)

        #expect(ledger.contains(blob([0, 0]).digest))
        #expect(ledger.contains(blob([10, 1]).digest))
        #expect(try ledger.prune(before: 2, sparing: []) == 1)
        #expect(!ledger.contains(blob([10, 1]).digest))
    }

    @Test("an update that comes while the next round runs does not make the one before it go")
    func nextRound() throws {
        let scratch = try Scratch()
        let ledger = try ledger(scratch)
        _ = try ledger.beginRound(3, atMs: 0)
        _ = try ledger.accept(update("c", round: 3, [30, 2]), bytes: [30, 2])

        try ledger.prune(before: 2, sparing: [])

        #expect(try ledger.newestUpdate(of: "c", before: 3) == update("c", [0, 2]))
        #expect(ledger.contains(blob([0, 2]).digest))
    }

    @Test("a ledger without norms is brought to the format that has them")
    func upgrade() throws {
        let scratch = try Scratch()
        do { _ = try ledger(scratch) }
        try scratch.sql("ALTER TABLE updates DROP COLUMN norm")
        try scratch.sql("PRAGMA user_version = 1")
        #expect(try Ledger.inspect(scratch.state).updates(round: 0).map(\.norm) == [nil, nil, nil])

        let ledger = try Ledger.open(scratch.state, identity: identity)
        var next = update("c", round: 2, [5])
        next.norm = 0.1
        _ = try ledger.accept(next, bytes: [5])

        #expect(try ledger.updates(round: 2).map(\.norm) == [nil, nil, 0.1])
        #expect(try Ledger.inspect(scratch.state).updates(round: 2).last == next)
    }

    @Test("who only looks deletes nothing")
    func readOnly() throws {
        let scratch = try Scratch()
        do { _ = try ledger(scratch) }
        let reader = try Ledger.inspect(scratch.state)

        #expect(code { try reader.prune(before: 2, sparing: []) } == .readOnly)
        #expect(held(reader).count == 17)
    }
}
