/// A step of turning the texts of tokens into text.
enum TokenDecoder: Equatable, Sendable {
    /// Reads GPT-2's byte alphabet and joins all texts.
    case byteLevel
    /// Turns the tokens of single bytes into those bytes.
    case byteFallback
    /// Joins all texts.
    case fuse
    /// Replaces a text in each.
    case replace([UInt8], with: [UInt8])
    /// Takes away up to some of a character at the start and at the end of each.
    case strip(Unicode.Scalar, start: Int, stop: Int)
    /// Writes another sign as a space again, and leaves it out of the first text where it was put before it.
    case metaspace(sign: [UInt8], isPrepended: Bool)

    /// Takes a step.
    ///
    /// - Parameters:
    ///   - texts: The texts so far.
    ///   - keepsBytes: Whether bytes that are no UTF-8 stay as they are; otherwise each becomes U+FFFD.
    func apply(_ texts: [[UInt8]], keepsBytes: Bool) -> [[UInt8]] {
        switch self {
        case .byteLevel: return [texts.flatMap { ByteAlphabet.bytes(of: $0) }]
        case .byteFallback: return TokenDecoder.joinBytes(texts, keepsBytes)
        case .fuse: return [texts.flatMap { $0 }]
        case .replace(let text, let content):
            return texts.map { Normalizer.replace(text, with: content, in: $0) }
        case .strip(let scalar, let start, let stop):
            return texts.map { TokenDecoder.strip(Array(String(scalar).utf8), start, stop, from: $0) }
        case .metaspace(let sign, let isPrepended):
            return texts.enumerated().map { index, text in
                Normalizer.replace(sign, with: index == 0 && isPrepended ? [] : [0x20], in: text)
            }
        }
    }

    private static func joinBytes(_ texts: [[UInt8]], _ keepsBytes: Bool) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            guard !run.isEmpty else { return }
            if keepsBytes || String(validating: run, as: UTF8.self) != nil {
                result.append(run)
            } else {
                result += [[UInt8]](repeating: [0xEF, 0xBF, 0xBD], count: run.count)
            }
            run = []
        }
        for text in texts {
            if let byte = ByteToken.byte(of: text[...]) {
                run.append(byte)
            } else {
                flush()
                result.append(text)
            }
        }
        flush()
        return result
    }

    private static func strip(_ unit: [UInt8], _ start: Int, _ stop: Int, from text: [UInt8]) -> [UInt8] {
        var slice = text[...]
        for _ in 0..<start where slice.starts(with: unit) { slice = slice.dropFirst(unit.count) }
        for _ in 0..<stop where slice.suffix(unit.count) == unit[...] { slice = slice.dropLast(unit.count) }
        return Array(slice)
    }
}
