/// A simple policy: what a person would write down.
package enum NetworkRule: Sendable, Hashable {
    /// Nobody acts.
    case none
    /// Everybody acts.
    case all
    /// Each node acts with a probability.
    case drawn(probability: Double)
    /// The nodes with the highest degrees act always: exactly round(share · n), the first ones of equal
    /// degree.
    case topDegree(share: Double)
    /// A node acts if an active node is within k hops; itself for k = 0. The strongest simple rule.
    case hops(Int)
    /// A node acts if an active node is within `near` hops, or within `far` while its own level is lower than
    /// `below` · τ. It uses what hop rules do not: a protected node may pause while danger is not next to it.
    case ownProtection(near: Int, far: Int, below: Double)

    /// The hand rule that is stronger than all hop rules in the setting "range".
    package static var hand: NetworkRule { .ownProtection(near: 1, far: 4, below: 0.9) }

    /// The rule's short name: `none`, `random-0.5`, `h3`, …
    package var name: String {
        switch self {
        case .none: "none"
        case .all: "all"
        case .drawn(let probability): "random-\(probability)"
        case .topDegree(let share): "degree-\(share)"
        case .hops(let count): "h\(count)"
        case .ownProtection(let near, let far, let below): "own-\(near)-\(far)-\(below)"
        }
    }

    /// The rule of a name, as `name` writes it; `hand` is one too. Nil for anything else.
    package init?(name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        func share(_ index: Int) -> Double? {
            guard let value = Double(parts[index]), value >= 0, value <= 1 else { return nil }
            return value
        }
        switch (parts[0], parts.count) {
        case ("none", 1): self = .none
        case ("all", 1): self = .all
        case ("hand", 1): self = .hand
        case ("random", 2):
            guard let value = share(1) else { return nil }
            self = .drawn(probability: value)
        case ("degree", 2):
            guard let value = share(1) else { return nil }
            self = .topDegree(share: value)
        case ("own", 4):
            guard let near = Int(parts[1]), let far = Int(parts[2]), let below = share(3),
                (0...far).contains(near), far < NetworkRule.hopsMax
            else { return nil }
            self = .ownProtection(near: near, far: far, below: below)
        default:
            guard parts.count == 1, name.hasPrefix("h"), let count = Int(name.dropFirst()),
                (0..<NetworkRule.hopsMax).contains(count)
            else { return nil }
            self = .hops(count)
        }
    }

    /// Rules look less far than this.
    static let hopsMax = 255
}
