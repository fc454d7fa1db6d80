import Contract
import Testing

@testable import Nodes

@Suite struct ExchangeLimitsTests {
    @Test(
        "settings that no public step can carry are refused where they are read",
        arguments: [
            ("samplesPerPrompt: 257", "samplesPerPrompt"),
            ("publicPromptsPerStep: 4097", "publicPromptsPerStep"),
            ("samplesPerPrompt: 256, publicPromptsPerStep: 257", "publicPromptsPerStep"),
            ("samplesPerPrompt: 256, publicPromptsPerStep: 256, maxTokens: 1024", "maxTokens"),
        ]
    )
    func settings(text: String, key: String) throws {
        var recipe = Recipe.rlvr
        recipe.settings = "{\(text)}"

        let error = try #require(throws: ConfigurationError.self) { try recipe.job() }

        #expect(
            error.problems.map(\.key) == ["trainer.settings.\(key)"]
                || error.problems.map(\.key) == ["trainer.\(key)"]
        )
    }
}
