import Digest
import Foundation
import Testing

@testable import Text

/// SmolLM2's own vocabulary against ids made by `tokenizers` and checked with llama.cpp.
@Suite(.enabled(if: SharedData.isThere, "../shared/data/smollm2-golden is not there"))
struct SmolLM2GoldenTests {
    private struct Chat: Decodable {
        var messages: [Message]
        var opens: Bool
        var rendered: String
        var ids: [Int32]

        private enum CodingKeys: String, CodingKey {
            case messages, rendered, ids
            case opens = "add_generation_prompt"
        }
    }

    private struct Vector: Decodable {
        var text: String
        var ids: [Int32]
        var idsPlain: [Int32]?
        var decoded: String?
        var skipped: String?

        private enum CodingKeys: String, CodingKey {
            case text, ids, decoded
            case idsPlain = "ids_plain"
            case skipped = "decoded_skip_special"
        }
    }

    private struct Bulk: Decodable {
        var name: String
        var texts: Int
        var tokens: Int
        var hash: String

        private enum CodingKeys: String, CodingKey {
            case name, texts, tokens
            case hash = "sha256_of_le_int32_ids"
        }
    }

    @Test("every text has the golden ids and decodes back")
    func vectors() throws {
        let tokenizer = try SharedData.smolLM2()
        let bytes = try SharedData.bytes("smollm2-golden/tokenizer_vectors.jsonl")

        let vectors = try Fixture.lines(Vector.self, in: bytes)

        #expect(vectors.count == 290)
        for vector in vectors {
            #expect(tokenizer.encode(vector.text, parseSpecial: true) == vector.ids)
            #expect(tokenizer.encode(vector.text, parseSpecial: false) == vector.idsPlain ?? vector.ids)
            let decoded = tokenizer.decode(vector.ids)
            #expect(decoded.utf8.elementsEqual((vector.decoded ?? vector.text).utf8))
            guard let skipped = vector.skipped else { continue }
            #expect(tokenizer.decode(vector.ids, skipSpecial: true).utf8.elementsEqual(skipped.utf8))
        }
    }

    @Test("every conversation renders and encodes as the model's own template does")
    func chats() throws {
        let tokenizer = try SharedData.smolLM2()

        for chat in try Fixture.lines(Chat.self, in: SharedData.bytes("smollm2-golden/chat_vectors.jsonl")) {
            let text = ChatTemplate.chatML.render(
                chat.messages,
                addGenerationPrompt: chat.opens
            )
            #expect(text.utf8.elementsEqual(chat.rendered.utf8))
            #expect(tokenizer.encode(text, parseSpecial: true) == chat.ids)
            guard !chat.messages.contains(where: { $0.content.contains("<|") }) else { continue }
            let ids = try ChatTemplate.chatML.encode(
                chat.messages,
                addGenerationPrompt: chat.opens,
                tokenizer: tokenizer
            )
            #expect(ids == chat.ids)
        }
    }

    @Test("the special tokens of the model are found")
    func special() throws {
        let tokenizer = try SharedData.smolLM2()

        #expect((tokenizer.bos, tokenizer.eos, tokenizer.vocabularySize) == (1, 2, 49152))
    }

    /// About a million tokens, ten seconds in a debug build.
    @Test(
        "whole data columns have the golden hashes",
        .enabled(
            if: ProcessInfo.processInfo.environment["TRIBUTARY_BULK_TESTS"] != nil,
            "set TRIBUTARY_BULK_TESTS=1"
        )
    )
    func bulk() throws {
        let tokenizer = try SharedData.smolLM2()
        let bytes = try SharedData.bytes("smollm2-golden/tokenizer_bulk.json")

        for bulk in try JSONDecoder().decode([Bulk].self, from: Data(bytes)) {
            let parts = bulk.name.split(separator: " ")
            let rows = try SharedData.bytes(String(parts[0])).split(separator: UInt8(ascii: "\n"))
            let hash = SHA256()
            var tokens = 0
            for row in rows {
                let object = try JSONSerialization.jsonObject(with: Data(row)) as? [String: Any]
                let text = try #require(object?[String(parts[1])] as? String)
                let ids = tokenizer.encode(text, parseSpecial: true)
                tokens += ids.count
                hash.update(ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> ($0 * 8)) } })
            }
            #expect((rows.count, tokens) == (bulk.texts, bulk.tokens), "\(bulk.name)")
            #expect(hash.finish().description == bulk.hash, "\(bulk.name)")
        }
    }
}
