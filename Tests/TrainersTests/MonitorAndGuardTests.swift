import Contract
import Testing
import TrainersTestSupport

@testable import Trainers

@Suite("Monitors and guards that ship")
struct MonitorAndGuardTests {
    @Test("the drift of answers is zero for the base, positive after learning, and the same when asked again")
    func answerDrift() throws {
        let model = try SharedModel.get()
        var context = try model.coordinator(schedule: SharedModel.schedule)
        context.run.settings = try Mapping(json: SharedModel.settings(#""examplesPerStep": 8"#))
        let monitor = try AnswerDriftMonitor(settings: AnswerDriftMonitor.Settings(), context: context)
        let settings = try SupervisedSettings(
            json: SharedModel.settings(#""examplesPerStep": 8, "optimiser": {"learningRate": 0.01}"#)
        )
        let trainer = try SupervisedTrainer(settings: settings, context: model.client("a", index: 0))

        let before = try monitor.observe(trainer.adapter, round: -1)
        _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<20)) { _ in }
        let after = try monitor.observe(trainer.adapter, round: 0)
        let again = try AnswerDriftMonitor(settings: AnswerDriftMonitor.Settings(), context: context)
            .observe(trainer.adapter, round: 0)

        #expect(abs(try #require(before.metrics["answerDrift"])) < 1e-5)
        let drift = try #require(after.metrics["answerDrift"])
        #expect(drift > 0.02 && drift < 1)
        #expect(again == after)
        guard case .bars(let bars) = try #require(after.figures.first).content else {
            Issue.record("no bars")
            return
        }
        #expect(bars.groups == ["cnt", "max"] && bars.series[0].values.allSatisfy { $0 ?? 2 <= 1 })
    }

    @Test("macrostates have not moved for the base, and have after learning, beyond chance")
    func ret() throws {
        let model = try SharedModel.get()
        var context = try model.coordinator(schedule: SharedModel.schedule)
        context.run.settings = try Mapping(json: SharedModel.settings(#""examplesPerStep": 8"#))
        var settings = RETMonitor.Settings()
        (settings.steps, settings.groups, settings.permutations, settings.samples) = (40, 4, 60, 2)
        settings.shape = MacrostateShape(windows: [2], hidden: [8], outputs: 4, predictorHidden: [8])
        settings.learning = MacrostateLearning(horizon: .init(from: 1, to: 1))
        settings.learning.batchSize = 32
        let monitor = try RETMonitor(settings: settings, context: context)
        let trainer = try SupervisedTrainer(
            settings: SupervisedSettings(
                json: SharedModel.settings(#""examplesPerStep": 8, "optimiser": {"learningRate": 0.01}"#)
            ),
            context: model.client("a", index: 0)
        )

        let before = try monitor.observe(trainer.adapter, round: -1)
        _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<20)) { _ in }
        let after = try monitor.observe(trainer.adapter, round: 0)
        let again = try RETMonitor(settings: settings, context: context).observe(trainer.adapter, round: 0)

        #expect(before.metrics["ret/occupancy_distance"] == 0 && before.metrics["ret/occupancy_p"] == 1)
        #expect(before.metrics["ret/transition_distance"] == 0)
        let distance = try #require(after.metrics["ret/occupancy_distance"])
        #expect(distance > 2 * (try #require(after.metrics["ret/occupancy_distance_by_chance"])))
        #expect(try #require(after.metrics["ret/occupancy_p"]) < 0.05)
        #expect(again == after)
        #expect(after.figures.first?.caption.contains("by 60 permutations") == true)
    }

    @Test(
        "the distance of counts is 0 for the same shares, 1 for disjoint ones, and Jensen and Shannon's between"
    )
    func distance() {
        #expect(Drift.distance([2, 4], [1, 2]) == 0)
        #expect(abs(Drift.distance([3, 0], [0, 5]) - 1) < 1e-12)
        // JSD of (1, 0) and (1/2, 1/2) is 3/4 · log2(4/3).
        #expect(abs(Drift.distance([2, 0], [1, 1]) - (0.311_278_124_459_132_8).squareRoot()) < 1e-12)
        #expect(Drift.distance([0, 0], [1, 1]) == 0)
    }

    @Test("a trainer without a language model has no answers that could drift, and is told so")
    func notLanguage() throws {
        #expect(throws: (any Error).self) {
            try RETMonitor(settings: RETMonitor.Settings(), context: ToyTrainers.coordinator())
        }
        #expect(throws: (any Error).self) {
            try AnswerDriftMonitor(
                settings: AnswerDriftMonitor.Settings(),
                context: ToyTrainers.coordinator()
            )
        }
    }

    private let accuracy = Measure(key: "accuracy")
    private let loss = Measure(key: "loss", higherIsBetter: false)

    private func objection(_ settings: String, _ value: Double, _ measure: Measure, previous: Double? = nil)
        throws
        -> String?
    {
        let entry = try #require(Registry.shipped.guards.first { $0.name == "bounds" })
        let bounds = try entry.make(try Mapping(json: Array(settings.utf8)), ToyTrainers.coordinator())
        return try bounds.objection(
            to: RoundCandidate(
                round: 3,
                adapter: AdapterWeights([]),
                evaluation: Evaluation(measure, value: value),
                previous: previous.map { Evaluation(measure, value: $0) },
                clients: ["a"]
            )
        )
    }

    @Test("bounds hold the primary figure between a minimum, a maximum and its last value")
    func bounds() throws {
        #expect(try objection(#"{"minimum": 0.2}"#, 0.2, accuracy) == nil)
        #expect(
            try objection(#"{"minimum": 0.2}"#, 0.19, accuracy)?.contains("below the minimum of 0.2") == true
        )
        #expect(try objection(#"{"maximum": 2}"#, 2.5, loss)?.contains("above the maximum of 2.0") == true)
        #expect(try objection(#"{"fall": 0.1}"#, 0.5, accuracy) == nil)
        #expect(try objection(#"{"fall": 0.125}"#, 0.5, accuracy, previous: 0.625) == nil)
        #expect(try objection(#"{"fall": 0.1}"#, 0.5, accuracy, previous: 0.75) != nil)
        #expect(try objection(#"{"fall": 0.1}"#, 0.5, loss, previous: 0.75) == nil)
        #expect(try objection(#"{"fall": 0.1}"#, 0.75, loss, previous: 0.5) != nil)
    }
}
