internal import Yams

/// Turns nodes into plain values without knowing what they mean.
final class OpaqueReader {
    /// Bounds what aliases can blow up to.
    private static let valuesMax = 100_000
    private static let depthMax = 32

    private let log: ProblemLog
    private var valuesLeft = OpaqueReader.valuesMax

    init(log: ProblemLog) { self.log = log }

    /// The settings of a node that has to be a mapping; `null` stands for an empty one.
    func settings(_ node: Node, at key: String) -> OpaqueSettings {
        let value = value(node, at: key, depth: 0)
        switch value {
        case .mapping: return OpaqueSettings(value: value)
        case .null: return .empty
        case .boolean, .integer, .unsigned, .number, .text, .sequence:
            log.add(line: node.line, key: key, "found \(node.found), expected a mapping")
            return .empty
        }
    }

    /// The value of any node.
    func value(_ node: Node, at key: String, depth: Int) -> PlainValue {
        valuesLeft -= 1
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
        }
        return .mapping(pairs)
    }
}
