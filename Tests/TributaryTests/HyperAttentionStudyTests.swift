import Contract
import Foundation
import Randomness
import Report
import Testing

@testable import tributary

@Suite("The study of attention through interactions")
struct HyperAttentionStudyTests {
    /// A ring small enough for a test.
    private static let ring = CollidingAgents.Ring(
        domain: 12,
        radius: 1,
        length: 4,
        tuples: 2000,
        testLengths: [2, 4, 8, 10],
        testTuples: 200,
        training: .init(steps: 1500, batch: 64, rate: 1e-1),
        ranked: 12
    )

    @Test("from C = 0 and w = 1 the error vanishes at all lengths")
    func zeroStart() {
        let run = RingRun(Self.ring, CollidingAgents.zeroStart, seed: 5)

        #expect(run.rank == 12)
        #expect(run.errors.count == 4)
        #expect(run.worst < 1e-10)
        #expect(run.tableError < 1e-10 && run.scoreError > 0.1)
    }

    @Test("from a normal start the error is small at all lengths, with both embeddings")
    func normalStart() {
        for variant in [CollidingAgents.oneHot, CollidingAgents.sinusoidal] {
            #expect(RingRun(Self.ring, variant, seed: 5).worst < 1e-3)
        }
    }

    @Test("without repetition the fit holds at the training length and fails at others")
    func ablation() throws {
        let run = RingRun(Self.ring, CollidingAgents.ablation, seed: 5)

        #expect(run.rank == 11)
        #expect(try #require(run.errors[4]) < 1e-6)
        #expect(try #require(run.errors[10]) > 0.01)
    }

    @Test("tables of two solutions can be averaged, their parameters cannot")
    func averaging() {
        let run = AveragingRun(Self.ring, seed: 5)

        #expect(run.ofTables < 1e-3)
        #expect(run.ofParameters > 0.1)
    }

    @Test("the same seed gives the same table, another seed another")
    func deterministic() {
        let tables = [5, 5, 6].map { RingRun(Self.ring, CollidingAgents.oneHot, seed: $0).table }

        #expect(tables[0] == tables[1])
        #expect(tables[0] != tables[2])
    }

    @Test("the sinusoidal basis is orthonormal, for even and odd sizes")
    func orthonormal() {
        for size in [7, 12, 60] {
            let basis = EmbeddingBasis.sinusoidal(size)
            for a in 0..<size {
                for b in 0..<size {
                    var sum = 0.0
                    for k in 0..<size { sum += basis.rows[a * size + k] * basis.rows[b * size + k] }
                    #expect(abs(sum - (a == b ? 1 : 0)) < 1e-12)
                }
            }
        }
    }

    @Test("a change of basis and back is the identity, up to float32")
    func changeOfBasis() {
        var stream = RandomStream(seed: 3, "basis")
        let basis = EmbeddingBasis.sinusoidal(9)
        let matrix = stream.normals(81), vector = stream.normals(9)

        let back = basis.coordinates(ofMatrix: basis.values(ofMatrix: matrix))

        #expect(back.meanSquaredError(to: matrix) < 1e-11)
        let vectorBack = basis.coordinates(ofVector: basis.values(ofVector: vector))
        #expect(vectorBack.meanSquaredError(to: vector) < 1e-25)
    }

    @Test("a verdict is computed from what was found: a false claim does not hold, nor does no number")
    func verdicts() {
        let verdict = { (found: Double, bound: StudyCheck.Bound) in
            StudyCheck("x", found: found, expected: bound).holds
        }

        #expect(verdict(1e-12, .atMost(1e-10)) && !verdict(1e-9, .atMost(1e-10)))
        #expect(verdict(5, .atLeast(0.1)) && !verdict(0.01, .atLeast(0.1)))
        #expect(verdict(1, .between(0.8, 1.2)) && !verdict(1.3, .between(0.8, 1.2)))
        #expect(!verdict(.nan, .atMost(1)) && !verdict(.infinity, .atLeast(1)))
    }

    @Test("the page, the text and the JSON tell what holds and what does not")
    func report() throws {
        let section = StudySection(
            name: "toy",
            title: "A toy",
            claims: [StudyClaim(.paper, "a < b")],
            tables: [StudyTable("t", header: ["run", "x"], rows: [[.text("a"), .number(.nan)]])],
            figures: [
                Figure(
                    "f",
                    .lines(.init(xName: "x", yName: "y", yScale: .logarithmic, series: []))
                )
            ],
            checks: [
                StudyCheck("right", found: 1, expected: .atMost(2)),
                StudyCheck("wrong", found: 3, expected: .atMost(2)),
            ]
        )
        let report = StudyReport(
            StudyRecord(title: "T", paper: "P", seeds: [1], facts: [], sections: [section], seconds: 1)
        )

        let (html, text) = (report.html(), report.text())
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json())) as? [String: Any]
        )
        let sections = try #require(json["sections"] as? [[String: Any]])
        let checks = try #require(sections[0]["checks"] as? [[String: Any]])

        #expect(
            html.contains("does not hold") && html.contains("a &lt; b") && html.contains("not all of: toy")
        )
        #expect(text.contains("1 of 2 checks hold"))
        #expect(checks.map { $0["holds"] as? Bool } == [true, false])
    }

    @Test("an experiment runs with --quick and says what it leaves out")
    func quick() throws {
        let experiment = CollidingAgents(ring: Self.ring)

        let section = try experiment.run(StudyOptions(isQuick: true, seeds: [1])) { _ in }

        #expect(section.checks.count == 11)
        #expect(section.remarks.contains { $0.contains("N = 360") })
    }
}
