internal import Glibc
package import Models
package import Tasks
package import Tensors

/// A network with what happens on it, as the models see it.
package struct NetworkView: Sendable {
    /// The network.
    package let network: Network
    /// What happens on it. Networks of one policy have environments that differ in particular numbers alone.
    package let dynamics: any NetworkDynamics
    /// The same for the models.
    package let structure: GraphStructure
    /// `[n]`: log(1 + degree) / 3.
    let logDegrees: [Float]

    /// The most nodes: distances take a byte for each pair of them, 256 MiB in all.
    package static let nodesMax = 16_384

    /// Measures all distances once.
    ///
    /// - Throws: `NetworkFault.invalid` for more nodes than there are distances for.
    package init(_ network: Network, _ dynamics: any NetworkDynamics) throws(NetworkFault) {
        guard network.nodeCount <= Self.nodesMax else {
            throw .invalid(
                network: network.name,
                field: "nodes",
                found: "\(network.nodeCount)",
                expected: "at most \(Self.nodesMax) for a policy"
            )
        }
        self.network = network
        self.dynamics = dynamics
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

    /// Cuts states into passes of at most so many rows, at least one state each; with the place of each pass's first row.
    static func passes(
        _ states: [CodedState],
        rows rowsMax: Int
    ) -> [(states: ArraySlice<CodedState>, row: Int)] {
        var passes: [(states: ArraySlice<CodedState>, row: Int)] = []
        var (start, first, row) = (0, 0, 0)
        for (place, state) in states.enumerated() {
            let nodes = state.view.structure.nodes
            if row + nodes - first > rowsMax, place > start {
                passes.append((states[start..<place], first))
                (start, first) = (place, row)
            }
            row += nodes
        }
        if start < states.count { passes.append((states[start...], first)) }
        return passes
    }
}

/// Turns states into features (notes 3.1, and the recipe's section 2): the compartment as one-hot, log(1 + degree) / 3,
/// t / T, 1, the level of protection as one-hot, and, where a policy sees its circumstances, the environment's rates.
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
    /// How many rates of the environment it sees; 0 for none.
    package let rates: Int

    /// What a coding is for.
    package init(_ dynamics: any NetworkDynamics, _ words: GraphPolicySettings.ModelWords) {
        compartments = dynamics.compartments
        ramp = dynamics.ramp
        horizon = dynamics.horizon
        hidesLevels = words.hidesLevels
        rates = words.seesCircumstances ? dynamics.rates.count : 0
    }

    /// F.
    package var features: Int { compartments + 3 + levels + rates }
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
            let rates = self.rates > 0 ? coded.view.dynamics.rates : []
            let time = all ? Float(coded.time) / Float(horizon) : 0
            for node in 0..<coded.view.structure.nodes {
                let base = row * width
                features[base + Int(coded.state.compartments[node])] = 1
                features[base + compartments] = coded.view.logDegrees[node]
                features[base + compartments + 1] = time
                features[base + compartments + 2] = 1
                for (place, rate) in rates.enumerated() {
                    features[base + width - rates.count + place] = rate
                }
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
