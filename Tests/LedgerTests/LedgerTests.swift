import Digest
import Foundation
import Testing

@testable import Ledger

@Suite("Facts of the ledger")
struct LedgerFactTests {
    @Test("an accepted update is there after reopening, with its bytes")
    func acceptUpdate() throws {
        let scratch = try Scratch()
        do {
            let ledger = try Ledger.open(scratch.state, identity: identity)
            #expect(try ledger.beginRound(0, atMs: 10) == .new)
            #expect(try ledger.accept(update("b", [1, 2]), bytes: [1, 2]) == .new)
            #expect(try ledger.accept(update("a", [3]), bytes: [3]) == .new)
        }

        let ledger = try Ledger.open(scratch.state, identity: identity)

        #expect(try ledger.updates(round: 0) == [update("a", [3]), update("b", [1, 2])])
        #expect(try ledger.bytes(of: blob([1, 2]).digest) == [1, 2])
        #expect(try ledger.updates(round: 1) == [])
    }

    @Test("the same update again changes nothing, another one is refused")
    func idempotent() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.beginRound(0, atMs: 10)
        _ = try ledger.accept(update("a", [1]), bytes: [1])

        #expect(try ledger.accept(update("a", [1]), bytes: [1]) == .repeated)
        #expect(code { _ = try ledger.accept(update("a", [2]), bytes: [2]) } == .conflict)
        #expect(try ledger.updates(round: 0).map(\.blob.digest) == [blob([1]).digest])
    }

    @Test("bytes that do not have the digest, and records without a blob, are refused")
    func wrongBytes() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.beginRound(0, atMs: 10)

        #expect(code { _ = try ledger.accept(update("a", [1]), bytes: [2]) } == .corrupt)
        #expect(code { _ = try ledger.accept(update("a", [1])) } == .notFound)
        #expect(scratch.files() == [])
    }

    @Test("a public step closes for all clients at once")
    func closeStep() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.beginRound(0, atMs: 10)
        #expect(try ledger.accept(responses: exchange("a", [1]), bytes: [1]) == .new)
        #expect(try ledger.accept(responses: exchange("a", [1]), bytes: [1]) == .repeated)
        #expect(try ledger.accept(responses: exchange("b", [2]), bytes: [2]) == .new)
        #expect(try ledger.outcome(round: 0, step: 2, client: "a") == .open)
        _ = try ledger.store([3])
        _ = try ledger.store([4])

        #expect(
            try ledger.closeStep(round: 0, step: 2, pools: [exchange("b", [4]), exchange("a", [3])]) == .new
        )
        #expect(
            try ledger.closeStep(round: 0, step: 2, pools: [exchange("a", [3]), exchange("b", [4])])
                == .repeated
        )

        #expect(
            code { _ = try ledger.closeStep(round: 0, step: 2, pools: [exchange("a", [4])]) } == .conflict
        )
        #expect(try ledger.outcome(round: 0, step: 2, client: "a") == .pool(blob([3])))
        #expect(try ledger.outcome(round: 0, step: 2, client: "c") == .skipped)
        #expect(try ledger.outcome(round: 0, step: 5, client: "c") == .open)
        #expect(try ledger.closedSteps(round: 0) == [2])
        #expect(try ledger.responses(round: 0, step: 2).map(\.client) == ["a", "b"])
        #expect(try ledger.pools(round: 0, step: 2) == [exchange("a", [3]), exchange("b", [4])])
    }

    @Test("a step nobody took part in closes with no pools")
    func emptyStep() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.beginRound(0, atMs: 10)

        #expect(try ledger.closeStep(round: 0, step: 2, pools: []) == .new)
        #expect(try ledger.outcome(round: 0, step: 2, client: "a") == .skipped)
    }

    @Test("a round finishes together with the adapter that follows it and its evaluation")
    func finishRound() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.store([1])
        _ = try ledger.store([2])
        #expect(try ledger.latestAdapter() == nil)
        #expect(try ledger.recordInitialAdapter(blob([1])) == .new)
        #expect(
            code { _ = try ledger.finishRound(0, adapter: blob([2]), evaluation: nil, atMs: 20) } == .conflict
        )
        #expect(try ledger.adapter(version: 1) == nil)
        _ = try ledger.beginRound(0, atMs: 10)
        #expect(try ledger.beginRound(0, atMs: 11) == .repeated)

        #expect(try ledger.finishRound(0, adapter: blob([2]), evaluation: [9], atMs: 20) == .new)
        #expect(try ledger.finishRound(0, adapter: blob([2]), evaluation: [9], atMs: 21) == .repeated)

        #expect(try ledger.rounds() == [RoundRecord(round: 0, startedMs: 10, finishedMs: 20)])
        #expect(try ledger.adapter(version: 0) == blob([1]))
        #expect(try ledger.latestAdapter()?.version == 1)
        #expect(try ledger.evaluations().map(\.result) == [[9]])
        #expect(
            code { _ = try ledger.finishRound(0, adapter: blob([1]), evaluation: nil, atMs: 22) } == .conflict
        )
    }

    @Test("a vetoed result is replaced together with its fact, and the round may be finished again")
    func veto() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        for byte in UInt8(1)...3 { _ = try ledger.store([byte]) }
        _ = try ledger.recordInitialAdapter(blob([1]))
        _ = try ledger.beginRound(0, atMs: 10)
        #expect(code { _ = try ledger.veto(round: 0, restoring: blob([1]), fact: "never") } == .conflict)
        _ = try ledger.finishRound(0, adapter: blob([2]), evaluation: [9], atMs: 20)
        #expect(code { _ = try ledger.veto(round: 0, restoring: blob([4]), fact: "never") } == .notFound)

        #expect(try ledger.veto(round: 0, restoring: blob([1]), fact: "vetoed 0") == .new)
        #expect(try ledger.veto(round: 0, restoring: blob([1]), fact: "vetoed 0") == .repeated)
        #expect(code { _ = try ledger.veto(round: 0, restoring: blob([3]), fact: "never") } == .conflict)

        // A restarted coordinator may merge once more: what it records is known, and does not count.
        #expect(try ledger.finishRound(0, adapter: blob([2]), evaluation: nil, atMs: 30) == .repeated)
        #expect(
            code { _ = try ledger.finishRound(0, adapter: blob([3]), evaluation: nil, atMs: 30) } == .conflict
        )
        #expect(try ledger.latestAdapter()?.version == 1)
        #expect(try ledger.adapter(version: 1) == blob([1]))
        #expect(try ledger.facts() == ["vetoed 0"])
        #expect(try ledger.evaluations().map(\.result) == [[9]])
        #expect(try ledger.rounds().map(\.finishedMs) == [20])

        // Once the next round has begun with the adapter, its repeat is still known, another veto is not.
        _ = try ledger.beginRound(1, atMs: 40)
        #expect(try ledger.veto(round: 0, restoring: blob([1]), fact: nil) == .repeated)
        _ = try ledger.finishRound(1, adapter: blob([3]), evaluation: nil, atMs: 50)
        _ = try ledger.beginRound(2, atMs: 60)
        #expect(code { _ = try ledger.veto(round: 1, restoring: blob([1]), fact: nil) } == .conflict)
    }

    @Test("facts keep their order, each once, and go with the record they belong to or not at all")
    func facts() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.beginRound(0, atMs: 10, fact: "roundBegan 0")
        for byte in UInt8(1)...2 { _ = try ledger.store([byte]) }
        _ = try ledger.finishRound(0, adapter: blob([2]), evaluation: nil, atMs: 9)

        #expect(code { _ = try ledger.veto(round: 1, restoring: blob([1]), fact: "never") } == .conflict)
        #expect(try ledger.veto(round: 0, restoring: blob([1]), fact: "vetoed 0") == .new)
        try ledger.append(facts: ["finished", "roundBegan 0"])

        #expect(try ledger.facts() == ["roundBegan 0", "vetoed 0", "finished"])
    }

    @Test("traffic adds up by round, kind and direction")
    func traffic() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        let update = TrafficRecord(round: 0, kind: "update", direction: .up, messages: 1, bytes: 100)
        let adapter = TrafficRecord(round: 0, kind: "adapter", direction: .down, messages: 2, bytes: 50)

        try ledger.addTraffic([update, adapter])
        try ledger.addTraffic([update])

        #expect(
            try ledger.traffic() == [
                adapter, TrafficRecord(round: 0, kind: "update", direction: .up, messages: 2, bytes: 200),
            ]
        )
    }

    @Test("events are numbered upwards, also after reopening")
    func events() throws {
        let scratch = try Scratch()
        var ledger: Ledger? = try Ledger.open(scratch.state, identity: identity)
        #expect(try ledger?.log(EventRecord(atMs: 1, name: "joined", client: "a")) == 1)
        #expect(
            try ledger?.log(EventRecord(atMs: 2, name: "updateLate", round: 0, client: "a", detail: [1])) == 2
        )
        ledger = nil

        let again = try Ledger.open(scratch.state, identity: identity)

        #expect(try again.log(EventRecord(atMs: 3, name: "updateLate")) == 3)
        #expect(try again.events(after: 1).map(\.number) == [2, 3])
        #expect(try again.events(limit: 1).first?.client == "a")
        #expect(try again.eventCount(named: "updateLate") == 2)
    }

    @Test("many threads may record at once")
    func threads() async throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        _ = try ledger.beginRound(0, atMs: 10)

        try await withThrowingTaskGroup(of: Acceptance.self) { group in
            for index in 0..<24 {
                let bytes: [UInt8] = [UInt8(index % 3)]
                group.addTask { try ledger.accept(update("c\(index)", bytes), bytes: bytes) }
            }
            for try await acceptance in group { #expect(acceptance == .new) }
        }

        #expect(try ledger.updates(round: 0).count == 24)
        #expect(scratch.files().count == 3)
    }
}
