import Foundation
import Testing

@testable import tributary

/// Sides that are measured by turns.
struct BenchTests {
    private static let ceilings = BenchCeilings(threads: 1, runs: 1)
    private let log = FileManager.default.temporaryDirectory.appending(
        path: "tributary-bench-test-\(ProcessInfo.processInfo.globallyUniqueString)"
    ).path

    /// A side that notes its turns in a file and says the same figure each time.
    private func side(_ name: String, _ figure: Double, family: String? = nil, isOwn: Bool = false)
        -> BenchSide
    {
        let json = #"{"seconds":1,"cpuSeconds":0,"peakMiB":7,"figures":{"x/s":\#(figure),"y":1}}"#
        let turn = "printf \(name) >> '\(log)'; echo '\(json)'; read line || exit 0"
        return BenchSide(
            name: name,
            family: family ?? name,
            command: "while :; do \(turn); done",
            isOwn: isOwn
        )
    }

    private func rows(_ sides: [BenchSide], isRate: Bool = true, runs: Int = 3) throws -> [BenchRow] {
        defer { try? FileManager.default.removeItem(atPath: log) }
        let work = BenchWork(name: "work", figure: "x/s", isRate: isRate, sides: sides)
        return try BenchContest(work: work, runs: runs, ceilings: Self.ceilings).rows()
    }

    @Test("sides warm up once and then go by turns, each first as often as the others")
    func turns() throws {
        let work = BenchWork(name: "work", figure: "x/s", sides: [side("A", 1), side("B", 2)])
        let rows = try BenchContest(work: work, runs: 3, ceilings: Self.ceilings).rows()
        let order = try String(contentsOfFile: log, encoding: .utf8)
        try FileManager.default.removeItem(atPath: log)
        #expect(order == "AB" + "AB" + "BA" + "AB")
        #expect(rows.map(\.runs) == [3, 3])
        #expect(rows.map(\.peakMiB) == [7, 7])
    }

    @Test("the best of a family goes on, the others are listed with their warm-up")
    func variants() throws {
        let rows = try rows([
            side("A", 1, isOwn: true), side("B", 2, family: "peer"), side("C", 4, family: "peer"),
        ])
        #expect(rows.map(\.side) == ["A", "C", "B"])
        #expect(rows.map(\.runs) == [3, 3, 1])
        #expect(rows[0].timesBestPeer == 0.25)
        #expect(rows[1].timesBestPeer == nil)
    }

    @Test("of seconds less is better")
    func seconds() throws {
        let rows = try rows(
            [side("A", 1, isOwn: true), side("B", 2, family: "peer"), side("C", 4, family: "peer")],
            isRate: false,
            runs: 1
        )
        #expect(rows.map(\.side) == ["A", "B", "C"])
        #expect(rows[0].timesBestPeer == 2)
    }

    @Test("a side that ends is named, with what it said to its standard error")
    func failure() {
        let broken = BenchSide(name: "broken", family: "broken", command: "echo 'no such thing' >&2; exit 3")
        #expect {
            _ = try rows([broken])
        } throws: { error in
            "\(error)".contains("broken gave no answer") && "\(error)".contains("no such thing")
        }
    }

    @Test("a rate is compared with the ceilings that its cost names")
    func shares() throws {
        let cost = BenchCost(operations: (.float32, 1e9), bytes: 1e9)
        let shares = Self.ceilings.shares(of: cost, rate: 2)
        let memory = try #require(shares["memory"])
        #expect(abs(memory * Self.ceilings.memory.all.highest - 2) < 1e-9)
        #expect(shares["float32"].map { $0 > 0 && $0 < 1 } ?? true)
    }
}
