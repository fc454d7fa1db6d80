import Contract
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
        let entry = try SharedModel.entry("rlvr")
        let data = try Mapping(json: Array(JSONEncoder().encode(draw)), file: "data")
        let run = RunContext(
            seed: 1,
            schedule: schedule,
            clients: (0..<4).map { "client-\($0)" },
            model: try Mapping(json: Array(#"{"directory": "\#(ShippedModel.path(model))"}"#.utf8))
        )
        return try InProcessFederation(
            clients: try run.clients.map { name in
                (name, try entry.makeTrainer(settings, ClientContext(run: run, name: name, data: data)))
            },
            judge: try entry.makeJudge(
                settings,
                CoordinatorContext(run: run, publicData: data, evaluationData: data)
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
        #expect((0.15...0.30).contains(base.value))
        #expect((base.slices.map(\.value).min() ?? 0) > 0.10)
        #expect(record.evaluations[1].value > base.value + 0.02)
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
        #expect((0.04...0.12).contains(base.value))
        #expect((base.slices.map(\.value).min() ?? 0) > 0.02)
        #expect(record.evaluations[1].value > base.value + 0.02)
    }
}
