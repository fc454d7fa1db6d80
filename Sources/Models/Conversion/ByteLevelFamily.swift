internal import Text

/// A family of byte-level vocabularies: what GGUF calls its pre-tokenizer, and what a `tokenizer.json` says instead.
///
/// A new family is one line in `all`.
struct ByteLevelFamily: Sendable {
    /// Its names in GGUF; the first is the one that is written.
    let names: [String]
    /// The steps before `ByteLevel`.
    let steps: [JSONValue]
    /// Whether `ByteLevel` cuts by GPT-2's pattern itself.
    let usesPattern: Bool
    /// The normalizer.
    var normalizer: JSONValue?
    /// Whether a piece that is a token is that token, whatever the rules say.
    var ignoresMerges = false
    /// Whether the begin token stands before a text unless the file says otherwise.
    var addsBOS = false

    /// The families that are converted.
    static let all = [
        ByteLevelFamily(names: ["gpt-2", "gpt2"], steps: [], usesPattern: true),
        ByteLevelFamily(
            names: ["smollm"],
            steps: [.members(["type": .text("Digits"), "individual_digits": .flag(true)])],
            usesPattern: true
        ),
        ByteLevelFamily(
            names: ["llama-bpe", "llama3", "llama-v3"],
            steps: [split(KnownPatterns.llama3)],
            usesPattern: false,
            ignoresMerges: true,
            addsBOS: true
        ),
        ByteLevelFamily(names: ["smaug-bpe"], steps: [split(KnownPatterns.llama3)], usesPattern: false),
        ByteLevelFamily(
            names: ["qwen2", "deepseek-r1-qwen"],
            steps: [split(KnownPatterns.qwen2)],
            usesPattern: false,
            normalizer: .members(["type": .text("NFC")])
        ),
        ByteLevelFamily(
            names: ["tekken"],
            steps: [split(KnownPatterns.tekken)],
            usesPattern: false,
            ignoresMerges: true,
            addsBOS: true
        ),
        ByteLevelFamily(names: ["gpt-4o"], steps: [split(KnownPatterns.gpt4o)], usesPattern: false),
    ]

    private static func split(_ pattern: String) -> JSONValue {
        .members([
            "type": .text("Split"), "pattern": .members(["Regex": .text(pattern)]),
            "behavior": .text("Isolated"), "invert": .flag(false),
        ])
    }

    /// The family of a GGUF file.
    static func named(_ name: String) -> ByteLevelFamily? { all.first { $0.names.contains(name) } }

    /// The family of a `tokenizer.json`.
    static func of(_ file: TokenizerParts.File) -> ByteLevelFamily? {
        all.first { family in
            family.ignoresMerges == (file.model.ignoreMerges ?? false)
                && Self.significant(family.normalizer) == Self.significant(file.normalizer)
                && Self.significant(family.preTokenizer) == Self.significant(file.preTokenizer)
        }
    }

    /// What a `tokenizer.json` says under `pre_tokenizer`.
    var preTokenizer: JSONValue {
        let last = JSONValue.members([
            "type": .text("ByteLevel"), "add_prefix_space": .flag(false), "trim_offsets": .flag(true),
            "use_regex": .flag(usesPattern),
        ])
        guard !steps.isEmpty else { return last }
        return .members(["type": .text("Sequence"), "pretokenizers": .list(steps + [last])])
    }

    /// The steps of a normalizer or a pre-tokenizer, without what changes no id: sequences of one, offsets, members that
    /// say what is so anyway.
    private static func significant(_ step: JSONValue?) -> [JSONValue] {
        guard case .object(let members)? = step, let step else { return [] }
        if step["type"] == .text("Sequence") {
            return (step["pretokenizers"] ?? step["normalizers"])?.list?.flatMap { significant($0) } ?? []
        }
        let usual: [String: JSONValue] = [
            "add_prefix_space": .flag(false), "use_regex": .flag(true), "invert": .flag(false),
        ]
        let kept = members.filter {
            $0.key != "trim_offsets" && $0.value != .null && usual[$0.key] != $0.value
        }
        return [.object(kept.sorted { $0.key < $1.key })]
    }
}
