extension CharacterTokenizer {
    /// The vocabulary as a `tokenizer.json` that Hugging Face's `tokenizers` loads and encodes alike.
    package func fileBytes() -> [UInt8] {
        let added = tokens.enumerated().filter { CharacterTokenizer.isSpecial($1) }.map { id, token in
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
              "pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", \
            "invert": false},
              "post_processor": null,
              "decoder": {"type": "Fuse"},
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

    /// The `tokenizer_config.json` to put beside it, so that `transformers` knows the special tokens.
    package func configurationBytes() -> [UInt8] {
        let names = [("bos_token", bos), ("eos_token", eos), ("pad_token", pad)]
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
