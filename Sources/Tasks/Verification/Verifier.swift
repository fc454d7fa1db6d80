/// Decides whether a response answers a question rightly.
///
/// Pure functions of two texts, so that every node that verifies comes to the same verdict.
package enum Verifier {
    /// Whether a response is right.
    ///
    /// - Parameters:
    ///   - response: What was answered, without the token that ends it.
    ///   - question: What was asked.
    package static func verify(response: String, question: Question) -> Bool {
        switch question.kind {
        case .numeric: isSameNumber(response, question.answer)
        case .choice: choice(in: response, answer: question.answer) == normalised(question.answer)
        case .exact: isSameText(response, question.answer)
        }
    }

    // MARK: - Text

    private static func isSameText(_ response: String, _ answer: String) -> Bool {
        // Swift compares texts by canonical equivalence: é is e with an accent.
        let (said, right) = (trimmed(response), trimmed(answer))
        if said == right { return true }
        let text = spoken(said)
        if hasBox(text) { return lastBoxed(in: text).map { MathText.areSame($0, right) } ?? false }
        return trimmed(text) == right || isFormula(right) && MathText.areSame(text, right)
    }

    /// Whether spaces and braces mean nothing in a text.
    private static func isFormula(_ text: String) -> Bool { text.contains { "\\^_$".contains($0) } }

    // MARK: - Boxes

    /// Whether there is a `\boxed` or `\fbox`, closed or not.
    static func hasBox(_ text: String) -> Bool { text.contains("\\boxed") || text.contains("\\fbox") }

    /// What is in the last `\boxed{}` or `\fbox{}`, braces balanced; nil if it is not closed.
    static func lastBoxed(in text: String) -> String? {
        let bytes = Array(text.utf8)
        let candidates = ["\\boxed", "\\fbox"].compactMap { lastRange(of: $0, in: bytes) }
        guard let start = candidates.map(\.upperBound).max() else { return nil }
        let rest = bytes[start...].drop { $0 == UInt8(ascii: " ") }
        guard rest.first == UInt8(ascii: "{") else {
            // `\boxed 5`: what stands before the next space or dollar sign.
            let word = rest.prefix { !" $\n".utf8.contains($0) }
            return word.isEmpty ? nil : String(decoding: word, as: UTF8.self)
        }
        var depth = 0
        for (index, byte) in zip(rest.indices, rest) {
            if byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 {
                return trimmed(String(decoding: rest[(rest.startIndex + 1)..<index], as: UTF8.self))
            }
        }
        return nil
    }

    /// The last place of an ASCII text among bytes.
    static func lastRange(of text: String, in bytes: [UInt8]) -> Range<Int>? {
        let wanted = Array(text.utf8)
        var start = bytes.count - wanted.count
        while start >= 0 {
            if bytes[start] == wanted[0], bytes[start...].starts(with: wanted) {
                return start..<start + wanted.count
            }
            start -= 1
        }
        return nil
    }

    /// A text without the white space around it.
    static func trimmed(_ text: String) -> String {
        let rest = text.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(rest[...last])
    }
}
