internal import FoundationEssentials

/// A mapping of the topology file that only its owner understands: a trainer's settings, data or model, with
/// the line of every value.
public struct Mapping: Sendable {
    /// The file, as it was named.
    public let file: String
    /// The mapping's key with those it is in: `trainer.settings`.
    public let key: String
    package let value: PlainValue
    /// By full key, the line that it is written on.
    private let lines: [String: Int]

    /// A mapping without keys, as where nothing is written.
    public static let empty = Mapping(file: "", key: "", value: .mapping([]), lines: [:])

    package init(file: String, key: String, value: PlainValue, lines: [String: Int]) {
        self.file = file
        self.key = key
        self.value = value
        self.lines = lines
    }

    /// Reads a JSON object, as programs write one.
    ///
    /// - Throws: `ConfigurationError` for anything else.
    public init(json: [UInt8], file: String = "settings") throws(ConfigurationError) {
        let value: PlainValue
        do {
            value = try JSONDecoder().decode(PlainValue.self, from: Data(json))
        } catch {
            throw ConfigurationError(
                file: file,
                problems: [.init(line: nil, key: "", message: "found no JSON, expected an object")]
            )
        }
        guard case .mapping = value else {
            throw ConfigurationError(
                file: file,
                problems: [.init(line: nil, key: "", message: "found \(value.found), expected an object")]
            )
        }
        self.init(file: file, key: "", value: value, lines: [:])
    }

    /// Whether it has no keys.
    public var isEmpty: Bool { value == .mapping([]) }

    /// Its canonical JSON text in UTF-8: keys sorted by their bytes, no white space.
    public var json: [UInt8] { Array(value.canonicalJSON.utf8) }

    /// The keys that stand for places on a disk.
    package static let fileKeys: Set = ["path", "file", "files", "directory", "gguf", "from"]

    /// Whether anything in it is a key for a place on a disk.
    package var namesFiles: Bool {
        func names(_ value: PlainValue) -> Bool {
            switch value {
            case .mapping(let pairs):
                pairs.contains { Self.fileKeys.contains($0.key) || names($0.value) }
            case .sequence(let values): values.contains(where: names)
            case .null, .boolean, .integer, .unsigned, .number, .text: false
            }
        }
        return names(value)
    }

    /// Each key with its value as canonical JSON, sorted by key.
    package var members: [(key: String, value: String)] {
        guard case .mapping(let pairs) = value else { return [] }
        return pairs.map { ($0.key, $0.value.canonicalJSON) }.sorted { $0.0 < $1.0 }
    }

    /// Whether a key is written.
    public func has(_ name: String) -> Bool { value[name] != nil }

    /// The line of a key of this mapping, with dots between levels, or of the nearest one around it.
    package func line(of inner: String) -> Int? {
        var path = full(inner)
        while true {
            if let line = lines[path] { return line }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
            path = String(path[..<cut])
        }
    }

    private func full(_ inner: String) -> String {
        inner.isEmpty ? key : key.isEmpty ? inner : key + "." + inner
    }

    /// An error about a key of this mapping, on its line; an empty key means the mapping as a whole.
    public func error(_ inner: String, _ message: String) -> ConfigurationError {
        ConfigurationError(file: file, problems: [problem(inner, message)])
    }

    /// An error about a key that stands beside this mapping in the same one.
    package func error(beside name: String, _ message: String) -> ConfigurationError {
        let outer = key.split(separator: ".").dropLast().joined(separator: ".")
        let beside = Mapping(file: file, key: outer, value: value, lines: lines)
        return beside.error(name, message)
    }

    package func problem(_ inner: String, _ message: String) -> ConfigurationError.Problem {
        ConfigurationError.Problem(line: line(of: inner), key: full(inner), message: message)
    }

    /// Reads the mapping as a value.
    ///
    /// - Throws: `ConfigurationError` with the line of each value that is missing, of the wrong type, or under an
    ///   unknown key; what the value's own initialiser throws.
    public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try ConfigurationReader(self).read(type, standard: nil)
    }

    /// Reads what a value knows of the mapping; keys that it does not ask for are somebody else's.
    ///
    /// - Throws: `ConfigurationError` as `decode` does, but for unknown keys.
    package func decodePart<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try ConfigurationReader(self).read(type, standard: nil, refusesUnknownKeys: false)
    }

    /// Reads the mapping as settings, validates them and hands them to a body, whose `SettingsFault` becomes an
    /// error on the line of its key.
    ///
    /// - Throws: `ConfigurationError`; what the body throws.
    public func read<Settings: TrainerSettings, Result>(
        _ type: Settings.Type,
        _ body: (Settings) throws -> Result
    ) throws -> Result {
        let standard = try JSONDecoder().decode(PlainValue.self, from: JSONEncoder().encode(Settings()))
        let settings = try ConfigurationReader(self).read(type, standard: standard)
        do {
            try settings.validate()
            return try body(settings)
        } catch let fault as SettingsFault {
            throw error(fault.key, fault.reason)
        }
    }

    /// The same mapping without a key that its reader has dealt with.
    package func without(_ name: String) -> Mapping {
        guard case .mapping(var pairs) = value else { return self }
        pairs.removeAll { $0.key == name }
        return Mapping(file: file, key: key, value: .mapping(pairs), lines: lines)
    }

    /// The same mapping with a key set to another value.
    package func setting(_ name: String, to new: PlainValue) -> Mapping {
        guard case .mapping(var pairs) = value else {
            preconditionFailure("a mapping holds something else")
        }
        pairs.removeAll { $0.key == name }
        pairs.append(PlainValue.Pair(key: name, value: new))
        return Mapping(file: file, key: key, value: .mapping(pairs), lines: lines)
    }
}

extension Mapping: Hashable {
    /// Equal if they say the same, wherever it is written.
    public static func == (left: Mapping, right: Mapping) -> Bool { left.value == right.value }

    /// Hashes what it says.
    public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

/// One entry of a list of named settings: `- kl: {weight: 0.1}`.
public struct Component: Sendable, Hashable {
    /// The word before the colon.
    public var name: String
    /// The mapping behind it.
    public var settings: Mapping

    /// Makes an entry.
    public init(_ name: String, _ settings: Mapping = .empty) {
        self.name = name
        self.settings = settings
    }
}

extension PlainValue {
    /// The value of a key of a mapping; nil if this is no mapping, or has no such key.
    subscript(key: String) -> PlainValue? {
        guard case .mapping(let pairs) = self else { return nil }
        return pairs.first { $0.key == key }?.value
    }

    /// What an error message says was found.
    package var found: String {
        switch self {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .text(let text): Double(text) == nil ? "'\(text.prefix(60))'" : "the text '\(text.prefix(60))'"
        case .null, .boolean, .integer, .unsigned, .number: "'\(canonicalJSON)'"
        }
    }
}

extension PlainValue: Decodable {
    package init(from decoder: any Decoder) throws {
        if let keyed = try? decoder.container(keyedBy: AnyCodingKey.self) {
            self = .mapping(
                try keyed.allKeys.map {
                    Pair(key: $0.stringValue, value: try keyed.decode(PlainValue.self, forKey: $0))
                }
            )
            return
        }
        if var list = try? decoder.unkeyedContainer() {
            var values: [PlainValue] = []
            while !list.isAtEnd { values.append(try list.decode(PlainValue.self)) }
            self = .sequence(values)
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? single.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? single.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? single.decode(Double.self) {
            self = .number(value)
        } else {
            self = .text(try single.decode(String.self))
        }
    }
}
