internal import FoundationEssentials

/// Any JSON, for the parts of files that are compared or written and not otherwise understood.
enum JSONValue: Equatable, Decodable, Sendable, CustomStringConvertible {
    case null
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([JSONValue])
    /// Members in the order in which they are written; as read, in ascending order of key.
    case object([Member])

    /// A key with its value.
    struct Member: Equatable, Sendable {
        let key: String
        let value: JSONValue
    }

    /// An object with its members in this order.
    static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { Member(key: $0.key, value: $0.value) })
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: AnyKey.self) {
            let keys = object.allKeys.sorted { $0.stringValue < $1.stringValue }
            self = .object(
                try keys.map { Member(key: $0.stringValue, value: try object.decode(Self.self, forKey: $0)) }
            )
            return
        }
        if var list = try? decoder.unkeyedContainer() {
            var values: [JSONValue] = []
            while !list.isAtEnd { values.append(try list.decode(Self.self)) }
            self = .list(values)
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let integer = try? value.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try value.decode(String.self))
        }
    }

    /// A member of an object; nil when there is none, or null.
    subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self, let member = members.first(where: { $0.key == key }) else {
            return nil
        }
        return member.value == .null ? nil : member.value
    }

    /// The value as it is written.
    var description: String {
        var bytes: [UInt8] = []
        write(to: &bytes, indent: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text; nil for anything else.
    var text: String? { if case .text(let text) = self { text } else { nil } }

    /// The truth value; nil for anything else.
    var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }

    /// The elements; nil for anything else.
    var list: [JSONValue]? { if case .list(let list) = self { list } else { nil } }

    /// Reads a file of at most `limit` bytes.
    static func read(_ path: String, limit: Int) throws(CheckpointError) -> JSONValue {
        let bytes = try ReadableFile.contents(of: path, limit: limit)
        do {
            return try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch {
            throw .malformed(file: path, offset: nil, detail: JSONFault.describe(error))
        }
    }

    /// The value as indented JSON with a final line break; the same value gives the same bytes.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes, indent: 0)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func write(to bytes: inout [UInt8], indent: Int) {
        switch self {
        case .null: bytes += "null".utf8
        case .flag(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let integer): bytes += "\(integer)".utf8
        case .number(let number): bytes += "\(number)".utf8
        case .text(let text): Self.write(text, to: &bytes)
        case .list(let values):
            Self.write(values, "[]", to: &bytes, indent: indent) { value, bytes in
                value.write(to: &bytes, indent: indent + 2)
            }
        case .object(let members):
            Self.write(members, "{}", to: &bytes, indent: indent) { member, bytes in
                Self.write(member.key, to: &bytes)
                bytes += ": ".utf8
                member.value.write(to: &bytes, indent: indent + 2)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element],
        _ brackets: String,
        to bytes: inout [UInt8],
        indent: Int,
        element: (Element, inout [UInt8]) -> Void
    ) {
        let brackets = Array(brackets.utf8)
        bytes.append(brackets[0])
        for (index, value) in elements.enumerated() {
            bytes += (index == 0 ? "\n" : ",\n").utf8
            bytes += repeatElement(UInt8(ascii: " "), count: indent + 2)
            element(value, &bytes)
        }
        if !elements.isEmpty {
            bytes.append(UInt8(ascii: "\n"))
            bytes += repeatElement(UInt8(ascii: " "), count: indent)
        }
        bytes.append(brackets[1])
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case 0..<0x20: bytes += "\\u00".utf8 + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
