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

    // MARK: - Numbers

    /// The number behind the last `####`, else in the last `\boxed{}`, else the last one.
    private static func isSameNumber(_ response: String, _ answer: String) -> Bool {
        guard let right = Rational(parsing: trimmed(answer)) else { return false }
        return finalNumber(in: response) == right
    }

    private static func finalNumber(in response: String) -> Rational? {
        let bytes = Array(response.utf8)
        if let mark = lastRange(of: "####", in: bytes),
            let value = Rational.first(in: String(decoding: bytes[mark.upperBound...], as: UTF8.self))
        {
            return value
        }
        if let boxed = lastBoxed(in: response),
            let value = Rational(parsing: boxed) ?? Rational.last(in: boxed)
        {
            return value
        }
        return Rational.last(in: response)
    }

    // MARK: - Text

    private static func isSameText(_ response: String, _ answer: String) -> Bool {
        if trimmed(response).utf8.elementsEqual(trimmed(answer).utf8) { return true }
        guard let boxed = lastBoxed(in: response) else { return false }
        return plainTeX(boxed).utf8.elementsEqual(plainTeX(answer).utf8)
    }

    /// A formula without what does not change its meaning: spacing, sizes, dollar signs, a last full stop.
    private static func plainTeX(_ formula: String) -> String {
        var text = formula
        for (old, new) in [
            ("\\left", ""), ("\\right", ""), ("\\!", ""), ("\\,", ""), ("\\ ", ""), ("\\;", ""), ("$", ""),
            (" ", ""),
            ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\n", ""),
        ] {
            text = text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
        }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    /// What is in the last `\boxed{}` or `\fbox{}`, braces balanced; nil if it is not closed.
    static func lastBoxed(in text: String) -> String? {
        let bytes = Array(text.utf8)
        let candidates = ["\\boxed", "\\fbox"].compactMap { lastRange(of: $0, in: bytes) }
        guard let start = candidates.map(\.upperBound).max() else { return nil }
        let rest = bytes[start...].drop { $0 == UInt8(ascii: " ") }
        guard rest.first == UInt8(ascii: "{") else {
            // `\boxed 5`: what stands before the next space or dollar sign.
            let word = rest.prefix {
                $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "$") && $0 != UInt8(ascii: "\n")
            }
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
