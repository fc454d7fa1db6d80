internal import Glibc
package import Models
package import Tasks
package import Tensors

/// A network as the environment and the models see it.
package struct NetworkView: Sendable {
    /// The network.
    package let network: Network
    /// The same for the models.
    package let structure: GraphStructure
    /// `[n]`: log(1 + degree) / 3.
    let logDegrees: [Float]

    /// Measures all distances once.
    package init(_ network: Network) {
        self.network = network
        structure = GraphStructure(
            nodes: network.nodeCount,
            offsets: network.offsets,
            neighbours: network.neighbours,
            hops: network.hops()
        )
        logDegrees = (0..<network.nodeCount).map { Float(log(1 + Double(network.degree($0))) / 3) }
    }
}

/// A state at a time step, on its network.
package struct CodedState {
    /// The network.
    package var view: NetworkView
    /// The nodes' states.
    package var state: NodeStates
    /// The time step.
    package var time: Int

    /// Puts the three together.
    package init(view: NetworkView, state: NodeStates, time: Int) {
        self.view = view
        self.state = state
        self.time = time
    }
}

/// Turns states into features (notes 3.1, and the recipe's section 2): the compartment as one-hot, log(1 + degree) / 3,
/// t / T, 1, and the level of protection as one-hot.
///
/// The actor does not see t / T, or "act until step t" would be a rule without any range. Where levels are hidden a node
/// sees its own alone: a neighbour's would tell of infections beyond it, hop by hop.
package struct StateCoding: Sendable, Hashable {
    /// 2 or 3.
    package let compartments: Int
    /// τ: levels are 0 … τ.
    package let ramp: Int
    /// T.
    package let horizon: Int
    /// Whether a node sees no other node's level of protection.
    package let hidesLevels: Bool

    /// What a coding is for.
    package init(_ dynamics: any NetworkDynamics, hidesLevels: Bool) {
        compartments = dynamics.compartments
        ramp = dynamics.ramp
        horizon = dynamics.horizon
        self.hidesLevels = hidesLevels
    }

    /// F.
    package var features: Int { compartments + 3 + levels }
    /// G: the own level, where it is hidden from others.
    package var ownFeatures: Int { hidesLevels ? levels : 0 }
    private var levels: Int { ramp > 1 ? ramp + 1 : 0 }

    /// States one after the other, as a critic sees them: all levels, and the time.
    package func forCritic(_ states: [CodedState]) -> GraphBatch { batch(states, sees: true, own: 0) }

    /// States one after the other, as an actor sees them.
    package func forActor(_ states: [CodedState]) -> GraphBatch {
        batch(states, sees: false, own: ownFeatures)
    }

    private func batch(_ states: [CodedState], sees all: Bool, own ownCount: Int) -> GraphBatch {
        let rows = states.reduce(0) { $0 + $1.view.structure.nodes }
        let width = features
        var features = [Float](repeating: 0, count: rows * width)
        var own = [Float](repeating: 0, count: rows * ownCount)
        var row = 0
        for coded in states {
            let time = all ? Float(coded.time) / Float(horizon) : 0
            for node in 0..<coded.view.structure.nodes {
                let base = row * width
                features[base + Int(coded.state.compartments[node])] = 1
                features[base + compartments] = coded.view.logDegrees[node]
                features[base + compartments + 1] = time
                features[base + compartments + 2] = 1
                if levels > 0 {
                    let level = Int(coded.state.levels[node])
                    if all || !hidesLevels { features[base + compartments + 3 + level] = 1 }
                    if ownCount > 0 { own[row * ownCount + level] = 1 }
                }
                row += 1
            }
        }
        return GraphBatch(structures: states.map(\.view.structure), features: features, own: own)
    }
}
