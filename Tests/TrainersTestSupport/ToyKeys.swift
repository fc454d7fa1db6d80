internal import Trainers

/// Reads a toy's settings and refuses unknown keys by name.
struct ToyKeys<Key: CodingKey> {
    private let container: KeyedDecodingContainer<Key>

    init(_ decoder: any Decoder, known: [Key]) throws {
        let names = known.map(\.stringValue)
        for key in try decoder.container(keyedBy: AnyName.self).allKeys where !names.contains(key.stringValue)
        {
            throw SettingsFault(
                key: key.stringValue,
                reason: "is not a setting; known are \(names.joined(separator: ", "))"
            )
        }
        container = try decoder.container(keyedBy: Key.self)
    }

    func value<Value: Decodable>(_ key: Key, default value: Value) throws -> Value {
        try container.decodeIfPresent(Value.self, forKey: key) ?? value
    }
}

private struct AnyName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
