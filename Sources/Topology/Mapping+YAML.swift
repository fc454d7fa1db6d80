package import Contract
internal import Yams

extension Mapping {
    /// Reads a mapping written as YAML or JSON.
    ///
    /// - Throws: `ConfigurationError` naming `file`, the line and what is wrong.
    package init(yaml: String, file: String = "settings", key: String = "") throws(ConfigurationError) {
        let log = ProblemLog(file: file)
        let root = try YAMLDocument.root(of: yaml, file: file)
        self = MappingNodes(log: log).mapping(root, at: key)
        try log.throwIfAny()
    }

    /// The same mapping with a key set to the value that a YAML or JSON text stands for.
    ///
    /// - Throws: `ConfigurationError` if the text is not YAML.
    package func setting(_ key: String, to text: String) throws(ConfigurationError) -> Mapping {
        let root = try YAMLDocument.root(of: text, file: key)
        let log = ProblemLog(file: key)
        let nodes = MappingNodes(log: log)
        let new = root.map { nodes.value($0, at: key, depth: 0) } ?? .null
        try log.throwIfAny()
        return setting(key, to: new)
    }
}

/// Turns nodes into plain values without knowing what they mean, and notes the line of each.
final class MappingNodes {
    /// Bounds what aliases can blow up to.
    private static let valuesMax = 100_000
    private static let depthMax = 32

    private let log: ProblemLog
    private var valuesLeft = MappingNodes.valuesMax
    private var lines: [String: Int] = [:]

    init(log: ProblemLog) { self.log = log }

    /// The mapping of a node; no node and `null` stand for an empty one.
    func mapping(_ node: Node?, at key: String) -> Mapping {
        let value = node.map { self.value($0, at: key, depth: 0) } ?? .null
        switch value {
        case .mapping: return Mapping(file: log.file, key: key, value: value, lines: lines)
        case .null: return Mapping(file: log.file, key: key, value: .mapping([]), lines: lines)
        case .boolean, .integer, .unsigned, .number, .text, .sequence:
            log.add(line: node?.line, key: key, "found \(value.found), expected a mapping")
            return Mapping(file: log.file, key: key, value: .mapping([]), lines: lines)
        }
    }

    /// Notes the line of a key that is no part of what is read.
    func note(_ line: Int?, at key: String) { lines[key] = line }

    /// The value of any node.
    func value(_ node: Node, at key: String, depth: Int) -> PlainValue {
        valuesLeft -= 1
        lines[key] = node.line
        guard valuesLeft >= 0, depth <= Self.depthMax else {
            if valuesLeft >= -1 {
                let limits = "\(Self.valuesMax) values in all and \(Self.depthMax) levels"
                log.add(line: node.line, key: key, "found more, expected at most \(limits)")
            }
            valuesLeft = -2
            return .null
        }
        switch node {
        case .scalar: return node.scalarValue ?? .null
        case .sequence(let sequence):
            return .sequence(
                sequence.enumerated().map { value($1, at: "\(key)[\($0)]", depth: depth + 1) }
            )
        case .mapping(let mapping): return pairs(of: mapping, at: key, depth: depth)
        case .alias:
            log.add(line: node.line, key: key, "found an alias that could not be resolved")
            return .null
        }
    }

    private func pairs(of mapping: Node.Mapping, at key: String, depth: Int) -> PlainValue {
        var pairs: [PlainValue.Pair] = []
        for (name, node) in mapping {
            guard case .scalar(let scalar) = name else {
                log.add(line: name.line, key: key, "found \(name.found) as a key, expected a word")
                continue
            }
            let inner = key.isEmpty ? scalar.string : "\(key).\(scalar.string)"
            pairs.append(PlainValue.Pair(key: scalar.string, value: value(node, at: inner, depth: depth + 1)))
            // The key's own line is where an eye looks for it.
            lines[inner] = name.line ?? node.line
        }
        return .mapping(pairs)
    }
}

/// Collects the problems of one file, so that a reader can report all of them at once.
final class ProblemLog {
    let file: String
    private(set) var problems: [ConfigurationError.Problem] = []

    init(file: String) { self.file = file }

    func add(line: Int?, key: String, _ message: String) {
        problems.append(ConfigurationError.Problem(line: line, key: key, message: message))
    }

    /// Adds what somebody else found, but for keys of which a problem is known.
    func add(_ others: [ConfigurationError.Problem]) {
        let known = Set(problems.map(\.key))
        problems += others.filter { !known.contains($0.key) }
    }

    func throwIfAny() throws(ConfigurationError) {
        guard !problems.isEmpty else { return }
        throw ConfigurationError(file: file, problems: problems)
    }
}
