import Exchange
import Foundation
import Models
import Tasks
import Testing
import Trainers
import TrainersTestSupport

/// The models that ship with the program, at their place in the source tree.
private enum ShippedModel {
    static func path(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Models/Resources/\(name)").standardizedFileURL.path()
    }

    static func isThere(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path(name))/model.safetensors")
    }
}

@Suite("The shipped models leave room to learn")
struct ShippedModelTests {
    private func federation(_ model: String, ownFraction: Double, steps: Int) throws -> InProcessFederation {
        let draw = MixedDraw(families: [.inc, .dec, .max, .sort], clients: 4, ownFraction: ownFraction)
        let schedule = Schedule(stepsPerRound: steps, localPerPublic: 2)
        let settings = Array(#"{"maxTokens": 5, "optimiser": {"learningRate": 0.003}}"#.utf8)
        let source = ModelSource.directory(ShippedModel.path(model))
        let store = ModelStore()
        let entry = try TrainerRegistry.entry(named: "rlvr")
        return try InProcessFederation(
            clients: try (0..<4).map { index in
                let resources = ClientResources(
                    seed: 1,
                    client: "client-\(index)",
                    models: store,
                    model: source,
                    adapter: LoRAConfiguration(),
                    questions: try draw.privateQuestions(client: index, seed: 1)
                )
                return (resources.client, try entry.makeTrainer(settings, resources))
            },
            judge: try entry.makeJudge(
                settings,
                CoordinatorResources(
                    seed: 1,
                    schedule: schedule,
                    models: store,
                    model: source,
                    adapter: LoRAConfiguration(),
                    publicQuestions: try draw.publicQuestions(seed: 1),
                    heldOutQuestions: try draw.heldOutQuestions(seed: 1)
                )
            ),
            schedule: schedule,
            seed: 1
        )
    }

    @Test(
        "tiny-arithmetic answers a fifth of unseen questions, and 15 steps of 4 clients make it more",
        .enabled(
            if: ShippedModel.isThere("tiny-arithmetic"),
            "Sources/Models/Resources has no tiny-arithmetic"
        )
    )
    func standard() throws {
        var federation = try federation("tiny-arithmetic", ownFraction: 0.95, steps: 15)

        let record = try federation.run(rounds: 1)

        let base = record.evaluations[0]
        #expect((0.15...0.30).contains(base.passAt1))
        #expect((base.worstPassAt1 ?? 0) > 0.10)
        #expect(record.evaluations[1].passAt1 > base.passAt1 + 0.02)
        #expect(record.silentAfter < record.silentBefore)
        #expect(federation.adapter.valueCount == 29_184)
    }

    @Test(
        "tiny-arithmetic-hard answers a twelfth, no family less than a fiftieth",
        .enabled(
            if: ShippedModel.isThere("tiny-arithmetic-hard"),
            "Sources/Models/Resources has no tiny-arithmetic-hard"
        )
    )
    func hard() throws {
        var federation = try federation("tiny-arithmetic-hard", ownFraction: 1, steps: 15)

        let record = try federation.run(rounds: 1)

        let base = record.evaluations[0]
        #expect((0.04...0.12).contains(base.passAt1))
        #expect((base.worstPassAt1 ?? 0) > 0.02)
        #expect(record.evaluations[1].passAt1 > base.passAt1 + 0.02)
    }
}
