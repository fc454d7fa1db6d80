import Contract
import Foundation
import Models
import Nodes
import Testing
import Text

@testable import tributary

/// What `generate` says and shows.
@Suite struct GenerateTests {
    @Test("a prompt with a character that the model has no token for is refused with the character")
    func unencodable() throws {
        let named = try NamedModel("tiny-arithmetic")

        let fault = #expect(throws: NodeError.self) { try named.tokens(of: "3 é", raw: false) }
        #expect(fault?.description.contains("no token for ' '") == true)
        #expect(fault?.kind == .data)
    }

    @Test("an empty prompt is what the tokenizer puts before a text, and refused where that is nothing")
    func empty() throws {
        let scratch = try Scratch()
        let named = try NamedModel("tiny-arithmetic")
        #expect(try named.tokens(of: "", raw: true) == [1])

        let folder = try EmbeddedModels.directory(of: "tiny-arithmetic")
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(scratch.path)/\(name)")
        }
        var file = try #require(
            try JSONSerialization.jsonObject(with: Data(scratch.read("tokenizer.json").utf8))
                as? [String: Any]
        )
        file["post_processor"] = [
            "type": "TemplateProcessing", "single": [["Sequence": ["id": "A", "type_id": 0]]],
            "pair": [] as [Any], "special_tokens": [String: Any](),
        ]
        try JSONSerialization.data(withJSONObject: file)
            .write(to: URL(filePath: scratch.path + "/tokenizer.json"))
        let without = try NamedModel(scratch.path)
        let fault = #expect(throws: NodeError.self) { try without.tokens(of: "", raw: true) }
        #expect(fault?.description.contains("makes no tokens") == true)
    }

    @Test("a prompt that leaves no room for an answer is refused with both numbers")
    func tooLong() throws {
        let named = try NamedModel("tiny-arithmetic")
        let room = named.base.configuration.positionsMax

        let fault = #expect(throws: NodeError.self) {
            try named.tokens(of: String(repeating: "1", count: room), raw: true)
        }
        #expect(fault?.description.contains("\(room)") == true)
    }

    @Test("answers are shown one after the other, each token as soon as those before it are shown")
    func order() throws {
        var said: [String] = []
        var shown = ShownSamples(2, tokenizer: CharacterTokenizer.arithmetic) { said.append($0) }

        shown.take(4, of: 0, isEnd: false)
        shown.take(5, of: 1, isEnd: false)
        shown.take(2, of: 1, isEnd: true)
        #expect(said == ["1"])
        shown.take(6, of: 0, isEnd: false)
        #expect(said == ["1", "3"])
        try shown.finish()
        #expect(said.joined() == "13\n2\n")
    }

    @Test("what cannot be shown ends the command with the reason")
    func cannotBeShown() {
        var shown = ShownSamples(1, tokenizer: CharacterTokenizer.arithmetic) { _ in
            throw OutputFault("standard output", "the disk is full")
        }

        shown.take(4, of: 0, isEnd: false)
        #expect(throws: OutputFault.self) { try shown.finish() }
    }
}
