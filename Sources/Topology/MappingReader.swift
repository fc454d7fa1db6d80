internal import Contract
internal import Yams

/// Reads one mapping of the file key by key; what was not asked for by the end is unknown.
///
/// A missing or wrong value is logged and stands in as the default, so that reading goes on and one
/// run shows every problem.
final class MappingReader {
    let path: String
    let line: Int?
    let log: ProblemLog
    private let values: [(name: String, key: Node, value: Node)]
    private var known: [String] = []

    /// Takes a node; nil and `null` read as a mapping without keys.
    init(_ node: Node?, path: String, line: Int?, log: ProblemLog) {
        self.path = path
        self.line = node?.line ?? line
        self.log = log
        var values: [(name: String, key: Node, value: Node)] = []
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                if case .scalar(let scalar) = key {
                    values.append((scalar.string, key, value))
                } else {
                    log.add(line: key.line, key: path, "found \(key.found) as a key, expected a word")
                }
            }
        case .some(let other) where other.scalarValue != .null:
            log.add(line: other.line, key: path, "found \(other.found), expected a mapping")
        case .some, .none: break
        }
        self.values = values
    }

    /// The full name of a key of this mapping.
    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The node of a key that is written and not `null`; the key counts as known from now on.
    func node(_ key: String) -> Node? {
        known.append(key)
        guard let value = values.first(where: { $0.name == key })?.value, value.scalarValue != .null
        else { return nil }
        return value
    }

    /// The mapping under a key, empty where it is missing.
    func section(_ key: String) -> MappingReader {
        MappingReader(node(key), path: name(key), line: line, log: log)
    }

    /// The mapping under a key, for whoever its words belong to.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - standard: What stands in where nothing is written.
    ///   - siblings: Keys beside it whose lines its owner may have to name as well.
    func mapping(_ key: String, default standard: Mapping? = nil, noting siblings: [String] = []) -> Mapping {
        let node = node(key)
        if node == nil, let standard { return standard }
        let nodes = MappingNodes(log: log)
        for sibling in siblings {
            nodes.note(values.first { $0.name == sibling }?.value.line, at: name(sibling))
        }
        if node == nil { nodes.note(line, at: name(key)) }
        return nodes.mapping(node, at: name(key))
    }

    /// A list of named settings under a key: `- name: {…}`, or `- name` where there is nothing to set.
    func components(_ key: String, repeatable: Bool = false) -> [Component] {
        let nodes = list(key, of: "entries such as NAME: {…}") ?? []
        var components: [Component] = []
        if nodes.count > Self.componentsMax {
            log.add(
                line: line,
                key: name(key),
                "found \(nodes.count) entries, expected at most \(Self.componentsMax)"
            )
        }
        for (index, node) in nodes.enumerated() {
            let path = "\(name(key))[\(index)]"
            guard let component = component(node, at: path) else {
                log.add(line: node.line, key: path, "found \(node.found), expected one NAME: {…}")
                continue
            }
            if !repeatable, components.contains(where: { $0.name == component.name }) {
                log.add(line: node.line, key: path, "'\(component.name)' is written twice")
            }
            components.append(component)
        }
        return components
    }

    private static let componentsMax = 16

    private func component(_ node: Node, at path: String) -> Component? {
        if case .scalar(let scalar) = node, node.scalarValue == .text(scalar.string) {
            let nodes = MappingNodes(log: log)
            nodes.note(node.line, at: path)
            return Component(scalar.string, nodes.mapping(nil, at: path))
        }
        guard case .mapping(let mapping) = node, mapping.count == 1, let (word, settings) = mapping.first,
            case .scalar(let scalar) = word
        else { return nil }
        return Component(
            scalar.string,
            MappingNodes(log: log).mapping(settings, at: "\(path).\(scalar.string)")
        )
    }

    /// The scalar of a key through `convert`, which returns nil for a value it does not take.
    func scalar<Value>(
        _ key: String,
        default standard: Value?,
        placeholder: Value,
        expected: String,
        _ convert: (PlainValue, String) -> Value?
    ) -> Value {
        guard let node = node(key) else {
            guard let standard else {
                log.add(line: line, key: name(key), "missing, expected \(expected)")
                return placeholder
            }
            return standard
        }
        return scalar(node, key: name(key), placeholder: placeholder, expected: expected, convert)
    }

    /// The same for a node at hand.
    func scalar<Value>(
        _ node: Node,
        key: String,
        placeholder: Value,
        expected: String,
        _ convert: (PlainValue, String) -> Value?
    ) -> Value {
        if case .scalar(let scalar) = node, let plain = node.scalarValue,
            let value = convert(plain, scalar.string)
        {
            return value
        }
        log.add(line: node.line, key: key, "found \(node.found), expected \(expected)")
        return placeholder
    }

    /// The nodes of a list under a key; nil where it is missing.
    func list(_ key: String, of what: String) -> [Node]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let sequence) = node else {
            log.add(line: node.line, key: name(key), "found \(node.found), expected a list of \(what)")
            return nil
        }
        return Array(sequence)
    }

    /// Logs every key that nobody asked for, with the known one it resembles.
    func finish() {
        for (name, key, _) in values where !known.contains(name) {
            let hint: String
            if let near = NearestKey.suggestion(for: name, among: known) {
                hint = "did you mean '\(near)'?"
            } else {
                hint = "expected one of \(known.sorted().joined(separator: ", "))"
            }
            log.add(line: key.line, key: self.name(name), "unknown key; \(hint)")
        }
    }
}
