/// What is done to a text, or to a stretch between added tokens, before it is cut into pieces.
enum Normalizer: Sendable {
    /// Puts a text before another that is not empty.
    case prepend([UInt8])
    /// Replaces a text wherever it stands.
    case replace([UInt8], with: [UInt8])
    /// Replaces what matches a pattern.
    case replacePattern(PatternAutomaton, with: [UInt8])
    /// Unicode's normalisation form C.
    case composed
    /// The table of replacements that a SentencePiece model carries.
    case precompiled(PrecompiledCharacterMap)
    /// Takes away white space at the start, the end, or both.
    case strip(left: Bool, right: Bool)

    /// How many times as long all steps together may make a text.
    static let growthMax = 64.0

    /// How many times as long this step may make a text of at least one character, at most.
    var growth: Double {
        switch self {
        case .prepend(let text): 1 + Double(text.count)
        case .replace(let text, let content):
            max(1, Double(content.count) / Double(max(1, text.count)))
        case .replacePattern(_, let content): max(1, Double(content.count))
        case .composed, .precompiled, .strip: 1
        }
    }

    /// The text after this step.
    func apply(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .prepend(let text): bytes.isEmpty ? bytes : text + bytes
        case .replace(let text, let content): Normalizer.replace(text, with: content, in: bytes)
        case .replacePattern(let pattern, let content):
            Normalizer.replace(pattern, with: content, in: bytes)
        case .composed: CanonicalComposition.compose(bytes)
        case .precompiled(let map): map.apply(bytes)
        case .strip(let left, let right): Normalizer.strip(bytes, left, right)
        }
    }

    /// Replaces a text wherever it stands in another.
    static func replace(_ text: [UInt8], with content: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        guard let first = text.first else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == first, bytes[index...].starts(with: text) {
                result += content
                index += text.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    private static func replace(
        _ pattern: PatternAutomaton,
        with content: [UInt8],
        in bytes: [UInt8]
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var end = 0
        pattern.matches(in: bytes, 0..<bytes.count) { match in
            result += bytes[end..<match.lowerBound]
            result += content
            end = match.upperBound
        }
        return result + bytes[end...]
    }

    private static func strip(_ bytes: [UInt8], _ left: Bool, _ right: Bool) -> [UInt8] {
        var scalars = Substring(String(decoding: bytes, as: UTF8.self)).unicodeScalars
        while left, scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
        while right, scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
        return Array(Substring(scalars).utf8)
    }
}
