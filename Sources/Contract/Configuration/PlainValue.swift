/// A value as YAML and JSON both know it, mappings in the order they were written.
package indirect enum PlainValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case text(String)
    case sequence([PlainValue])
    case mapping([Pair])

    package struct Pair: Sendable, Hashable {
        package var key: String
        package var value: PlainValue

        package init(key: String, value: PlainValue) {
            self.key = key
            self.value = value
        }
    }

    /// Orders do not count: two mappings are the same if their canonical texts are.
    package static func == (left: PlainValue, right: PlainValue) -> Bool {
        left.canonicalJSON == right.canonicalJSON
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(canonicalJSON) }

    /// JSON with keys sorted by their UTF-8 bytes and no white space.
    package var canonicalJSON: String {
        switch self {
        case .sequence(let values):
            return "[" + values.map(\.canonicalJSON).joined(separator: ",") + "]"
        case .mapping(let pairs):
            let sorted = pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            let members = sorted.map { Self.quoted($0.key) + ":" + $0.value.canonicalJSON }
            return "{" + members.joined(separator: ",") + "}"
        case .null, .boolean, .integer, .unsigned, .number, .text:
            return scalarJSON
        }
    }

    /// A scalar in JSON; numbers in their shortest form that reads back as the same value.
    private var scalarJSON: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .unsigned(let value): String(value)
        case .number(let value): "\(value)"
        case .text(let value): Self.quoted(value)
        case .sequence, .mapping: preconditionFailure("not a scalar")
        }
    }

    /// Block YAML, in the order written, indented by two spaces for each level.
    package func yaml(indentation: Int = 0) -> String {
        switch self {
        case .mapping(let pairs) where !pairs.isEmpty:
            return pairs.map { $0.yaml(indentation: indentation) }.joined()
        case .sequence(let values) where values.contains { $0.isNested }:
            return values.map { value in
                let body = value.yaml(indentation: indentation + 2)
                return String(repeating: " ", count: indentation) + "- " + body.dropFirst(indentation + 2)
            }.joined()
        case .sequence(let values):
            return Self.line("[" + values.map(\.flowScalar).joined(separator: ", ") + "]", indentation)
        case .mapping: return Self.line("{}", indentation)
        case .null, .boolean, .integer, .unsigned, .number, .text:
            return Self.line(flowScalar, indentation)
        }
    }

    /// Whether it takes several lines of YAML.
    fileprivate var isNested: Bool {
        switch self {
        case .mapping(let pairs): !pairs.isEmpty
        case .sequence(let values): values.contains { $0.isNested }
        case .null, .boolean, .integer, .unsigned, .number, .text: false
        }
    }

    /// A value on one line; texts stay bare where they cannot be taken for anything else.
    fileprivate var flowScalar: String {
        guard case .text(let text) = self else { return canonicalJSON }
        let bare = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "/"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        let startsWithLetter = text.first.map { $0.isASCII && ($0.isLetter || $0 == "/") } ?? false
        guard bare, startsWithLetter, case .text = ScalarText.resolve(text) else { return Self.quoted(text) }
        return text
    }

    private static func line(_ text: String, _ indentation: Int) -> String {
        String(repeating: " ", count: indentation) + text + "\n"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension PlainValue.Pair {
    fileprivate func yaml(indentation: Int) -> String {
        let name = String(repeating: " ", count: indentation) + PlainValue.text(key).flowScalar + ":"
        guard value.isNested else {
            return name + " " + value.yaml()
        }
        return name + "\n" + value.yaml(indentation: indentation + 2)
    }
}
