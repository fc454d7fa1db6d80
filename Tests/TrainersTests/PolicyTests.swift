import Contract
import Models
import Tasks
import Testing
import TrainersTestSupport

@testable import Trainers

@Suite("The rlvr trainer")
struct PolicyTests {
    private func makeTrainer(_ keys: String = #""promptsPerStep": 8"#) throws -> RLVRTrainer {
        let settings = try RLVRSettings(json: SharedModel.settings(keys))
        return try RLVRTrainer(settings: settings, context: SharedModel.get().client("a", index: 0))
    }

    private func makeJudge(_ keys: String = #""promptsPerStep": 8"#) throws -> RLVRJudge {
        let settings = try RLVRSettings(json: SharedModel.settings(keys))
        return try RLVRJudge(
            settings: settings,
            context: SharedModel.get().coordinator(schedule: SharedModel.schedule)
        )
    }

    private func distance(_ first: AdapterWeights, _ second: AdapterWeights) -> Double {
        first.subtracting(second).arrays.reduce(0) { $0 + $1.values.reduce(0) { $0 + Double($1 * $1) } }
            .squareRoot()
    }

    @Test("with one update the ratio is 1 and nothing is clipped")
    func onPolicy() throws {
        let trainer = try makeTrainer()

        let report = try trainer.adapt(StepPlan(round: 0, steps: 0..<3)) { _ in }

        #expect(report.metrics["clip_ratio"] == 0)
        #expect(report.examples == 24)
        #expect((report.metrics["reward"] ?? 0) > 0.02)
    }

    @Test("with several updates and a large step the clip takes hold")
    func offPolicy() throws {
        let trainer = try makeTrainer(
            #""promptsPerStep": 8, "updatesPerBatch": 6, "clipLow": 0.01, "clipHigh": 0.01"#
        )

        let report = try trainer.adapt(StepPlan(round: 0, steps: 0..<3)) { _ in }

        #expect((report.metrics["clip_ratio"] ?? 0) > 0)
    }

    @Test("the KL term is zero while the adapter changes nothing, and positive afterwards")
    func divergence() throws {
        let trainer = try makeTrainer(#""promptsPerStep": 8, "klWeight": 0.1"#)

        let first = try trainer.adapt(StepPlan(round: 0, steps: 0..<1)) { _ in }
        let second = try trainer.adapt(StepPlan(round: 0, steps: 1..<3)) { _ in }

        #expect(abs(first.metrics["kl"] ?? 1) < 1e-9)
        #expect((second.metrics["kl"] ?? 0) > 1e-6)
    }

    @Test("a strong proximal term holds the adapter near the broadcast one")
    func proximal() throws {
        let free = try makeTrainer()
        let held = try makeTrainer(#""promptsPerStep": 8, "proximalWeight": 100"#)
        let start = free.adapter
        for trainer in [free, held] {
            try trainer.beginRound(0, adapter: start)
            _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<8)) { _ in }
        }

        #expect(distance(held.adapter, start) < 0.6 * distance(free.adapter, start))
    }

    @Test("the optimiser starts anew at a round, unless it is kept")
    func optimiserReset() throws {
        func second(_ keys: String) throws -> AdapterWeights {
            let trainer = try makeTrainer(keys)
            let start = trainer.adapter
            try trainer.beginRound(0, adapter: start)
            _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<3)) { _ in }
            try trainer.beginRound(1, adapter: start)
            _ = try trainer.adapt(StepPlan(round: 1, steps: 0..<1)) { _ in }
            return trainer.adapter
        }

        let reset = try second(#""promptsPerStep": 8"#)
        let kept = try second(
            #""promptsPerStep": 8, "optimiser": {"learningRate": 0.003, "resetAtSync": false}"#
        )

        #expect(reset != kept)
    }

    @Test("cutting a batch into passes changes nothing but rounding")
    func passes() throws {
        let whole = try makeTrainer()
        let cut = try makeTrainer(#""promptsPerStep": 8, "tokensPerPass": 40"#)

        let first = try whole.adapt(StepPlan(round: 0, steps: 0..<1)) { _ in }
        let second = try cut.adapt(StepPlan(round: 0, steps: 0..<1)) { _ in }

        #expect(first.metrics["reward"] == second.metrics["reward"])
        let norms = (first.metrics["grad_norm"] ?? 0, second.metrics["grad_norm"] ?? 1)
        #expect(abs(norms.0 - norms.1) < 1e-4 * norms.0)
    }

    @Test("log-probabilities computed beforehand have the bits that the update sees")
    func sameBits() throws {
        let model = try SharedModel.get()
        let settings = try RLVRSettings(json: SharedModel.settings(#""tokensPerPass": 48"#))
        let run = try model.run(clients: ["a"], seed: 1)
        let learner = try LanguageLearner(
            task: LanguageTask(run, settings: settings),
            run: run,
            settings: settings
        )
        let groups = (0..<6).map { index in
            LearningGroup(
                prompt: [1, 20, 4, 5, Int32(3 + index)],
                responses: [[4, 5, 2], [6, 2], [7, 8, 9, 2]]
            )
        }
        let passes = learner.passes(groups)
        let before = learner.logProbs(passes, temperature: 1)
        let seen = Seen()

        _ = try learner.step(passes, temperature: 1, terms: [Recorder(seen: seen)])

        #expect(passes.count > 1)
        #expect(seen.logProbs == before)
    }

    @Test("an imported right answer becomes more likely, whoever sampled it")
    func imports() throws {
        let trainer = try makeTrainer(#""promptsPerStep": 8"#)
        let judge = try makeJudge()
        let batch = try judge.batch(round: 0, step: 2)
        try trainer.beginRound(0, adapter: try judge.initialAdapter())
        let responses = try trainer.respond(to: batch)
        let model = try SharedModel.get()
        let task = try LanguageTask(
            model.run(clients: ["a"]),
            settings: RLVRSettings(json: SharedModel.settings(#""promptsPerStep": 8"#))
        )
        let questions = try SmallModel.draw(clients: 2).publicQuestions(seed: 11)
        var labels: [(prompt: [Int32], responses: [[Int32]])] = []
        var groups: [PooledGroup] = []
        let allScores = try judge.score(flat: responses, to: batch)
        for (position, item) in batch.items.enumerated() {
            let scores = allScores[position]
            let question = try #require(questions.first { $0.id == item.id })
            let label = try task.label(of: question, set: "public")
            var group = PooledGroup(itemID: item.id, scores: scores, replacements: [])
            if let wrong = scores.firstIndex(of: 0) {
                group.replacements = [
                    Replacement(index: wrong, score: 1, payload: TokenPayload.encode(label))
                ]
                labels.append((try task.prompt(question.prompt), [label]))
            }
            groups.append(group)
        }
        func meanLogProb() throws -> Double {
            let adapter = try Adapter(for: task.base, LoRAConfiguration(rank: 4, alpha: 8), seed: 11)
            try adapter.load(trainer.adapter)
            let decoder = LanguageDecoder(task.base, adapter: adapter)
            let scores = decoder.scores(of: PackedBatch(groups: labels))
            return scores.reduce(0) { $0 + $1[0].logProb } / Double(scores.count)
        }
        let before = try meanLogProb()

        let report = try trainer.absorb(ResponsePool(round: 0, step: 2, groups: groups))

        #expect(labels.count > 4)
        #expect(try meanLogProb() > before)
        #expect(report.metrics["swap/imported_per_group"] == Double(labels.count) / 8)
        #expect((report.metrics["swap/imported_log_prob"] ?? 0) < 0)
        let own = groups.flatMap(\.scores)
        let reward = try #require(report.metrics["reward"])
        #expect(abs(reward - own.reduce(0, +) / Double(own.count)) < 1e-12)
        let swapped = try #require(report.metrics["swap/reward"])
        #expect(abs(swapped - reward - Double(labels.count) / Double(own.count)) < 1e-12)
        #expect(report.metrics["frac_reward_zero_std"] != report.metrics["swap/frac_reward_zero_std"])
        #expect(report.examples == 0)
    }

    @Test("a public question that this member's model cannot take is refused by name, not trapped on")
    func foreignQuestions() throws {
        let trainer = try makeTrainer()
        let batch = try makeJudge().batch(round: 0, step: 2)
        for payload in [
            Array(String(repeating: "1", count: 5_000).utf8), Array("é".utf8), [0xFF, 0xFE],
        ] {
            var other = batch
            other.items[1].payload = payload

            let fault = #expect(throws: QuestionFault.self) { try trainer.respond(to: other) }

            #expect(fault?.set == "public")
            #expect(fault?.id == batch.items[1].id)
        }
        #expect(try trainer.respond(to: batch).count == batch.items.count * batch.responsesPerItem)
    }

    @Test("a batch that asks for another K is refused")
    func otherK() throws {
        let trainer = try makeTrainer()
        var batch = try makeJudge().batch(round: 0, step: 2)
        batch.responsesPerItem = 5

        #expect(throws: SettingsFault.self) { try trainer.respond(to: batch) }
    }
}

/// What a term was shown.
private final class Seen {
    var logProbs: [Float] = []
}

/// A term that only looks.
private struct Recorder: ObjectiveTerm {
    let seen: Seen

    mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue {
        seen.logProbs += pass.logProbs
        return .zero(count: pass.logProbs.count)
    }
}
