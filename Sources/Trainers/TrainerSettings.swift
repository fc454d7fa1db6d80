internal import FoundationEssentials

/// A trainer's hyper-parameters: the `settings` object of a topology file.
///
/// Every key has a default, so `{}` is complete. Decode with `StrictContainer`, which refuses unknown
/// keys.
public protocol TrainerSettings: Codable, Sendable, Equatable {
    /// The defaults.
    init()

    /// Checks ranges and combinations.
    ///
    /// - Throws: `SettingsFault` naming the key, the value and the limit.
    func validate() throws(SettingsFault)
}

extension TrainerSettings {
    /// Reads settings from a JSON object and validates them; no bytes at all mean the defaults.
    ///
    /// - Throws: `SettingsFault`.
    public init(json: [UInt8]) throws(SettingsFault) {
        guard !json.isEmpty else {
            self.init()
            return
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch let fault as SettingsFault {
            throw fault
        } catch let error as DecodingError {
            throw SettingsFault(error)
        } catch {
            throw SettingsFault(key: "", reason: "\(error)")
        }
        try validate()
    }

    /// All settings, defaults included, as a JSON object with sorted keys: equal settings give equal
    /// bytes.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}

/// A setting that is unknown, of the wrong type or out of range.
public struct SettingsFault: Error, Equatable, CustomStringConvertible {
    /// The key, with dots between levels; empty for the object as a whole.
    public var key: String
    /// What is wrong: the value and what was expected.
    public var reason: String

    /// Makes a fault.
    public init(key: String, reason: String) {
        self.key = key
        self.reason = reason
    }

    init(_ error: DecodingError) {
        let (path, reason): ([any CodingKey], String) =
            switch error {
            case .typeMismatch(let type, let context): (context.codingPath, "expected \(type)")
            case .valueNotFound(let type, let context): (context.codingPath, "expected \(type), found null")
            case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing")
            case .dataCorrupted(let context): (context.codingPath, context.debugDescription)
            @unknown default: ([], "\(error)")
            }
        self.init(key: path.map(\.stringValue).joined(separator: "."), reason: reason)
    }

    /// The fault in words.
    public var description: String {
        key.isEmpty ? "settings: \(reason)" : "settings: '\(key)' \(reason)"
    }

    /// Throws unless a condition holds.
    static func require(
        _ condition: Bool,
        _ key: String,
        _ reason: @autoclosure () -> String
    ) throws(SettingsFault) {
        guard condition else { throw SettingsFault(key: key, reason: reason()) }
    }
}

/// A keyed container that refuses keys the settings do not know and takes defaults for absent ones.
struct StrictContainer<Key: CodingKey & CaseIterable> {
    private let container: KeyedDecodingContainer<Key>

    init(_ decoder: any Decoder) throws {
        let known = Set(Key.allCases.map(\.stringValue))
        let present = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
        if let unknown = present.first(where: { !known.contains($0) }) {
            let path = decoder.codingPath.map(\.stringValue) + [unknown]
            throw SettingsFault(
                key: path.joined(separator: "."),
                reason: "is not a setting; known are \(known.sorted().joined(separator: ", "))"
            )
        }
        container = try decoder.container(keyedBy: Key.self)
    }

    /// The value of a key, or the default where the key is absent.
    func value<Value: Decodable>(_ key: Key, default value: Value) throws -> Value {
        try container.decodeIfPresent(Value.self, forKey: key) ?? value
    }

    /// The value of a key, or nil where the key is absent.
    func optional<Value: Decodable>(_ key: Key) throws -> Value? {
        try container.decodeIfPresent(Value.self, forKey: key)
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
