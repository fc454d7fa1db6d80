package import Randomness

/// A rule on one network, with the memory that it works in.
package struct RulePolicy: Sendable {
    /// The rule.
    package let rule: NetworkRule
    private let network: Network
    /// τ.
    private let ramp: Int
    private var stream: RandomStream
    /// `[n]`: who acts always, for degree rules.
    private var fixed: [UInt8]
    /// `[n]`: hops to the nearest active node, as far as they were followed; 255 beyond.
    private var distances: [UInt8]
    /// `[n]`: the nodes in the order in which they were reached.
    private var reached: [Int32]

    /// Prepares a rule.
    ///
    /// - Parameters:
    ///   - rule: The rule.
    ///   - network: The network.
    ///   - ramp: τ of the dynamics.
    ///   - stream: What random rules draw from.
    package init(_ rule: NetworkRule, on network: Network, ramp: Int, stream: RandomStream) {
        let count = network.nodeCount
        self.rule = rule
        self.network = network
        self.ramp = ramp
        self.stream = stream
        fixed = [UInt8](repeating: rule == .all ? 1 : 0, count: count)
        distances = [UInt8](repeating: .max, count: count)
        reached = [Int32](repeating: 0, count: count)
        guard case .topDegree(let share) = rule else { return }
        let byDegree = (0..<count).sorted {
            let (left, right) = (network.degree($0), network.degree($1))
            return left != right ? left > right : $0 < $1
        }
        for node in byDegree.prefix(Int((share * Double(count)).rounded())) { fixed[node] = 1 }
    }

    /// The rule's actions, `[n]`.
    package mutating func actions(_ state: NodeStates) -> [UInt8] {
        precondition(
            state.nodeCount == network.nodeCount,
            "RulePolicy: a state of \(state.nodeCount) nodes for \(network.nodeCount)"
        )
        var actions = [UInt8](repeating: 0, count: state.nodeCount)
        act(compartments: state.compartments, levels: state.levels, actions: &actions)
        return actions
    }

    /// Writes the rule's actions.
    ///
    /// - Parameters:
    ///   - compartments: `[n]`.
    ///   - levels: `[n]`.
    ///   - actions: `[n]`: 1 for the nodes that act, 0 for the others.
    package mutating func act(
        compartments: UnsafePointer<UInt8>,
        levels: UnsafePointer<UInt8>,
        actions: UnsafeMutablePointer<UInt8>
    ) {
        let count = network.nodeCount
        switch rule {
        case .none, .all, .topDegree:
            for node in 0..<count { actions[node] = fixed[node] }
        case .drawn(let probability):
            for node in 0..<count { actions[node] = stream.uniform() < probability ? 1 : 0 }
        case .hops(let limit):
            measure(compartments, UInt8(limit))
            for node in 0..<count { actions[node] = distances[node] <= UInt8(limit) ? 1 : 0 }
        case .ownProtection(let near, let far, let below):
            measure(compartments, UInt8(far))
            let level = below * Double(ramp)
            for node in 0..<count {
                let distance = Int(distances[node])
                let isOpen = distance <= far && Double(levels[node]) < level
                actions[node] = distance <= near || isOpen ? 1 : 0
            }
        }
    }

    /// Distances to the nearest active node, up to a limit, from all active nodes at once.
    private mutating func measure(_ compartments: UnsafePointer<UInt8>, _ limit: UInt8) {
        let count = network.nodeCount
        network.offsets.withUnsafeBufferPointer { offsets in
            network.neighbours.withUnsafeBufferPointer { neighbours in
                distances.withUnsafeMutableBufferPointer { distances in
                    reached.withUnsafeMutableBufferPointer { reached in
                        var tail = 0
                        for node in 0..<count {
                            let isActive = compartments[node] == NodeStates.active
                            distances[node] = isActive ? 0 : .max
                            guard isActive else { continue }
                            reached[tail] = Int32(node)
                            tail += 1
                        }
                        var head = 0
                        while head < tail {
                            let node = Int(reached[head])
                            head += 1
                            let next = distances[node] + 1
                            guard next <= limit else { break }
                            for index in Int(offsets[node])..<Int(offsets[node + 1]) {
                                let neighbour = Int(neighbours[index])
                                guard distances[neighbour] == .max else { continue }
                                distances[neighbour] = next
                                reached[tail] = Int32(neighbour)
                                tail += 1
                            }
                        }
                    }
                }
            }
        }
    }
}
