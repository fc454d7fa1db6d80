import Contract
import Foundation
import LogisticRegression
import Testing
import Trainers
import TrainersTestSupport

@Suite("Every trainer keeps the trainers' laws")
struct ConformanceTests {
    /// TRL's names that a language trainer's local step reports.
    static let policyMetrics = [
        "reward", "reward_std", "frac_reward_zero_std", "loss", "entropy", "clip_ratio", "grad_norm",
        "completions/mean_length", "completions/clipped_ratio",
    ]

    @Test("rlvr conforms")
    func rlvr() throws {
        let model = try SharedModel.get()
        let contexts = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        let subject = TrainerConformance(
            entry: try SharedModel.entry("rlvr"),
            settings: SharedModel.settings(#""promptsPerStep": 8"#),
            client: { contexts[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: Self.policyMetrics
        )

        #expect(try subject.check() == [])
    }

    @Test("rlvr conforms with two updates, KL, a proximal term and a kept optimiser")
    func rlvrWithEverything() throws {
        let model = try SharedModel.get()
        let contexts = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        let json = """
            {"maxTokens": 4, "publicPromptsPerStep": 8, "samplesPerPrompt": 4, "promptsPerStep": 8,
             "updatesPerBatch": 2, "klWeight": 0.04, "proximalWeight": 0.01, "clipHigh": 0.28,
             "normaliseAdvantages": false, "tokensPerPass": 64,
             "optimiser": {"learningRate": 0.003, "resetAtSync": false}}
            """
        let subject = TrainerConformance(
            entry: try SharedModel.entry("rlvr"),
            settings: Array(json.utf8),
            client: { contexts[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: Self.policyMetrics + ["kl"]
        )

        #expect(try subject.check() == [])
    }

    @Test(
        "rlvr conforms with an extra factor or a whole model as adapter, pulled to the base",
        arguments: [#"{"kind": "hyperFeature", "rank": 4}"#, #"{"kind": "whole"}"#]
    )
    func adapters(adapter: String) throws {
        var model = try SharedModel.get()
        model.adapter = adapter
        let contexts = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        let subject = TrainerConformance(
            entry: try SharedModel.entry("rlvr"),
            settings: SharedModel.settings(#""promptsPerStep": 8, "klWeight": 0.04, "proximalWeight": 0.01"#),
            client: { contexts[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: Self.policyMetrics + ["kl"]
        )

        #expect(try subject.check() == [])
    }

    @Test("sft conforms")
    func supervised() throws {
        let model = try SharedModel.get()
        let contexts = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        let subject = TrainerConformance(
            entry: try SharedModel.entry("sft"),
            settings: SharedModel.settings(#""examplesPerStep": 8"#),
            client: { contexts[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: ["loss", "grad_norm", "completions/mean_length"]
        )

        #expect(try subject.check() == [])
    }

    @Test("the toy with vectors conforms")
    func vector() throws {
        let subject = TrainerConformance(
            entry: ToyTrainers.vector,
            settings: Array("{}".utf8),
            client: { ToyTrainers.client($0) },
            coordinator: ToyTrainers.coordinator(),
            metrics: ["loss"]
        )

        #expect(try subject.check() == [])
    }

    @Test("the toy with actions conforms")
    func action() throws {
        let subject = TrainerConformance(
            entry: ToyTrainers.action,
            settings: Array("{}".utf8),
            client: { ToyTrainers.client($0) },
            coordinator: ToyTrainers.coordinator(),
            metrics: ["reward"]
        )

        #expect(try subject.check() == [])
    }

    @Test("the toy with vectors conforms when it merges in place of swapping")
    func vectorMerges() throws {
        let subject = TrainerConformance(
            entry: ToyTrainers.vector,
            settings: Array(#"{"merges": true}"#.utf8),
            client: { ToyTrainers.client($0) },
            coordinator: ToyTrainers.coordinator(),
            metrics: ["loss"]
        )

        #expect(try subject.check() == [])
    }

    @Test("the toy with actions conforms with a critic that stays at home")
    func actionCritic() throws {
        let subject = TrainerConformance(
            entry: ToyTrainers.action,
            settings: Array(#"{"critic": true}"#.utf8),
            client: { ToyTrainers.client($0) },
            coordinator: ToyTrainers.coordinator(),
            metrics: ["reward"]
        )

        #expect(try subject.check() == [])
    }

    @Test("a stranger's trainer, which sees the public library alone, conforms")
    func stranger() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tributary-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let rows = (0..<40).map { "\($0 % 7),\($0 % 5),\($0 % 7 > $0 % 5 ? 1 : 0)\n" }
        try Data(("a,b,label\n" + rows.joined()).utf8).write(to: folder.appending(path: "rows.csv"))
        let data = try Mapping(json: Array(#"{"path": "rows.csv"}"#.utf8), file: "data")
        var run = ToyTrainers.run()
        run.folder = folder.path()
        let subject = TrainerConformance(
            entry: logisticRegression,
            settings: Array(#"{"features": ["a", "b"]}"#.utf8),
            client: { [run] in ClientContext(run: run, name: $0, data: data) },
            coordinator: CoordinatorContext(run: run, publicData: data, evaluationData: data),
            metrics: ["loss"]
        )

        #expect(try subject.check() == [])
    }

    @Test("the shipped names differ, and what is added takes the place of its namesake")
    func registry() {
        let names = Registry.shipped.trainers.map(\.name)
        let more = Registry.shipped.adding(Registry(trainers: [ToyTrainers.vector]))

        #expect(Set(names).count == names.count)
        #expect(names.sorted() == ["featureBlocking", "ret", "rlvr", "sft", "stacca"])
        #expect(
            more.trainers.map(\.name).sorted()
                == ["featureBlocking", "ret", "rlvr", "sft", "stacca", "vector"]
        )
        #expect(more.adding(Registry(trainers: [ToyTrainers.vector])).trainers.count == 6)
    }
}
