import Aggregation
import Contract
import Tasks
import Testing
import Text
import TrainersTestSupport

@testable import Trainers

@Suite("Small federations in one process")
struct FederationTests {
    private func federation(
        _ trainer: String,
        names: [String] = ["a", "b"],
        localPerPublic: Int? = 2,
        rule: any PoolRule = BalancedRule(),
        stepsPerRound: Int = 9,
        learningRate: Double = 0.003,
        questions: ((String, [Question]) -> [Question])? = nil
    ) throws -> InProcessFederation {
        let model = try SharedModel.get()
        let entry = try SharedModel.entry(trainer)
        let batch = trainer == "sft" ? "examplesPerStep" : "promptsPerStep"
        let settings = SharedModel.settings(
            #""\#(batch)": 8, "optimiser": {"learningRate": \#(learningRate)}"#
        )
        let schedule = Schedule(stepsPerRound: stepsPerRound, localPerPublic: localPerPublic)
        return try InProcessFederation(
            clients: names.enumerated().map { index, name in
                let own = try SmallModel.draw(clients: names.count).privateQuestions(client: index, seed: 11)
                let context = try model.client(
                    name,
                    index: index,
                    clients: names.count,
                    questions: questions.map { $0(name, own) }
                )
                return (name, try entry.makeTrainer(settings, context))
            },
            judge: try entry.makeJudge(
                settings,
                model.coordinator(schedule: schedule, clients: names.count)
            ),
            schedule: schedule,
            poolRule: rule,
            seed: 11
        )
    }

    @Test("rlvr gets better on questions that nobody has seen")
    func policyLearns() throws {
        var federation = try federation("rlvr", stepsPerRound: 30, learningRate: 0.01)

        let record = try federation.run(rounds: 2)

        #expect(record.evaluations[2].value > record.evaluations[0].value + 0.03)
        #expect(record.swaps > 0)
        #expect(record.silentAfter < record.silentBefore)
    }

    @Test("sft gets better on questions that nobody has seen")
    func supervisedLearns() throws {
        var federation = try federation("sft", stepsPerRound: 30, learningRate: 0.01)

        let record = try federation.run(rounds: 2)

        #expect(record.evaluations[2].value > record.evaluations[0].value + 0.03)
        #expect(record.reports.contains { ($0.metrics["swap/accepted"] ?? 0) > 0 })
    }

    @Test("the same federation twice ends with the same bits, and another seed's does not")
    func repeats() throws {
        var first = try federation("rlvr")
        var second = try federation("rlvr")
        var other = try federation("rlvr", names: ["a", "c"])
        _ = try (first.run(rounds: 1), second.run(rounds: 1), other.run(rounds: 1))

        #expect(first.adapter == second.adapter)
        #expect(first.adapter != other.adapter)
    }

    @Test("without public steps the federation is averaged LoRA and nothing else")
    func averagedFactors() throws {
        var federation = try federation("rlvr", localPerPublic: nil, stepsPerRound: 3)
        let start = federation.adapter
        var alone = try self.federation("rlvr", localPerPublic: nil, stepsPerRound: 3).clients
        for index in alone.indices {
            try alone[index].trainer.beginRound(0, adapter: start)
            _ = try alone[index].trainer.adapt(StepPlan(round: 0, steps: 0..<3)) { _ in }
        }

        let record = try federation.run(rounds: 1)

        let (one, other) = (alone[0].trainer.adapter, alone[1].trainer.adapter)
        for (index, merged) in federation.adapter.arrays.enumerated() {
            for (position, value) in merged.values.enumerated() {
                let mean = (one.arrays[index].values[position] + other.arrays[index].values[position]) / 2
                #expect(abs(value - mean) < 1e-6)
            }
        }
        #expect(record.groups == 0 && record.exchanged.isEmpty)
    }

    @Test(
        "one client alone is left with its own groups, whatever the pool rule",
        arguments: ["none", "balanced"]
    )
    func aloneIsPlain(rule: String) throws {
        var federation = try federation("rlvr", names: ["a"], rule: try #require(PoolRules.named(rule)))
        var plain = try self.federation("rlvr", names: ["a"], rule: NoPoolRule())

        let record = try federation.run(rounds: 1)
        _ = try plain.run(rounds: 1)

        #expect(record.swaps == 0)
        #expect(federation.adapter == plain.adapter)
    }

    @Test("identical clients are merged into what each of them is")
    func identicalClients() throws {
        // The same client twice: the federation tells them apart by place, the trainers do not.
        let model = try SharedModel.get()
        let entry = try SharedModel.entry("rlvr")
        let settings = SharedModel.settings(#""promptsPerStep": 8"#)
        let schedule = Schedule(stepsPerRound: 1, localPerPublic: nil)
        var federation = try InProcessFederation(
            clients: try ["a", "b"].map {
                ($0, try entry.makeTrainer(settings, model.client("twin", index: 0)))
            },
            judge: try entry.makeJudge(settings, model.coordinator(schedule: schedule)),
            schedule: schedule,
            seed: 11
        )

        _ = try federation.run(rounds: 1)

        let drift = federation.adapter.subtracting(federation.clients[0].trainer.adapter)
        #expect(drift.arrays.allSatisfy { $0.values.allSatisfy { abs($0) < 1e-6 } })
    }

    @Test("no private prompt, id or answer is in anything that a client sends", arguments: ["rlvr", "sft"])
    func canary(trainer: String) throws {
        let canary = Question(
            id: "canary-id-7f",
            topic: "canary-topic",
            prompt: ">77,78=",
            answer: "78",
            kind: .exact
        )
        var federation = try federation(trainer) { _, questions in
            questions + Array(repeating: canary, count: 1)
        }

        let record = try federation.run(rounds: 1)

        let tokenizer = CharacterTokenizer.arithmetic
        let planted: [[UInt8]] = [
            Array(canary.prompt.utf8), Array(canary.id.utf8), Array(canary.topic.utf8),
            TokenPayload.encode(tokenizer.encode(canary.prompt, parseSpecial: false)),
        ]
        let sent =
            record.exchanged + record.reports.flatMap { $0.metrics.keys.map { Array($0.utf8) } }
            + federation.adapter.arrays.map { Array($0.name.utf8) }
        #expect(sent.count > 100)
        for secret in planted {
            #expect(!sent.contains { contains($0, secret) })
        }
        // Snapshots stay on the client; even they hold the position in the private set, not the set.
        let snapshot = try federation.clients[0].trainer.snapshot()
        #expect(planted.allSatisfy { !contains(snapshot, $0) })
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count, let first = part.first else { return false }
        return bytes.indices.dropLast(part.count - 1).contains {
            bytes[$0] == first && bytes[$0...].starts(with: part)
        }
    }
}
