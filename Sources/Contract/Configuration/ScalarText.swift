/// Plain YAML scalars by the core schema of YAML 1.2: `no`, `on` and `12:30` are texts.
package enum ScalarText {
    /// The value that an unquoted text stands for.
    package static func resolve(_ text: String) -> PlainValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        default: break
        }
        guard let first = text.utf8.first, isNumberStart(first) else { return .text(text) }
        if isDecimalInteger(text) {
            if let value = Int64(text) { return .integer(value) }
            if let value = UInt64(text) { return .unsigned(value) }
        }
        guard isDecimalNumber(text), let value = Double(text), value.isFinite else { return .text(text) }
        return .number(value)
    }

    private static func isNumberStart(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isDecimalInteger(_ text: String) -> Bool {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        return !digits.isEmpty && text.utf8.count - digits.count <= 1 && digits.allSatisfy(isDigit)
    }

    /// Digits, at most one point and an optional exponent; `Double` itself would also take `0x1p3` and `nan`.
    private static func isDecimalNumber(_ text: String) -> Bool {
        let allowed = Set("0123456789.eE+-".utf8)
        return text.utf8.contains(where: isDigit) && text.utf8.allSatisfy(allowed.contains)
    }
}
