import Foundation
import Testing

@testable import Text

/// A step that doubles each a.
private let twice = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#

@Suite struct TokenizerFileTests {
    @Test(
        "what would change ids and is not implemented is refused, naming the field",
        arguments: [
            ("normalizer", "normalizer", #"{"type": "Lowercase"}"#),
            (
                "normalizer", "normalizer.normalizers[1]",
                #"{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFKC"}]}"#
            ),
            ("normalizer", "normalizer.left", #"{"type": "NFC", "left": true}"#),
            (
                "normalizer", "normalizer",
                #"{"type": "Replace", "pattern": {"String": "a"}, "content": "\#(String(repeating: "b", count: 65))"}"#
            ),
            (
                "normalizer", "normalizer",
                #"{"type": "Sequence", "normalizers": [\#(Array(repeating: twice, count: 7).joined(separator: ", "))]}"#
            ),
            ("post_processor", "post_processor", #"{"type": "BertProcessing"}"#),
            ("pre_tokenizer", "pre_tokenizer", #"{"type": "Whitespace"}"#),
            (
                "pre_tokenizer", "pre_tokenizer.pretokenizers[1]",
                #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]}"#
            ),
            (
                "pre_tokenizer", "pre_tokenizer.pattern.Regex",
                #"{"type": "Split", "pattern": {"Regex": "(?<=a)b"}, "behavior": "Isolated"}"#
            ),
            (
                "pre_tokenizer", "pre_tokenizer",
                #"{"type": "Split", "pattern": {"String": "a"}, "behavior": "Apart", "invert": false}"#
            ),
            ("decoder", "decoder", #"{"type": "WordPiece"}"#),
            ("model", "model.type", #"{"type": "WordPiece", "vocab": {}}"#),
            (
                "model", "model.byte_fallback",
                #"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "byte_fallback": true}"#
            ),
            ("model", "model.dropout", #"{"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1}"#),
            (
                "model", "model.end_of_word_suffix",
                #"{"type": "BPE", "vocab": {}, "merges": [], "end_of_word_suffix": "</w>"}"#
            ),
            ("model", "model.new_rule", #"{"type": "BPE", "vocab": {}, "merges": [], "new_rule": true}"#),
        ]
    )
    func unsupported(key: String, field: String, value: String) throws {
        let new = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
        let bytes = try Fixture.edited("tokenizer.json") { $0[key] = new }

        let error = #expect(throws: TokenizerError.self) {
            try TokenizerFile.load(bytes: bytes, name: "t.json")
        }

        guard case .unsupported(let file, let named, _, _) = error else {
            Issue.record("not refused as unsupported: \(String(describing: error))")
            return
        }
        #expect((file, named) == ("t.json", field))
    }

    @Test("an added token that stands twice, below 0, or elsewhere in the vocabulary is refused")
    func addedTokens() throws {
        for added: [(String, Int)] in [
            [("<x>", 3), ("<x>", 2)], [("<x>", 99_999_999), ("<x>", 2)], [("<x>", 2), ("<y>", 2)],
            [("<x>", -1)],
            [("a", 2)], [("<x>", 0)], [("", 2)],
        ] {
            let bytes = try Fixture.edited("tokenizer.json") {
                $0["model"] =
                    ["type": "BPE", "vocab": ["a": 0, "b": 1], "merges": [String]()] as [String: Any]
                $0["added_tokens"] = added.map {
                    ["content": $0.0, "id": $0.1, "special": true] as [String: Any]
                }
            }

            #expect(throws: TokenizerError.self, "\(added)") { try TokenizerFile.load(bytes: bytes) }
        }
    }

    @Test("a vocabulary with a gap, or with an id given twice, is refused")
    func gaps() throws {
        for vocabulary in [["a": 0, "b": 4000], ["a": 0, "b": 0], ["a": -1]] {
            let bytes = try Fixture.edited("tokenizer.json") {
                $0["model"] = ["type": "BPE", "vocab": vocabulary, "merges": [String]()] as [String: Any]
                $0["added_tokens"] = [Any]()
            }
            let error = #expect(throws: TokenizerError.self) { try TokenizerFile.load(bytes: bytes) }
            guard case .malformed(_, "model.vocab", _, _) = error else {
                Issue.record("\(vocabulary): \(String(describing: error))")
                continue
            }
        }
    }

    @Test("broken JSON, a missing field and one of another type are refused by name")
    func broken() throws {
        let cases = [
            ("{\"model\": ", "model"), ("[]", "file"), ("{}", "model"),
            (#"{"model": {"vocab": {"a": "x"}}}"#, "model.vocab.a"),
        ]
        for (text, field) in cases {
            let error = #expect(throws: TokenizerError.self) {
                try TokenizerFile.load(bytes: Array(text.utf8), name: "t.json")
            }
            guard case .malformed("t.json", field, _, _) = error else {
                Issue.record("\(text): \(String(describing: error))")
                continue
            }
        }
    }

    @Test("tokens of several characters in a character vocabulary must be listed as added")
    func wordsInCharacterVocabulary() throws {
        let bytes = try Fixture.edited("characters.json") { $0["added_tokens"] = [Any]() }

        #expect(throws: TokenizerError.self) { try TokenizerFile.load(bytes: bytes) }
    }

    @Test("the configuration beside the file names the special tokens")
    func configuration() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tokenizer-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "tokenizer.json")
        try Data(try Fixture.bytes("tokenizer.json")).write(to: file)
        let usual = try TokenizerFile.load(path: file.path())
        let text =
            #"{"eos_token": {"content": "<|endoftext|>"}, "bos_token": null, "pad_token": "<|im_end|>"}"#
        try Data(text.utf8).write(to: folder.appending(path: "tokenizer_config.json"))

        let configured = try TokenizerFile.load(path: file.path())

        #expect((usual.bos, usual.eos, usual.pad) == (1, 2, 2))
        #expect((configured.bos, configured.eos, configured.pad) == (1, 0, 2))
    }

    @Test("the configuration's flags of added tokens go before the file's, and its other wishes are refused")
    func configurationThatContradicts() throws {
        func load(_ configuration: String, _ file: String = "Families/llama3.json") throws -> any Tokenizer {
            try TokenizerFile.load(bytes: Fixture.bytes(file), configuration: Array(configuration.utf8))
        }
        let usual = try load("{}")
        let end = try #require(usual.id(of: "<|im_end|>"))
        func configured(_ content: String, _ flags: String) -> String {
            #"{"added_tokens_decoder": {"\#(end)": {"content": "\#(content)", "special": true, \#(flags)}}}"#
        }

        let stripping = try load(configured("<|im_end|>", #""lstrip": true"#))

        #expect(usual.encode("a  <|im_end|>", parseSpecial: true).count == 3)
        #expect(stripping.encode("a  <|im_end|>", parseSpecial: true).count == 2)
        #expect(
            try load(#"{"add_prefix_space": false, "add_bos_token": true, "legacy": true}"#).bos == usual.bos
        )
        #expect(throws: TokenizerError.self) { try load(configured("<|im_start|>", #""lstrip": true"#)) }
        #expect(throws: TokenizerError.self) { try load(#"{"add_prefix_space": true}"#) }
        #expect(throws: TokenizerError.self) { try load(#"{"add_prefix_space": 1}"#) }
        #expect(throws: TokenizerError.self) {
            try load(#"{"add_prefix_space": false}"#, "Families/llama2.json")
        }
    }

    @Test(
        "what a template puts around a text is known, and one that is not a template of one text is refused"
    )
    func templates() throws {
        func load(_ single: String, ids: String = "[1]") throws -> any Tokenizer {
            let file = #"""
                {"model": {"type": "BPE", "vocab": {"a": 0, "<s>": 1}, "merges": []}, "post_processor":
                 {"type": "TemplateProcessing", "single": \#(single), "pair": [],
                  "special_tokens": {"<s>": {"id": "<s>", "ids": \#(ids), "tokens": ["<s>"]}}}}
                """#
            return try TokenizerFile.load(bytes: Array(file.utf8), name: "t.json")
        }
        let text = #"{"Sequence": {"id": "A", "type_id": 0}}"#
        let token = #"{"SpecialToken": {"id": "<s>", "type_id": 0}}"#

        let both = try load("[\(token), \(text), \(token), \(token)]", ids: "[1, 0]")

        #expect((both.sequenceStart, both.sequenceEnd) == ([1, 0], [1, 0, 1, 0]))
        #expect(throws: TokenizerError.self) { try load("[\(text), \(text)]") }
        #expect(throws: TokenizerError.self) { try load("[\(token), \(text)]", ids: "[2]") }
        #expect(throws: TokenizerError.self) { try load("[\(token), \(text)]", ids: "[-1]") }
        #expect(throws: TokenizerError.self) { try load(#"[{"SpecialToken": {"id": "<t>"}}]"#) }
    }

    @Test("a GGUF vocabulary of a kind that is not known, or that contradicts itself, is refused by name")
    func ggufVocabularies() throws {
        func load(_ model: String, _ pre: String?, _ edit: (inout GGUFVocabulary) -> Void = { _ in }) throws {
            var vocabulary = GGUFVocabulary(model: model, pre: pre, tokens: ["<unk>", "a", "b", "ab"])
            vocabulary.types = [2, 1, 1, 1]
            vocabulary.scores = [0, -2, -3, -1]
            edit(&vocabulary)
            _ = try vocabulary.tokenizer(source: "m.gguf")
        }
        func refused(
            _ part: String,
            _ model: String,
            _ pre: String? = nil,
            _ edit: (inout GGUFVocabulary) -> Void = { _ in }
        ) {
            let error = #expect(throws: TokenizerError.self) { try load(model, pre, edit) }
            #expect(error?.description.contains(part) == true, "\(String(describing: error))")
        }

        #expect(throws: Never.self) { try load("llama", nil) }
        #expect(throws: Never.self) { try load("t5", nil) }
        #expect(throws: Never.self) { try load("gpt2", "qwen2") }
        refused("tokenizer.ggml.model: 'gemma4'", "gemma4")
        refused("tokenizer.ggml.pre: 'deepseek-llm'", "gpt2", "deepseek-llm")
        refused("tokenizer.ggml.pre: nothing", "gpt2")
        refused("scores", "llama") { $0.scores = [] }
        refused("scores", "llama") { $0.scores.removeLast() }
        refused("type of token 1: found 9", "llama") { $0.types[1] = 9 }
        refused("eos", "llama") { $0.eos = -1 }
        refused("unknown", "t5") { $0.types[0] = 1 }
        refused("unknown", "t5") { $0.unknown = 4 }
        refused("remove_extra_whitespaces", "t5") { $0.removesExtraWhitespace = false }
        refused("precompiled_charsmap", "t5") { $0.precompiledCharacterMap = [9, 0, 0, 0, 1] }
    }

    @Test("a file that is not there is an error that names it")
    func missing() {
        let error = #expect(throws: TokenizerError.self) {
            try TokenizerFile.load(path: "/nowhere/tokenizer.json")
        }

        #expect("\(error.map(\.description) ?? "")".hasPrefix("/nowhere/tokenizer.json: cannot be read"))
    }
}
