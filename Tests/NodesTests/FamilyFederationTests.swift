import Contract
import Foundation
import Models
import Testing
import Text

@testable import Nodes

/// A federation of two steps, one of them public, on a model of each family that is read.
@Suite struct FamilyFederationTests {
    /// The folder with a small model of each family.
    private static let families = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ModelsTests/Golden/files/families")

    private static let names = [
        "llama", "llama-biases", "mistral", "qwen2", "qwen3", "smollm3", "phi3", "gemma2", "gemma3",
    ]

    /// Fresh weights of a family's shape, with the vocabulary of digits.
    private func model(_ name: String, in scratch: Scratch) throws -> String {
        let path = scratch.path + "/model"
        let file = Self.families.appending(path: "\(name)/config.json").path()
        var configuration = try DecoderConfiguration.read(from: file)
        configuration.vocabularySize = 32
        try DecoderParameters(random: configuration, seed: 5)
            .write(toDirectory: path, tokenizer: CharacterTokenizer.arithmetic)
        return path
    }

    /// The adapter that two steps of a trainer end with, by name.
    private func train(_ recipe: Recipe, on name: String) async throws -> [String: [Float]] {
        let scratch = try Scratch(name)
        var recipe = recipe
        recipe.rounds = 1
        recipe.steps = 2
        recipe.localPerPublic = "1"
        recipe.model = try model(name, in: scratch)
        recipe.adapter = "{rank: 2, alpha: 4, targets: [all-linear]}"
        let result = try await runInMemory(recipe, in: scratch)
        #expect(result.values.count == 2)
        let (weights, _) = try AdapterDirectory.read(
            from: RunLayout(root: scratch.path).coordinatorState + "/adapter"
        )
        return Dictionary(uniqueKeysWithValues: weights.arrays.map { ($0.name, $0.values) })
    }

    @Test("a federation fine-tunes every linear map of every family", arguments: names)
    func supervised(name: String) async throws {
        let adapter = try await train(.sft, on: name)

        for (array, values) in adapter {
            #expect(values.allSatisfy { $0.isFinite }, "\(array)")
            #expect(values.contains { $0 != 0 }, "\(array)")
        }
        let fused = adapter.keys.contains { $0.contains("qkv_proj") }
        #expect(fused == (name == "phi3"))
    }

    @Test("a federation learns from verified rewards on every family", arguments: names)
    func rewards(name: String) async throws {
        let adapter = try await train(.rlvr, on: name)

        #expect(!adapter.isEmpty)
        for (array, values) in adapter { #expect(values.allSatisfy { $0.isFinite }, "\(array)") }
    }
}
