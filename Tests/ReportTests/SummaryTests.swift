import Contract
import Foundation
import Testing

@testable import Report

@Suite("Summaries")
struct SummaryTests {
    @Test("summary.json reads back as the same value and has the promised keys")
    func json() throws {
        let summary = sampleSummary()
        let bytes = try summary.json()

        #expect(try RunSummary(json: bytes) == summary)
        #expect(try summary.json() == bytes)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let keys = [
            "adapterDigest", "bytes", "clients", "federation", "history", "measure", "passAt1", "rounds",
            "seconds", "seed", "settings", "topology", "trainer",
        ]
        #expect(object.keys.sorted() == keys)
        let scores = try #require(object["passAt1"] as? [String: Any])
        #expect(scores.keys.sorted() == ["base", "federated", "localOnly", "noSwap"])
        let federated = try #require(scores["federated"] as? [String: Any])
        #expect(federated["overall"] as? Double == summary.scores.federated.overall)
        #expect((federated["byTopic"] as? [String: Double])?["sort"] == 0.771)
        let traffic = try #require(object["bytes"] as? [String: Any])
        #expect(traffic.keys.sorted() == ["byKind", "down", "fullModelSync", "up"])
        #expect(
            (object["seconds"] as? [String: Double])?.keys.sorted() == ["build", "evaluation", "training"]
        )
    }

    @Test("byte totals add up over rounds, kinds in the order they came")
    func bytes() {
        let totals = ByteTotals(
            byKind: [
                ByteCount(kind: "update", up: 3, down: 0), ByteCount(kind: "adapter", up: 0, down: 5),
                ByteCount(kind: "update", up: 4, down: 1),
            ],
            fullModelSync: 100
        )

        #expect(totals.byKind.map(\.kind) == ["update", "adapter"])
        #expect(totals.up == 7 && totals.down == 6 && totals.total == 13)
    }

    @Test("mean and standard error of 1, 2, 3, 4 are 2.5 and √(5/12)")
    func statistics() {
        let statistics = Statistics([1, 2, 3, 4])

        #expect(statistics.mean == 2.5)
        #expect(abs(statistics.standardError - (5.0 / 12).squareRoot()) < 1e-12)
        #expect(Statistics([7]).standardError == 0 && Statistics([]).mean == 0)
    }

    @Test("differences are paired by seed; a seed that one method lacks does not count")
    func paired() {
        func runs(_ values: [(UInt64, Double)]) -> [Reproduction.Run] {
            values.map { .init(seed: $0.0, score: Score(overall: $0.1, bySlice: [:])) }
        }
        let reproduction = Reproduction(
            title: "t",
            topology: "t.yaml",
            measure: passAt1,
            methods: [
                .init(name: "a", runs: runs([(3, 0.5), (1, 0.25), (2, 0.75)])),
                .init(name: "b", runs: runs([(1, 0.125), (3, 0.75)])),
            ],
            comparisons: [.init("a", against: "b"), .init("a", against: "missing")]
        )

        let differences = reproduction.pairedDifferences

        #expect(differences.count == 1)
        #expect(differences.first?.differences == [0.125, -0.25])
        #expect(differences.first?.wins == 1)
        #expect(differences.first?.statistics.mean == -0.0625)
    }

    @Test("the reproduction's text has both tables in columns")
    func text() {
        let text = ReproductionReport(sampleReproduction()).text()
        let lines = text.split(separator: "\n")

        #expect(lines.first?.hasPrefix("method") == true)
        #expect(lines.contains { $0.hasPrefix("balanced ") && $0.contains("61.9 ± 0.4") })
        #expect(lines.contains { $0.hasPrefix("balanced − no swap") && $0.contains("5") })
        #expect(lines.contains { $0.hasPrefix("base") && $0.contains("22.9") })
    }

    @Test("the reproduction's JSON has runs, means and differences")
    func reproductionJSON() throws {
        let bytes = try ReproductionReport(sampleReproduction()).json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])

        #expect(object.keys.sorted() == ["means", "pairedDifferences", "runs"])
        #expect((object["pairedDifferences"] as? [Any])?.count == 5)
        let runs = try #require(object["runs"] as? [String: Any])
        let methods = try #require(runs["methods"] as? [[String: Any]])
        let run = try #require((methods.first?["runs"] as? [[String: Any]])?.first)
        #expect(run.keys.sorted() == ["metrics", "passAt1", "seed"])
        #expect((run["passAt1"] as? [String: Any])?.keys.sorted() == ["byTopic", "overall"])
    }

    @Test("a reproduction's runs read back as the same value")
    func reproductionReadsBack() throws {
        let reproduction = sampleReproduction()
        let bytes = try JSONText.bytes(reproduction)

        #expect(try JSONText.value(Reproduction.self, from: bytes) == reproduction)
    }

    @Test("where less is better, the method with the lower value wins, and the worst slice is the highest")
    func lowerIsBetter() {
        func method(_ name: String, _ value: Double) -> Reproduction.Method {
            let score = Score(overall: value, bySlice: ["a": value - 1, "b": value + 1.5])
            return .init(name: name, runs: [.init(seed: 1, score: score), .init(seed: 2, score: score)])
        }
        let reproduction = Reproduction(
            title: "t",
            topology: "t.yaml",
            measure: logLoss,
            methods: [method("good", 2), method("bad", 3)],
            comparisons: [.init("good", against: "bad")]
        )
        let report = ReproductionReport(reproduction)

        #expect(reproduction.pairedDifferences.first?.wins == 2)
        #expect(report.methodTable.header == ["method", "log loss", "a", "b", "worst"])
        #expect(report.methodTable.rows.first == ["good", "2.00", "1.00", "3.50", "3.50"])
        #expect(report.differenceTable.rows.first == ["good − bad", "−1.00", "2 of 2"])
        let html = report.html()
        #expect(html.contains("left of zero the first is better") && !html.contains("%)"))
        #expect(!html.contains("own gain is small"))
    }

    @Test("a summary of another measure has its scores under that measure's key, and reads back")
    func otherMeasure() throws {
        let summary = sampleNumberSummary()
        let bytes = try summary.json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let scores = try #require(object["logLoss"] as? [String: Any])
        let federated = try #require(scores["federated"] as? [String: Any])
        let history = try #require(object["history"] as? [[String: Any]])

        #expect(object["passAt1"] == nil && object["figures"] != nil && object["metrics"] != nil)
        #expect(federated.keys.sorted() == ["byDomain", "interval", "overall"])
        #expect(history[0]["vetoed"] == nil && history[0]["vetoedClients"] == nil)
        #expect(history[2]["vetoedClients"] as? [String] == ["north", "south"])
        #expect(try RunSummary(json: bytes) == summary)
    }

    @Test("a terminal gets three decimals of a part of one and three digits of a number")
    func scoreText() {
        #expect(ScoreText.text(0.59149, passAt1) == "0.591")
        #expect(ScoreText.text(3.2149, logLoss) == "3.21")
        #expect(ScoreText.text(1234.4, logLoss) == "1234")
    }
}

@Suite("Numbers and scales")
struct NumberTests {
    @Test(
        "numbers read well",
        arguments: [
            (NumberText.fixed(-0.04, 1), "0.0"), (NumberText.fixed(-1.25, 1), "−1.3"),
            (NumberText.fixed(12345.6, 0), "12_346"), (NumberText.percent(0.619), "61.9_%"),
            (NumberText.points(-0.075), "−7.5"), (NumberText.points(0.009), "+0.9"),
            (NumberText.bytes(999), "999_B"), (NumberText.bytes(58_368), "58.4_kB"),
            (NumberText.bytes(999_999), "1.00_MB"), (NumberText.bytes(270_000_000), "270_MB"),
            (NumberText.seconds(3.44), "3.4_s"), (NumberText.seconds(71.6), "72_s"),
            (NumberText.seconds(90), "1_min 30_s"), (NumberText.fixed(.nan, 1), "–"),
            (NumberText.significant(0.0123), "0.0123"), (NumberText.significant(0), "0"),
            (NumberText.significant(0.0000123), "1.23e−5"), (NumberText.significant(-9.999e12), "−1.00e13"),
            (NumberText.significant(.infinity), "–"), (NumberText.fixed(1e11, 9), "–"),
        ]
    )
    func numbers(text: String, expected: String) {
        #expect(text == expected.replacingOccurrences(of: "_", with: NumberText.space))
    }

    @Test(
        "linear ticks are round, cover the values and are few",
        arguments: [0.0007, 0.62, 1, 7.3, 99, 12_345]
    )
    func linear(high: Double) {
        let scale = LinearScale(covering: [high * 0.1, high], from: 100, to: 0)

        #expect(scale.domain.lowerBound == 0 && scale.domain.upperBound >= high)
        #expect((3...8).contains(scale.ticks.count))
        #expect(scale.position(scale.domain.lowerBound) == 100)
        #expect(abs(scale.position(scale.domain.upperBound)) < 1e-9)
    }

    @Test(
        "ticks are told apart however small the differences are",
        arguments: [
            [0.6012, 0.6019], [1000.0001, 1000.0004], [0, 3e-9], [-2e-7, 5e-7], [1e12, 1.2e12], [3, 3],
            [0.61, 0.62], [-1e299, 1e299], [.leastNonzeroMagnitude, 1], [123_456_789, 123_456_791],
        ]
    )
    func distinctTicks(values: [Double]) {
        for (zero, factor) in [(false, 1.0), (false, 100.0), (true, 1.0)] {
            let labels = LinearScale(covering: values, zero: zero, from: 0, to: 100).labels(factor: factor)

            #expect(labels.count >= 2 && Set(labels).count == labels.count, "\(labels)")
            #expect(!labels.contains("–"))
        }
    }

    @Test("round ticks have no more digits than they need")
    func shortTicks() {
        #expect(NumberText.ticks([0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"])
        #expect(NumberText.ticks([0, 20, 40]) == ["0", "20", "40"])
        #expect(NumberText.ticks([0, 2.5e-8, 5e-8]) == ["0", "2.5e−8", "5.0e−8"])
    }

    @Test(
        "equal, missing and negative values still make a scale",
        arguments: [[], [0], [5, 5], [-3, -1], [.nan]]
    )
    func oddValues(values: [Double]) {
        for zero in [true, false] {
            let scale = LinearScale(covering: values, zero: zero, from: 0, to: 100)
            for value in values where value.isFinite {
                #expect((-0.001...100.001).contains(scale.position(value)))
            }
            #expect(scale.domain.upperBound > scale.domain.lowerBound)
        }
    }

    @Test("a logarithmic scale spaces powers of ten evenly")
    func logarithmic() {
        let scale = LogScale(covering: [20, 80_000, 0], from: 0, to: 400)

        #expect(scale.ticks == [10, 100, 1000, 10_000, 100_000])
        #expect(abs(scale.position(1000) - 200) < 1e-9)
        #expect(scale.position(0) == 0)
    }
}
