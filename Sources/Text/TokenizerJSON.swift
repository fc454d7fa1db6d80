// The parts of tokenizer.json and tokenizer_config.json that decide which ids a text gets.

struct TokenizerJSON: Decodable {
    private enum CodingKeys: String, CodingKey {
        case normalizer, model
        case addedTokens = "added_tokens"
        case preTokenizer = "pre_tokenizer"
        case postProcessor = "post_processor"
    }

    struct AddedToken: Decodable {
        private enum CodingKeys: String, CodingKey {
            case id, content, special, lstrip, rstrip
            case singleWord = "single_word"
        }

        var id: Int32
        var content: String
        var special: Bool?
        var singleWord: Bool?
        var lstrip: Bool?
        var rstrip: Bool?
    }

    struct Pattern: Decodable {
        private enum CodingKeys: String, CodingKey {
            case text = "String"
            case regex = "Regex"
        }

        var text: String?
        var regex: String?
    }

    struct Step: Decodable {
        private enum CodingKeys: String, CodingKey {
            case type, pattern, behavior, invert, pretokenizers
            case individualDigits = "individual_digits"
            case addPrefixSpace = "add_prefix_space"
            case useRegex = "use_regex"
        }

        var type: String
        var individualDigits: Bool?
        var addPrefixSpace: Bool?
        var useRegex: Bool?
        var pattern: Pattern?
        var behavior: String?
        var invert: Bool?
        var pretokenizers: [Step]?
    }

    struct Merge: Decodable {
        var left: String
        var right: String?

        /// Newer files hold pairs, older ones "left right".
        init(from decoder: any Decoder) throws {
            if let rule = try? decoder.singleValueContainer().decode(String.self) {
                left = rule
                return
            }
            var pair = try decoder.unkeyedContainer()
            left = try pair.decode(String.self)
            right = try pair.decode(String.self)
        }
    }

    struct Model: Decodable {
        private enum CodingKeys: String, CodingKey {
            case type, vocab, merges, dropout
            case subwordPrefix = "continuing_subword_prefix"
            case wordSuffix = "end_of_word_suffix"
            case byteFallback = "byte_fallback"
            case ignoreMerges = "ignore_merges"
        }

        var type: String?
        var vocab: [String: Int32]
        var merges: [Merge]?
        var dropout: Double?
        var subwordPrefix: String?
        var wordSuffix: String?
        var byteFallback: Bool?
        var ignoreMerges: Bool?
    }

    var addedTokens: [AddedToken]?
    var normalizer: Step?
    var preTokenizer: Step?
    var postProcessor: Step?
    var model: Model
}

struct TokenizerConfigurationJSON: Decodable {
    /// A token's text, given as a string or as an object with `content`.
    struct Name: Decodable {
        var content: String

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                content = text
                return
            }
            content = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .content)
        }

        private enum Keys: String, CodingKey { case content }
    }

    private enum CodingKeys: String, CodingKey {
        case bos = "bos_token"
        case eos = "eos_token"
        case pad = "pad_token"
    }

    var bos: Name?
    var eos: Name?
    var pad: Name?
}

/// The texts of the tokens that begin, end and fill sequences.
struct SpecialNames {
    var bos: String?
    var eos: String?
    var pad: String?

    /// The id of the name that was given, or else of the first usual one that the vocabulary has.
    static func id(_ given: String?, or usual: [String], in ids: [String: Int32]) -> Int32? {
        if let given { return ids[given] }
        return usual.lazy.compactMap { ids[$0] }.first
    }
}

extension DecodingError {
    /// Where the JSON is wrong, what is there and what should be.
    var summary: (field: String, found: String, expected: String) {
        switch self {
        case .typeMismatch(let type, let context):
            (DecodingError.path(context), "another type", "\(type)")
        case .valueNotFound(let type, let context):
            (DecodingError.path(context), "null", "\(type)")
        case .keyNotFound(let key, let context):
            (DecodingError.path(context, key), "nothing", "a value")
        case .dataCorrupted(let context):
            (
                DecodingError.path(context),
                context.underlyingError.map { "\($0)" } ?? context.debugDescription, "JSON"
            )
        @unknown default:
            ("file", "\(self)", "JSON")
        }
    }

    private static func path(_ context: Context, _ last: (any CodingKey)? = nil) -> String {
        let keys = context.codingPath + (last.map { [$0] } ?? [])
        let path = keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return path.isEmpty ? "file" : path
    }
}
