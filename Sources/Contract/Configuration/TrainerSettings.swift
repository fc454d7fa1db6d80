internal import FoundationEssentials

/// Hyper-parameters as a mapping of the topology file, every one with a default.
///
/// A structure of values with defaults is all it takes; the compiler writes the rest:
///
///     struct Settings: TrainerSettings {
///         var learningRate = 0.1
///         var batchSize = 16
///     }
///
/// Keys that the file does not have take the default, also within nested settings; keys that the settings do
/// not have are errors that name the line and the nearest key there is.
public protocol TrainerSettings: Codable, Sendable, Equatable {
    /// The defaults.
    init()

    /// Checks ranges and combinations. Without this function every value of the right type will do.
    ///
    /// - Throws: `SettingsFault` naming the key, the value and the limit.
    func validate() throws(SettingsFault)
}

extension TrainerSettings {
    /// Takes every value.
    public func validate() throws(SettingsFault) {}

    /// Reads settings from a JSON object and validates them; no bytes at all mean the defaults.
    ///
    /// - Throws: `ConfigurationError`.
    public init(json: [UInt8]) throws {
        self = try Mapping(json: json.isEmpty ? Array("{}".utf8) : json).read(Self.self) { $0 }
    }

    /// All settings, defaults included, as a JSON object with sorted keys: equal settings give equal
    /// bytes.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}

/// A setting that is out of range, or does not go together with another.
public struct SettingsFault: Error, Equatable, CustomStringConvertible {
    /// The key, with dots between levels; empty for the settings as a whole.
    public var key: String
    /// What is wrong: the value and what was expected.
    public var reason: String

    /// Makes a fault.
    public init(key: String, reason: String) {
        self.key = key
        self.reason = reason
    }

    /// The fault in words.
    public var description: String {
        key.isEmpty ? "settings: \(reason)" : "settings: '\(key)' \(reason)"
    }

    /// Throws unless a condition holds.
    public static func require(
        _ condition: Bool,
        _ key: String,
        _ reason: @autoclosure () -> String
    ) throws(SettingsFault) {
        guard condition else { throw SettingsFault(key: key, reason: reason()) }
    }
}
