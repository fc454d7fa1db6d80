import Digest
import Testing
import Text

@testable import Models

/// SmolLM2's own vocabulary and template, against `tokenizers` and jinja2.
@Suite("SmolLM2's tokenizer from GGUF", .needsSmolLM2)
struct SmolLM2TextTests {
    private static let loaded = Result {
        let path = try #require(Outside.smolLM2)
        return try GGUFTokenizer.make(metadata: GGUFFile(path: path).metadata, file: path)
    }

    private let golden: SmolLM2Golden
    private let tokenizer: any Tokenizer

    init() throws {
        golden = try SmolLM2Golden.read()
        tokenizer = try SmolLM2TextTests.loaded.get()
    }

    @Test("the special tokens of the model are found")
    func special() {
        #expect((tokenizer.bos, tokenizer.eos, tokenizer.vocabularySize) == (1, 2, 49152))
    }

    @Test("every text has the golden ids and decodes back")
    func texts() {
        for line in golden.texts {
            #expect(tokenizer.encode(line.text, parseSpecial: true) == line.ids)
            #expect(tokenizer.encode(line.text, parseSpecial: false) == line.plain ?? line.ids)
            #expect(tokenizer.decode(line.ids).utf8.elementsEqual(line.text.utf8))
        }
    }

    @Test("the ids of many drawn texts have the golden hash")
    func bulk() {
        let hash = SHA256()
        var tokens = 0
        for text in golden.bulk.texts() {
            let ids = tokenizer.encode(text, parseSpecial: true)
            tokens += ids.count
            hash.update(ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> ($0 * 8)) } })
        }
        #expect(tokens == golden.bulk.tokens)
        #expect(hash.finish().description == golden.bulk.sha256)
    }

    private func template() throws -> ChatTemplate {
        let path = try #require(Outside.smolLM2)
        let source = try #require(try Checkpoint(.gguf(path)).templates().source(file: path))
        return try ChatTemplate(source, tokenizer: tokenizer)
    }

    @Test("every conversation renders and encodes as the model's own template does")
    func chats() throws {
        let template = try template()
        for chat in golden.chats {
            let messages = chat.messages.map { Message(role: $0.role, content: $0.content) }
            let text = try template.render(messages, addGenerationPrompt: chat.opens).text
            #expect(text.utf8.elementsEqual(chat.text.utf8))
            let ids = try template.encode(messages, addGenerationPrompt: chat.opens, tokenizer: tokenizer)
            #expect(ids == chat.ids)
        }
    }

    @Test("a conversation's tokens and answers are those of the published template, counted by hand")
    func conversation() throws {
        let talk = [
            Message(role: "user", content: "What is 2+2?"), Message(role: "assistant", content: "4"),
            Message(role: "user", content: "And 3+3?"), Message(role: "assistant", content: "6"),
        ]

        let made = try PromptTemplate(kind: .chat).tokenise(
            talk,
            answers: [1, 3],
            tokenizer: tokenizer,
            template: template()
        )

        // <|im_start|> is 1, <|im_end|> 2, a line end 198; the template puts its system turn first.
        let system: [Int32] = [
            1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407,
            19712,
            8182, 2, 198,
        ]
        let first: [Int32] = [1, 4093, 198, 1780, 314, 216, 34, 27, 34, 47, 2, 198, 1, 520, 9531, 198]
        let second: [Int32] = [198, 1, 4093, 198, 3528, 216, 35, 27, 35, 47, 2, 198, 1, 520, 9531, 198]
        #expect(made.tokens == system + first + [36, 2] + second + [38, 2])
        #expect(made.answers == [37..<39, 55..<57])
    }
}
