internal import FoundationEssentials

/// A JSON value of any kind.
enum JSONValue: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        if let values = try? decoder.container(keyedBy: AnyKey.self) {
            var object: [String: JSONValue] = [:]
            for key in values.allKeys {
                object[key.stringValue] = try values.decode(JSONValue.self, forKey: key)
            }
            self = .object(object)
            return
        }
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let number = try? value.decode(Int64.self) {
            self = .number("\(number)")
        } else if let number = try? value.decode(Double.self) {
            self = .number(JSONValue.text(of: number))
        } else if let flag = try? value.decode(Bool.self) {
            self = .bool(flag)
        } else if value.decodeNil() {
            self = .null
        } else {
            self = .array(try value.decode([JSONValue].self))
        }
    }

    /// Parses one JSON text.
    static func parse(_ bytes: some Collection<UInt8>) throws(ParseError) -> JSONValue {
        do {
            return try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch let error as DecodingError {
            guard case .dataCorrupted = error else { throw ParseError(reason: "\(error)") }
            throw ParseError(reason: "text that is not JSON")
        } catch {
            throw ParseError(reason: "\(error)")
        }
    }

    struct ParseError: Error { let reason: String }

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
        default: nil
        }
    }

    /// A whole number without its ".0".
    private static func text(of number: Double) -> String {
        guard number == number.rounded(), abs(number) < 1e15 else { return "\(number)" }
        return "\(Int64(number))"
    }

    /// A key of any name.
    struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
