import Contract
import Testing
import Trainers
import TrainersTestSupport

/// The small model, made once for all tests of this process.
enum SharedModel {
    private static let made = Result { try SmallModel() }
    static func get() throws -> SmallModel { try made.get() }

    static let schedule = Schedule(stepsPerRound: 6, localPerPublic: 2)

    /// A shipped trainer.
    static func entry(_ name: String) throws -> TrainerEntry {
        try #require(Registry.shipped.trainers.first { $0.name == name })
    }

    /// Settings of small batches; `keys` come on top.
    static func settings(_ keys: String) -> [UInt8] {
        let optimiser = keys.contains("optimiser") ? "" : #""optimiser": {"learningRate": 0.003}, "#
        return Array(
            #"{"maxTokens": 4, "publicPromptsPerStep": 8, "samplesPerPrompt": 4, \#(optimiser)\#(keys)}"#.utf8
        )
    }
}
