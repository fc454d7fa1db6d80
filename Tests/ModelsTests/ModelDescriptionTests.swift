import Foundation
import Testing
import Text

@testable import Models

/// What `tributary inspect` says of a model.
@Suite struct ModelDescriptionTests {
    private func lines(_ name: String) throws -> [String] {
        let folder = try #require(Bundle.module.url(forResource: "files", withExtension: nil))
        return try ModelDescription(.directory(folder.appending(path: name).path())).lines
    }

    @Test("a description names whatever makes a model another one than a plain Llama")
    func features() throws {
        let gemma = try lines("families/gemma3")

        #expect(gemma.contains { $0.hasPrefix("architecture: gemma3_text, safetensors, 1 file of ") })
        #expect(gemma.contains("attention: softmax, the last 6 positions in blocks 0-1"))
        #expect(gemma.contains("attention: softmax in blocks 2"))
        #expect(gemma.contains("positions: rotary, θ = 1000000 in blocks 2"))
        let features = try #require(gemma.first { $0.hasPrefix("features: ") })
        for words in [
            "RMSNorm with ε = 1e-06", "GEGLU", "norms of each head's", "norm weights + 1", "scores / √10",
        ] {
            #expect(features.contains(words), "\(words)")
        }
        #expect(try lines("families/phi3").contains { $0.contains("qkv_proj [64, 32]") })
        #expect(try lines("families/qwen2").contains { $0.contains("biases on k_proj, q_proj, v_proj") })
        #expect(try lines("families/smollm3").contains { $0.hasPrefix("positions: none in blocks ") })
    }

    @Test("a missing tokenizer is said, with the file, and is no reason to say nothing else")
    func tokenizer() throws {
        let lines = try lines("families/llama")

        let line = try #require(lines.first { $0.hasPrefix("tokenizer: ") })
        #expect(line.contains("tokenizer.json: cannot be read: there is no such file"))
        #expect(lines.contains("licence: not stated"))
        #expect(lines.last?.hasPrefix("SHA-256 of the model: ") == true)
    }

    @Test("the files of an embedded model are those that its weights and its tokenizer are written with")
    func files() throws {
        let scratch = try Scratch()
        for name in EmbeddedModels.names {
            let model = try BaseModel.load(.embedded(name))
            let tokenizer = try #require(model.tokenizer() as? any FileTokenizer)
            let folder = try ModelSource.embedded(name).path
            let isHalf = name == "tiny-personas"

            let copy = scratch.path + "/" + name
            try DecoderParameters(model).write(
                toDirectory: copy,
                precision: isHalf ? .half : .single,
                tokenizer: tokenizer
            )

            for file in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
                let (kept, written) = (contents(folder, file), contents(copy, file))
                #expect(kept != nil && kept == written, "\(name)/\(file)")
            }
            #expect(tokenizer.sequenceStart == [1] && tokenizer.sequenceEnd.isEmpty)
        }
    }

    private func contents(_ folder: String, _ file: String) -> Data? {
        FileManager.default.contents(atPath: "\(folder)/\(file)")
    }

    @Test("an embedded model is described with its tokenizer")
    func embedded() throws {
        let lines = try ModelDescription(.embedded("tiny-arithmetic")).lines

        #expect(lines.contains("parameters: 224736"))
        #expect(
            lines.contains(
                "tokenizer: one id for each character, 32 ids, begins with '<bos>' (1), ends with '<eos>' (2)"
            )
        )
        #expect(lines.contains("chat template: none"))
    }
}
