/// A tokenizer that can be written as the files that Hugging Face reads.
package protocol FileTokenizer: Tokenizer {
    /// The vocabulary as a `tokenizer.json` that Hugging Face's `tokenizers` loads and encodes alike.
    func fileBytes() -> [UInt8]
    /// The `tokenizer_config.json` to put beside it, so that `transformers` knows the special tokens.
    func configurationBytes() -> [UInt8]
}

/// A vocabulary as a `tokenizer.json` with a "WordLevel" model, and the configuration beside it.
struct WordLevelFile {
    /// The tokens by id.
    let tokens: [String]
    /// Whether a token is special.
    let isSpecial: (String) -> Bool
    /// The pre-tokenizer, as JSON.
    let preTokenizer: String
    /// The decoder, as JSON.
    let decoder: String
    /// The tokens that stand before a text that is encoded on its own.
    let start: [String]
    /// The tokens that stand behind it.
    let end: [String]

    /// The file.
    func bytes() -> [UInt8] {
        let added = tokens.enumerated().filter { isSpecial($1) }.map { id, token in
            """
                {"id": \(id), "content": \(quoted(token)), "single_word": false, "lstrip": false, \
            "rstrip": false, "normalized": false, "special": true}
            """
        }
        let vocabulary = tokens.enumerated().map { id, token in "      \(quoted(token)): \(id)" }
        let text = """
            {
              "version": "1.0",
              "truncation": null,
              "padding": null,
              "added_tokens": [
            \(added.joined(separator: ",\n"))
              ],
              "normalizer": null,
              "pre_tokenizer": \(preTokenizer),
              "post_processor": \(postProcessor),
              "decoder": \(decoder),
              "model": {
                "type": "WordLevel",
                "vocab": {
            \(vocabulary.joined(separator: ",\n"))
                },
                "unk_token": "<unk>"
              }
            }

            """
        return Array(text.utf8)
    }

    /// What puts `start` and `end` around a text, as JSON; with two texts only the first begins.
    private var postProcessor: String {
        guard !start.isEmpty || !end.isEmpty else { return "null" }
        func special(_ token: String) -> String {
            "{\"SpecialToken\": {\"id\": \(quoted(token)), \"type_id\": 0}}"
        }
        func sequence(_ name: String) -> String { "{\"Sequence\": {\"id\": \"\(name)\", \"type_id\": 0}}" }
        let (before, after) = (start.map(special), end.map(special))
        let single = (before + [sequence("A")] + after).joined(separator: ", ")
        let pair = (before + [sequence("A"), sequence("B")] + after).joined(separator: ", ")
        let ids = tokens.enumerated().filter { (start + end).contains($1) }.map { id, token in
            "\(quoted(token)): {\"id\": \(quoted(token)), \"ids\": [\(id)], \"tokens\": [\(quoted(token))]}"
        }
        return """
            {
                "type": "TemplateProcessing",
                "single": [\(single)],
                "pair": [\(pair)],
                "special_tokens": {\(ids.joined(separator: ", "))}
              }
            """
    }

    /// The `tokenizer_config.json` that names the special tokens of a tokenizer over these tokens.
    func configurationBytes(for tokenizer: some Tokenizer) -> [UInt8] {
        let names = [
            ("bos_token", tokenizer.bos), ("eos_token", tokenizer.eos), ("pad_token", tokenizer.pad),
        ]
        let lines = names.compactMap { name, id in id.map { "  \"\(name)\": \(quoted(tokens[Int($0)]))" } }
        let all = ["  \"tokenizer_class\": \"PreTrainedTokenizerFast\""] + lines
        return Array("{\n\(all.joined(separator: ",\n"))\n}\n".utf8)
    }

    /// A JSON string.
    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
