/// A JSON value of any kind. Numbers keep the digits they are written with.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    struct ParseError: Error { let reason: String }

    /// Parses one JSON text (RFC 8259), which may begin with a byte order mark.
    static func parse(_ bytes: some Collection<UInt8>) throws(ParseError) -> JSONValue {
        var parser = JSONParser(bytes: Array(bytes))
        return try parser.wholeText()
    }

    /// What the value is, for errors.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .number(let text): "the number \(text)"
        case .string(let text): text.isEmpty ? "an empty string" : "a string"
        case .array(let values): "an array of \(values.count)"
        case .object: "an object"
        }
    }

    /// The value as text, for strings and numbers.
    var text: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .null, .bool, .array, .object: nil
        }
    }

    /// The value as a whole number that a machine word holds.
    var integer: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }
}

/// Reads JSON strictly: no comments, no trailing commas, no key twice, no text behind the value.
private struct JSONParser {
    let bytes: [UInt8]
    private var index = 0

    /// How deeply arrays and objects may be nested.
    private static let depthMax = 128

    init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    mutating func wholeText() throws(JSONValue.ParseError) -> JSONValue {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw JSONValue.ParseError(reason: "text that is not UTF-8")
        }
        let value = try value(depth: 0)
        skipSpaces()
        guard index == bytes.count else { throw broken }
        return value
    }

    private var broken: JSONValue.ParseError { JSONValue.ParseError(reason: "text that is not JSON") }

    private var byte: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpaces() {
        while let byte, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
    }

    private mutating func takes(_ sign: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: sign) else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONValue.ParseError) -> JSONValue {
        guard depth < Self.depthMax else {
            throw JSONValue.ParseError(reason: "more than \(Self.depthMax) nested values")
        }
        skipSpaces()
        switch byte {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        default: break
        }
        for (word, value) in [("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false))]
        where bytes[index...].starts(with: word.utf8) {
            index += word.utf8.count
            return value
        }
        return .number(try number())
    }

    private mutating func object(_ depth: Int) throws(JSONValue.ParseError) -> JSONValue {
        index += 1
        var members: [String: JSONValue] = [:]
        skipSpaces()
        if takes("}") { return .object(members) }
        repeat {
            skipSpaces()
            guard byte == UInt8(ascii: "\"") else { throw broken }
            let key = try string()
            skipSpaces()
            guard takes(":") else { throw broken }
            guard members.updateValue(try value(depth: depth + 1), forKey: key) == nil else {
                throw JSONValue.ParseError(reason: "the key '\(key.prefix(40))' twice")
            }
            skipSpaces()
        } while takes(",")
        guard takes("}") else { throw broken }
        return .object(members)
    }

    private mutating func array(_ depth: Int) throws(JSONValue.ParseError) -> JSONValue {
        index += 1
        var values: [JSONValue] = []
        skipSpaces()
        if takes("]") { return .array(values) }
        repeat {
            values.append(try value(depth: depth + 1))
            skipSpaces()
        } while takes(",")
        guard takes("]") else { throw broken }
        return .array(values)
    }

    private mutating func number() throws(JSONValue.ParseError) -> String {
        let start = index
        _ = takes("-")
        if !takes("0") { try digits() }
        if takes(".") { try digits() }
        if takes("e") || takes("E") {
            if !takes("-") { _ = takes("+") }
            try digits()
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func digits() throws(JSONValue.ParseError) {
        let start = index
        while let byte, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        guard index > start else { throw broken }
    }

    private mutating func string() throws(JSONValue.ParseError) -> String {
        index += 1
        var content: [UInt8] = []
        while let byte, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw broken }
            index += 1
            if byte == UInt8(ascii: "\\") { content += try escaped() } else { content.append(byte) }
        }
        guard takes("\"") else { throw broken }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func escaped() throws(JSONValue.ParseError) -> [UInt8] {
        guard let sign = byte else { throw broken }
        index += 1
        switch sign {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [sign]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(try scalar()).utf8)
        default: throw broken
        }
    }

    /// The character behind `\u`; half of a pair alone is none.
    private mutating func scalar() throws(JSONValue.ParseError) -> Unicode.Scalar {
        var units = [try unit()]
        if UTF16.isLeadSurrogate(units[0]), bytes[index...].starts(with: "\\u".utf8) {
            index += 2
            units.append(try unit())
        }
        guard let text = String(validating: units, as: UTF16.self), let scalar = text.unicodeScalars.first
        else {
            throw JSONValue.ParseError(reason: "half of a pair of '\\u' alone")
        }
        return scalar
    }

    private mutating func unit() throws(JSONValue.ParseError) -> UInt16 {
        let end = index + 4
        guard end <= bytes.count, bytes[index..<end].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: bytes[index..<end], as: UTF8.self), radix: 16)
        else { throw broken }
        index = end
        return unit
    }
}
