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
        let resources = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        let subject = TrainerConformance(
            entry: try TrainerRegistry.entry(named: "rlvr"),
            settings: SharedModel.settings(#""promptsPerStep": 8"#),
            client: { resources[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: Self.policyMetrics
        )

        #expect(try subject.check() == [])
    }

    @Test("rlvr conforms with two updates, KL, a proximal term and a kept optimiser")
    func rlvrWithEverything() throws {
        let model = try SharedModel.get()
        let resources = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        let json = """
            {"maxTokens": 4, "publicPromptsPerStep": 8, "samplesPerPrompt": 4, "promptsPerStep": 8,
             "updatesPerBatch": 2, "klWeight": 0.04, "proximalWeight": 0.01, "clipHigh": 0.28,
             "normaliseAdvantages": false, "tokensPerPass": 64,
             "optimiser": {"learningRate": 0.003, "resetAtSync": false}}
            """
        let subject = TrainerConformance(
            entry: try TrainerRegistry.entry(named: "rlvr"),
            settings: Array(json.utf8),
            client: { resources[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: Self.policyMetrics + ["kl"]
        )

        #expect(try subject.check() == [])
    }

    @Test("sft conforms")
    func supervised() throws {
        let model = try SharedModel.get()
        let resources = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        let subject = TrainerConformance(
            entry: try TrainerRegistry.entry(named: "sft"),
            settings: SharedModel.settings(#""examplesPerStep": 8"#),
            client: { resources[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: ["loss", "grad_norm", "completions/mean_length"]
        )

        #expect(try subject.check() == [])
    }

    @Test("the toy with vectors conforms")
    func vector() throws {
        let subject = TrainerConformance(
            entry: ToyTrainers.vector,
            settings: [],
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
            settings: [],
            client: { ToyTrainers.client($0) },
            coordinator: ToyTrainers.coordinator(),
            metrics: ["reward"]
        )

        #expect(try subject.check() == [])
    }

    @Test("the registry's names differ, and an unknown one is answered with those there are")
    func registry() {
        let names = TrainerRegistry.all.map(\.name)

        #expect(Set(names).count == names.count)
        #expect(names.sorted() == ["rlvr", "sft"])
        #expect(throws: SettingsFault(key: "trainer", reason: "'grpo' is unknown; known are rlvr, sft")) {
            try TrainerRegistry.entry(named: "grpo")
        }
    }
}
