internal import FoundationEssentials

/// JSON for people and programs: indented, keys sorted, a line feed at the end.
enum JSONText {
    static func bytes(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }

    static func value<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}

extension RunSummary {
    /// The content of `summary.json`.
    ///
    /// - Throws: `EncodingError` if a number is not finite.
    package func json() throws -> [UInt8] { try JSONText.bytes(self) }

    /// Reads what `json()` wrote.
    ///
    /// - Throws: `DecodingError` naming the key.
    package init(json: [UInt8]) throws { self = try JSONText.value(RunSummary.self, from: json) }
}
