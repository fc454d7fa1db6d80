import Foundation
import Testing

@testable import Text

/// What a GGUF file says about pieces of a `tokenizer.json`, and what it cannot say.
@Suite struct PieceVocabularyTests {
    private func pieces(_ bytes: [UInt8]) throws -> PieceVocabulary {
        let tokenizer = try #require(try TokenizerFile.load(bytes: bytes) as? SubwordTokenizer)
        return try #require(try PieceVocabulary(tokenizer, source: "tokenizer.json"))
    }

    private func refusal(_ name: String, _ edit: (inout [String: Any]) -> Void = { _ in }) -> String {
        do {
            _ = try pieces(Fixture.edited("Families/\(name).json", edit))
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    private func editModel(_ edit: @escaping (inout [String: Any]) -> Void) -> (inout [String: Any]) -> Void {
        { file in
            var model = file["model"] as? [String: Any] ?? [:]
            edit(&model)
            file["model"] = model
        }
    }

    @Test("scores made of rules imply these rules and no others")
    func scores() throws {
        for name in ["llama2", "gemma"] {
            let bytes = try Fixture.edited("Families/\(name).json") { file in
                file["added_tokens"] = (file["added_tokens"] as? [[String: Any]])?.filter {
                    $0["content"] as? String != "▁▁▁" && $0["content"] as? String != "\n\n"
                        && $0["content"] as? String != "<tool>"
                }
            }
            let vocabulary = try pieces(bytes)
            let rules = vocabulary.merges.map {
                vocabulary.tokens[Int($0.left)] + " " + vocabulary.tokens[Int($0.right)]
            }
            #expect(rules == (try FixtureFile(bytes).merges), "\(name)")
            #expect(vocabulary.addsSpacePrefix == (name == "llama2") && vocabulary.fallsBackToBytes)
        }
    }

    @Test("rules that no scores imply are refused with the first that differs")
    func rules() throws {
        let missing = refusal(
            "llama2",
            editModel { model in
                var merges = model["merges"] as? [[String]] ?? []
                merges.remove(at: 5)
                model["merges"] = merges
            }
        )
        #expect(missing.contains("merge ") && missing.contains("as scores of pieces imply"))
        // '▁▁▁' is an added token that no rule leads to; by its score two rules would.
        let gemma = refusal("gemma")
        #expect(gemma.contains("expected '") && gemma.contains("as scores of pieces imply"))
    }

    @Test("what a GGUF file takes for granted is refused by name where a file says otherwise")
    func settings() throws {
        #expect(refusal("llama2-normalized").contains("added_tokens '<unk>': normalized true"))
        #expect(refusal("mistral").contains("pre_tokenizer: Metaspace with 'first'"))
        #expect(refusal("metaspace").contains("pre_tokenizer"))
        #expect(refusal("unigram").contains("model.byte_fallback: true with Unigram"))
        #expect(refusal("llama2", editModel { $0["ignore_merges"] = true }).contains("model.ignore_merges"))
        #expect(refusal("llama2") { $0["normalizer"] = ["type": "NFC"] }.contains("normalizer: NFC"))
        #expect(refusal("llama2") { $0["decoder"] = ["type": "Fuse"] }.contains("decoder"))
        #expect(refusal("t5") { $0["decoder"] = ["type": "Fuse"] }.contains("decoder"))
        #expect(refusal("t5") { $0["normalizer"] = ["type": "NFC"] }.contains("normalizer"))
        #expect(refusal("t5") { $0["pre_tokenizer"] = ["type": "WhitespaceSplit"] }.contains("pre_tokenizer"))
        let scored = refusal(
            "t5",
            editModel { model in
                var pieces = model["vocab"] as? [[Any]] ?? []
                pieces[3][1] = -0.1
                model["vocab"] = pieces
            }
        )
        #expect(scored.contains("score of token 3: -0.1"))
        #expect(refusal("llama2") == "no error" && refusal("t5") == "no error")
    }

    @Test(
        "pieces of one score are refused, as a tokenizer.json could not tell them apart, unless they are runs"
    )
    func ties() throws {
        var vocabulary = GGUFVocabulary(
            model: "llama",
            tokens: ["<unk>", "a", "b", "c", "ab", "bc", "aa", "aaa", "aaaa", "▁"]
        )
        vocabulary.types = [2, 1, 1, 1, 1, 1, 4, 4, 4, 1]
        vocabulary.scores = [0, -1, -2, -3, -4, -5, 0, 0, 0, -6]
        func pieces() throws -> PieceVocabulary {
            let tokenizer = try #require(try vocabulary.tokenizer(source: "m.gguf") as? SubwordTokenizer)
            return try #require(try PieceVocabulary(tokenizer, source: "m.gguf"))
        }
        let runs = try pieces()
        #expect(runs.merges.count == 8)
        vocabulary.scores[5] = -4
        #expect { try pieces() } throws: { "\($0)".contains("one for 'ab' and 'bc'") }
    }

    @Test("a piece so long that its splits could not be looked at in time is refused by its id")
    func longPiece() throws {
        var vocabulary = GGUFVocabulary(
            model: "llama",
            tokens: ["<unk>", String(repeating: "a", count: 1024), String(repeating: "b", count: 1025)]
        )
        vocabulary.types = [2, 1, 1]
        vocabulary.scores = [0, -1, -2]
        let error = #expect(throws: TokenizerError.self) { try vocabulary.tokenizer(source: "m.gguf") }
        #expect(error?.description.contains("id 2") == true)
        #expect(error?.description.contains("a piece of 1025 bytes, expected at most 1024") == true)
    }
}
