import Contract
import Testing
import Text

@testable import Trainers

@Suite("Settings")
struct SettingsTests {
    @Test("no settings are the defaults, and say themselves in full")
    func defaults() throws {
        let settings = try RLVRSettings(json: [])

        #expect(settings == RLVRSettings())
        #expect(try RLVRSettings(json: settings.json()) == settings)
        #expect(String(decoding: try settings.json(), as: UTF8.self).contains(#""samplesPerPrompt":8"#))
    }

    @Test("the defaults are those of the paper notes' table")
    func defaultValues() {
        let settings = RLVRSettings()

        #expect(settings.samplesPerPrompt == 8)
        #expect(settings.temperature == 1)
        #expect(settings.updatesPerBatch == 1)
        #expect(settings.clipLow == 0.2 && settings.clipHigh == 0.2)
        #expect(settings.klWeight == 0 && settings.proximalWeight == 0)
        #expect(settings.normaliseAdvantages)
        #expect(settings.optimiser.resetAtSync)
        #expect(settings.optimiser.clipNorm == 1)
    }

    @Test("every setting survives the way through JSON")
    func roundTrip() throws {
        var settings = RLVRSettings()
        settings.samplesPerPrompt = 4
        settings.klWeight = 0.04
        settings.optimiser.learningRate = 3e-3
        settings.optimiser.resetAtSync = false
        settings.prompt = PromptSettings(PromptTemplate(kind: .chat, suffix: "Answer with a number only."))
        settings.evaluation.method = .sampled

        #expect(try RLVRSettings(json: settings.json()) == settings)
    }

    @Test(
        "an unknown key is refused with its path",
        arguments: [
            (#"{"learningRate": 1}"#, "learningRate"), (#"{"optimiser": {"lr": 1}}"#, "optimiser.lr"),
            (#"{"evaluation": {"sample": 1}}"#, "evaluation.sample"),
            (#"{"prompt": {"sufix": ""}}"#, "prompt.sufix"),
        ]
    )
    func unknownKeys(json: String, key: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try RLVRSettings(json: Array(json.utf8)) }

        #expect(error?.problems.map(\.key) == [key])
        #expect(error?.description.contains("unknown key;") == true)
    }

    @Test(
        "a value of the wrong type or out of range is refused with its key",
        arguments: [
            (#"{"samplesPerPrompt": "8"}"#, "samplesPerPrompt"),
            (#"{"samplesPerPrompt": 1}"#, "samplesPerPrompt"),
            (#"{"temperature": 0}"#, "temperature"), (#"{"maxTokens": 0}"#, "maxTokens"),
            (#"{"clipLow": -0.1}"#, "clipLow"), (#"{"klWeight": -1}"#, "klWeight"),
            (#"{"updatesPerBatch": 0}"#, "updatesPerBatch"), (#"{"promptsPerStep": 0}"#, "promptsPerStep"),
            (#"{"optimiser": {"learningRate": 0}}"#, "optimiser.learningRate"),
            (#"{"optimiser": {"beta1": 1}}"#, "optimiser.beta1"),
            (#"{"evaluation": {"samples": 0}}"#, "evaluation.samples"),
            (#"{"evaluation": {"method": "exact"}}"#, "evaluation.method"), ("[]", ""), ("{", ""),
            // Nothing, one or infinite in float32.
            (#"{"temperature": 1e-46}"#, "temperature"), (#"{"temperature": 1e39}"#, "temperature"),
            (#"{"evaluation": {"temperature": 1e-40}}"#, "evaluation.temperature"),
            (#"{"optimiser": {"learningRate": 1e-50}}"#, "optimiser.learningRate"),
            (#"{"optimiser": {"epsilon": 1e-46}}"#, "optimiser.epsilon"),
            (#"{"optimiser": {"beta2": 0.99999999999}}"#, "optimiser.beta2"),
            (#"{"optimiser": {"clipNorm": 1e300}}"#, "optimiser.clipNorm"),
            (#"{"klWeight": 1e-50}"#, "klWeight"), (#"{"klWeight": 1e39}"#, "klWeight"),
            (#"{"proximalWeight": 1e300}"#, "proximalWeight"), (#"{"clipHigh": 1e300}"#, "clipHigh"),
        ]
    )
    func badValues(json: String, key: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try RLVRSettings(json: Array(json.utf8)) }

        #expect(error?.problems.map(\.key) == [key])
    }

    @Test("sft takes a temperature of 0 and refuses an unknown key")
    func supervised() throws {
        #expect(try SupervisedSettings(json: Array(#"{"temperature": 0}"#.utf8)).temperature == 0)
        let error = #expect(throws: ConfigurationError.self) {
            try SupervisedSettings(json: Array(#"{"promptsPerStep": 4}"#.utf8))
        }
        #expect(error?.problems.map(\.key) == ["promptsPerStep"])
    }
}
