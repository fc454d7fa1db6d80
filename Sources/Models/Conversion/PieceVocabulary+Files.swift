internal import FoundationEssentials
internal import Text

// SentencePiece's pieces as a `tokenizer.json` and as the metadata of a GGUF file.

extension PieceVocabulary {
    private static let sign = "▁"

    /// What a `tokenizer.json` says about the steps around the model, and about the model.
    var members: [JSONValue.Member] {
        [
            .init(key: "normalizer", value: normalizer),
            .init(key: "pre_tokenizer", value: preTokenizer),
            .init(key: "decoder", value: decoder),
            .init(key: "model", value: kind == .unigram ? unigram : bytePair),
        ]
    }

    private var normalizer: JSONValue {
        switch kind {
        case .unigram:
            return precompiledCharacterMap.isEmpty
                ? .null
                : .members([
                    "type": .text("Precompiled"),
                    "precompiled_charsmap": .text(Data(precompiledCharacterMap).base64EncodedString()),
                ])
        case .bytePair:
            let replace = Self.replace(" ", with: Self.sign)
            guard addsSpacePrefix else { return replace }
            let prepend = JSONValue.members(["type": .text("Prepend"), "prepend": .text(Self.sign)])
            return .members(["type": .text("Sequence"), "normalizers": .list([prepend, replace])])
        }
    }

    private var preTokenizer: JSONValue {
        guard kind == .unigram else { return .null }
        let steps = [JSONValue.members(["type": .text("WhitespaceSplit")]), Self.metaspace]
        return .members(["type": .text("Sequence"), "pretokenizers": .list(steps)])
    }

    private var decoder: JSONValue {
        guard kind == .bytePair else { return Self.metaspace }
        let strip = JSONValue.members([
            "type": .text("Strip"), "content": .text(" "), "start": .integer(1), "stop": .integer(0),
        ])
        let steps = [
            Self.replace(Self.sign, with: " "), .members(["type": .text("ByteFallback")]),
            .members(["type": .text("Fuse")]),
        ]
        return .members([
            "type": .text("Sequence"), "decoders": .list(steps + (addsSpacePrefix ? [strip] : [])),
        ])
    }

    private var bytePair: JSONValue {
        .members([
            "type": .text("BPE"), "dropout": .null,
            "unk_token": unknown.map { text($0) } ?? .null, "continuing_subword_prefix": .null,
            "end_of_word_suffix": .null, "fuse_unk": .flag(true), "byte_fallback": .flag(fallsBackToBytes),
            "ignore_merges": .flag(false),
            "vocab": .object(tokens.enumerated().map { .init(key: $0.element, value: .integer($0.offset)) }),
            "merges": .list(merges.map { .list([text($0.left), text($0.right)]) }),
        ])
    }

    private var unigram: JSONValue {
        .members([
            "type": .text("Unigram"), "unk_id": unknown.map { .integer(Int($0)) } ?? .null,
            "vocab": .list(zip(tokens, scores).map { .list([.text($0), .number(Double($1))]) }),
            "byte_fallback": .flag(false),
        ])
    }

    private func text(_ id: Int32) -> JSONValue { .text(tokens[Int(id)]) }

    private static var metaspace: JSONValue {
        .members([
            "type": .text("Metaspace"), "replacement": .text(sign), "prepend_scheme": .text("always"),
            "split": .flag(true),
        ])
    }

    private static func replace(_ text: String, with content: String) -> JSONValue {
        .members([
            "type": .text("Replace"), "pattern": .members(["String": .text(text)]), "content": .text(content),
        ])
    }

    /// The keys of a GGUF file that say more than those of every tokenizer.
    ///
    /// - Parameter fill: How many ids behind the last only fill an embedding up.
    func ggufKeys(fill: Int) -> [(key: String, value: GGUFFileWriter.Value)] {
        var keys: [(key: String, value: GGUFFileWriter.Value)] = [
            ("scores", .floats(scores + [Float](repeating: Self.fillScore, count: fill))),
            ("add_space_prefix", .flag(addsSpacePrefix)),
        ]
        if kind == .unigram { keys.append(("remove_extra_whitespaces", .flag(true))) }
        if !precompiledCharacterMap.isEmpty {
            keys.append(("precompiled_charsmap", .octets(precompiledCharacterMap)))
        }
        return keys
    }

    /// What llama.cpp's converter gives ids that are no pieces.
    private static let fillScore: Float = -10_000
}
