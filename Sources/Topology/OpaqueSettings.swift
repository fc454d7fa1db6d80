internal import Yams

/// A mapping that the topology carries without reading it, for whoever its words belong to.
public struct OpaqueSettings: Sendable, Hashable {
    let value: PlainValue

    /// The empty mapping.
    public static let empty = OpaqueSettings(value: .mapping([]))

    init(value: PlainValue) { self.value = value }

    /// Reads a mapping written as YAML or JSON.
    ///
    /// - Throws: `TopologyError` naming `file`, the line and what is wrong.
    public init(yaml: String, file: String = "settings") throws(TopologyError) {
        let log = ProblemLog(file: file)
        let root = try YAMLDocument.root(of: yaml, file: file)
        let reader = OpaqueReader(log: log)
        let value = root.map { reader.settings($0, at: "") } ?? OpaqueSettings.empty
        try log.throwIfAny()
        self = value
    }

    /// Whether it has no keys.
    public var isEmpty: Bool { value == .mapping([]) }

    /// Its canonical JSON text in UTF-8: keys sorted by their bytes, no white space.
    public var json: [UInt8] { Array(value.canonicalJSON.utf8) }

    /// The same mapping with a key set to the value that a YAML or JSON text stands for.
    ///
    /// - Throws: `TopologyError` if the text is not YAML.
    public func setting(_ key: String, to text: String) throws(TopologyError) -> OpaqueSettings {
        let root = try YAMLDocument.root(of: text, file: key)
        let log = ProblemLog(file: key)
        let new = root.map { OpaqueReader(log: log).value($0, at: key, depth: 0) } ?? .null
        try log.throwIfAny()
        guard case .mapping(var pairs) = value else {
            preconditionFailure("opaque settings hold something other than a mapping")
        }
        pairs.removeAll { $0.key == key }
        pairs.append(PlainValue.Pair(key: key, value: new))
        return OpaqueSettings(value: .mapping(pairs))
    }
}
