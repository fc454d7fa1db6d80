/// The state of a network's nodes at one moment.
package struct NodeStates: Sendable, Equatable {
    /// The compartment of nodes that may still catch it: susceptible, or ignorant.
    package static let open: UInt8 = 0
    /// The compartment of nodes that pass it on: infected, or spreading.
    package static let active: UInt8 = 1
    /// The compartment of nodes that are through with it: recovered, or stifling.
    package static let closed: UInt8 = 2

    /// `[n]`: 0 susceptible or ignorant, 1 infected or spreading, 2 recovered or stifling.
    package var compartments: [UInt8]
    /// `[n]`: how far protection has been built up, 0 ... τ.
    package var levels: [UInt8]

    /// Makes a state.
    package init(compartments: [UInt8], levels: [UInt8]) {
        precondition(
            compartments.count == levels.count,
            "NodeStates: a compartment and a level for each node"
        )
        self.compartments = compartments
        self.levels = levels
    }

    /// All nodes open and unprotected.
    package init(nodes: Int) {
        compartments = [UInt8](repeating: NodeStates.open, count: nodes)
        levels = [UInt8](repeating: 0, count: nodes)
    }

    /// How many nodes there are.
    package var nodeCount: Int { compartments.count }

    /// How many nodes pass it on.
    package var activeCount: Int { compartments.reduce(0) { $0 + ($1 == NodeStates.active ? 1 : 0) } }
}
