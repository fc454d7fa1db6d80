/// Reads one mapping as a `Decodable` value: notes every key that is asked for, takes defaults for absent
/// ones, and finds the line of whatever is wrong.
///
/// What can be replaced by a default is noted and reading goes on, so that one run shows every problem;
/// what has no default ends it.
final class ConfigurationReader {
    private let mapping: Mapping
    fileprivate private(set) var problems: [ConfigurationError.Problem] = []
    /// By path, the keys that somebody asked for; a path is there once it was read as a mapping.
    fileprivate var asked: [String: Set<String>] = [:]
    /// The paths whose reading ended early: nobody knows which further keys they would have asked for.
    fileprivate var unfinished: Set<String> = []

    init(_ mapping: Mapping) { self.mapping = mapping }

    func read<Value: Decodable>(
        _ type: Value.Type,
        standard: PlainValue?,
        refusesUnknownKeys: Bool = true
    ) throws -> Value {
        let root = ValueDecoder(reader: self, path: "", value: mapping.value, standard: standard)
        let value: Value?
        do {
            value = try type.init(from: root)
        } catch is Noted {
            unfinished.insert("")
            value = nil
        } catch let error as DecodingError {
            note("", ConfigurationReader.describe(error))
            unfinished.insert("")
            value = nil
        }
        if refusesUnknownKeys { noteUnknown(mapping.value, at: "") }
        guard problems.isEmpty, let value else {
            throw ConfigurationError(file: mapping.file, problems: problems)
        }
        return value
    }

    fileprivate func note(_ path: String, _ message: String) {
        problems.append(mapping.problem(path, message))
    }

    private func noteUnknown(_ value: PlainValue, at path: String) {
        guard case .mapping(let pairs) = value, let known = asked[path] else { return }
        for pair in pairs {
            let inner = ConfigurationReader.join(path, pair.key)
            guard known.contains(pair.key) else {
                if unfinished.contains(path) { continue }
                let hint =
                    NearestKey.suggestion(for: pair.key, among: Array(known)).map { "did you mean '\($0)'?" }
                    ?? "expected one of \(known.sorted().joined(separator: ", "))"
                note(inner, "unknown key; \(hint)")
                continue
            }
            noteUnknown(pair.value, at: inner)
        }
    }

    static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : path + "." + key }

    /// A fault of a value's own initialiser, in its words; never the compiler's.
    fileprivate static func describe(_ error: DecodingError) -> String {
        switch error {
        case .dataCorrupted(let context): FaultText.corrupted(context)
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            FaultText.mismatch(type, context)
        case .keyNotFound(_, let context): context.debugDescription
        @unknown default: "cannot be read"
        }
    }
}

/// A problem was noted, and there is no default to go on with.
private struct Noted: Error {}

/// A type whose mapping is written as a whole: a key that is left out does not take the default that the
/// settings around it would give.
public protocol WholeMapping {}

private struct ValueDecoder: Decoder {
    let reader: ConfigurationReader
    let path: String
    /// What is written; nil where nothing is.
    let value: PlainValue?
    /// What holds where nothing is written.
    let standard: PlainValue?
    var codingPath: [any CodingKey] { path.isEmpty ? [] : [AnyCodingKey(path)] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// What is written, or else the default.
    var effective: PlainValue? { isWritten ? value : standard }

    private var isWritten: Bool {
        switch value {
        case .none, .some(.null): false
        case .some: true
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        switch effective {
        case .mapping, .none: break
        case .some(let other):
            reader.note(path, "found \(other.found), expected a mapping")
            throw Noted()
        }
        if reader.asked[path] == nil { reader.asked[path] = [] }
        return KeyedDecodingContainer(KeyedValues<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .sequence(let values) = effective else {
            throw fault("a list")
        }
        return ListedValues(decoder: self, values: values)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleValue(decoder: self) }

    func inner(_ key: String) -> ValueDecoder {
        reader.asked[path, default: []].insert(key)
        return ValueDecoder(
            reader: reader,
            path: ConfigurationReader.join(path, key),
            value: value?[key],
            standard: standard?[key]
        )
    }

    func fault(_ expected: String) -> any Error {
        reader.note(
            path,
            effective.map { "found \($0.found), expected \(expected)" } ?? "missing, expected \(expected)"
        )
        return Noted()
    }

    func scalar<Value>(_ expected: String, _ convert: (PlainValue) -> Value?) throws -> Value {
        if let effective, let value = convert(effective) { return value }
        let error = fault(expected)
        // The default stands in, so that the other keys are read as well.
        if isWritten, let standard, let value = convert(standard) { return value }
        throw error
    }

    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        try scalar("a whole number") { value in
            switch value {
            case .integer(let number): Value(exactly: number)
            case .unsigned(let number): Value(exactly: number)
            case .number(let number): Value(exactly: number)
            case .null, .boolean, .text, .sequence, .mapping: nil
            }
        }
    }

    func number() throws -> Double {
        try scalar("a number") { value in
            switch value {
            case .integer(let number): Double(number)
            case .unsigned(let number): Double(number)
            case .number(let number): number
            case .null, .boolean, .text, .sequence, .mapping: nil
            }
        }
    }

    func float() throws -> Float {
        try scalar("a number that float32 can hold") { value in
            let number: Double
            switch value {
            case .integer(let whole): number = Double(whole)
            case .unsigned(let whole): number = Double(whole)
            case .number(let real): number = real
            case .null, .boolean, .text, .sequence, .mapping: return nil
            }
            let float = Float(number)
            // What is not 0 has to stay something, and in the precision that the sums are made in.
            return float.isFinite && (number == 0 || float.isNormal) ? float : nil
        }
    }

    func boolean() throws -> Bool {
        try scalar("true or false") { if case .boolean(let value) = $0 { value } else { nil } }
    }

    func text() throws -> String {
        try scalar("a text") { value in
            switch value {
            case .text(let text): text
            case .null, .boolean, .integer, .unsigned, .number, .sequence, .mapping: nil
            }
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let words = Value.self as? any (CaseIterable & RawRepresentable).Type {
            return try word(type, words)
        }
        let isWhole = Value.self is any WholeMapping.Type && isWritten
        let decoder = ValueDecoder(
            reader: reader,
            path: path,
            value: value,
            standard: isWhole ? nil : standard
        )
        do {
            return try type.init(from: decoder)
        } catch let error as DecodingError {
            reader.note(path, ConfigurationReader.describe(error))
        } catch let fault as SettingsFault {
            reader.note(ConfigurationReader.join(path, fault.key), fault.reason)
        } catch is Noted {
            // Noted where it happened.
        }
        reader.unfinished.insert(path)
        return try standIn(type)
    }

    /// The default in place of what could not be read, so that the other keys are read as well.
    private func standIn<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let fallback = ValueDecoder(
            reader: ConfigurationReader(.empty),
            path: "",
            value: nil,
            standard: standard
        )
        guard isWritten, standard != nil, let value = try? type.init(from: fallback) else { throw Noted() }
        return value
    }

    /// A word of a closed set.
    private func word<Value: Decodable>(
        _ type: Value.Type,
        _ words: any (CaseIterable & RawRepresentable).Type
    ) throws -> Value {
        if let effective, case .text = effective, let value = try? type.init(from: self.unnoted) {
            return value
        }
        _ = fault("one of \(ConfigurationReader.words(of: words).joined(separator: ", "))")
        return try standIn(type)
    }

    /// The same value, read without noting what is wrong.
    private var unnoted: ValueDecoder {
        ValueDecoder(
            reader: ConfigurationReader(.empty),
            path: "",
            value: value,
            standard: standard
        )
    }
}

extension ConfigurationReader {
    fileprivate static func words<Words: CaseIterable & RawRepresentable>(of type: Words.Type) -> [String] {
        type.allCases.map { "\($0.rawValue)" }
    }
}

private struct KeyedValues<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ValueDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        guard case .mapping(let pairs) = decoder.effective else { return [] }
        return pairs.compactMap { Key(stringValue: $0.key) }
    }

    func contains(_ key: Key) -> Bool {
        let inner = decoder.inner(key.stringValue)
        return inner.value != nil || inner.standard != nil
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        switch decoder.inner(key.stringValue).effective {
        case .none, .some(.null): true
        case .some: false
        }
    }

    private func at(_ key: Key) -> ValueDecoder { decoder.inner(key.stringValue) }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try at(key).boolean() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try at(key).text() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try at(key).number() }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try at(key).float() }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try at(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try at(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try at(key).integer(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try at(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try at(key).integer(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try at(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try at(key).integer(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try at(key).integer(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try at(key).integer(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try at(key).integer(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try at(key).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try at(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try at(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { at(key) }
}

private struct ListedValues: UnkeyedDecodingContainer {
    let decoder: ValueDecoder
    let values: [PlainValue]
    var currentIndex = 0
    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    private mutating func next() throws -> ValueDecoder {
        guard !isAtEnd else { throw decoder.fault("\(currentIndex + 1) elements") }
        defer { currentIndex += 1 }
        return ValueDecoder(
            reader: decoder.reader,
            path: "\(decoder.path)[\(currentIndex)]",
            value: values[currentIndex],
            standard: nil
        )
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, case .null = values[currentIndex] else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next().boolean() }
    mutating func decode(_ type: String.Type) throws -> String { try next().text() }
    mutating func decode(_ type: Double.Type) throws -> Double { try next().number() }
    mutating func decode(_ type: Float.Type) throws -> Float { try next().float() }
    mutating func decode(_ type: Int.Type) throws -> Int { try next().integer(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next().integer(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next().integer(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next().integer(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next().integer(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next().integer(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next().integer(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next().integer(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next().integer(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next().integer(type) }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> { try next().container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct SingleValue: SingleValueDecodingContainer {
    let decoder: ValueDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool {
        switch decoder.effective {
        case .none, .some(.null): true
        case .some: false
        }
    }

    func decode(_ type: Bool.Type) throws -> Bool { try decoder.boolean() }
    func decode(_ type: String.Type) throws -> String { try decoder.text() }
    func decode(_ type: Double.Type) throws -> Double { try decoder.number() }
    func decode(_ type: Float.Type) throws -> Float { try decoder.float() }
    func decode(_ type: Int.Type) throws -> Int { try decoder.integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try decoder.integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try decoder.integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try decoder.integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try decoder.integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try decoder.integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try decoder.integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try decoder.integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try decoder.integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try decoder.integer(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}
