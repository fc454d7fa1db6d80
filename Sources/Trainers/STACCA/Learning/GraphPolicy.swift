package import Contract
package import Models
package import Tasks
package import Tensors

/// The two networks: one actor for all nodes of all networks, and a critic that sees the whole network while learning.
package final class GraphPolicy {
    /// How states become features.
    package let coding: StateCoding
    /// Log-odds of acting, by node.
    package let actor: GraphTransformer
    /// Values, by node, in the normaliser's units.
    package let critic: GraphTransformer
    /// What the critic's outputs are in units of. It stays where it is: an adapter's critic has plain values.
    package private(set) var normaliser = ValueNormaliser.identity
    /// The same, as the returns of all iterations have it.
    private var remembered = ValueNormaliser.identity
    /// Whether the critic's last map stays with its client.
    private let localHead: Bool

    /// Fresh networks.
    ///
    /// - Throws: `SettingsFault` for a configuration that cannot be built.
    package init(
        _ settings: GraphPolicySettings,
        coding: StateCoding,
        seed: UInt64,
        localHead: Bool = false
    ) throws(SettingsFault) {
        self.coding = coding
        self.localHead = localHead
        actor = try GraphTransformer(
            settings.model.actor(features: coding.features, own: coding.ownFeatures),
            seed: seed,
            adaptation: settings.adaptation
        )
        critic = try GraphTransformer(
            settings.model.critic(features: coding.features),
            seed: seed &+ 1,
            adaptation: settings.adaptation
        )
    }

    /// The log-odds of acting of all nodes of some states, one after the other; not differentiable.
    ///
    /// - Parameter workspace: The caller's, if it asks often.
    package func logits(_ states: [CodedState], workspace: Workspace = Workspace()) -> [Float] {
        chunked(states, 1) { chunk in
            let tape = Tape(recording: false, workspace: workspace)
            return actor.outputs(tape: tape, batch: coding.forActor(chunk)).toArray()
        }
    }

    /// The probability of acting of each node of a state.
    package func actingProbabilities(_ state: CodedState) -> [Float] { logits([state]).map(logistic) }

    /// The values of all nodes of some states, one after the other; not differentiable.
    ///
    /// - Parameter threads: How many may work on it; the values do not depend on them.
    package func values(_ states: [CodedState], threads: Int = 1) -> [Float] {
        chunked(states, threads) { chunk in
            let tape = Tape(recording: false, workspace: Workspace())
            return byNode(critic.outputs(tape: tape, batch: coding.forCritic(chunk)).toArray(), chunk)
        }
        .map(normaliser.value(of:))
    }

    /// The critic's outputs for each node of some states: of a pooled critic the state's own one for all of them.
    func byNode(_ outputs: [Float], _ states: [CodedState]) -> [Float] {
        guard critic.configuration.pooling == .mean else { return outputs }
        return zip(outputs, states).flatMap { output, state in
            repeatElement(output, count: state.view.structure.nodes)
        }
    }

    /// Rows that go through a network at once, so that memory does not grow with the number of states.
    private static let rowsAtOnce = 2048

    private func chunked(_ states: [CodedState], _ threads: Int, _ run: ([CodedState]) -> [Float]) -> [Float]
    {
        let chunks = CodedState.passes(states, rows: Self.rowsAtOnce).map { Array($0.states) }
        return Compute.sideBySide(chunks.count, threads: threads) { run(chunks[$0]) }.flatMap { $0 }
    }

    /// Follows some more returns, and changes the critic's last map so that no value changes.
    package func follow(_ returns: [Float]) {
        remembered = remembered.following(returns)
        critic.rescaleOutputs(
            by: normaliser.deviation / remembered.deviation,
            adding: (normaliser.mean - remembered.mean) / remembered.deviation
        )
        normaliser = remembered
    }

    // MARK: - As an adapter

    private static let prefixes = ["actor.", "critic."]

    /// All trained arrays as they are; the critic's last map is in the normaliser's units.
    private var arrays: [NamedArray] {
        zip(Self.prefixes, [actor, critic]).flatMap { prefix, model in
            model.weights.arrays.map { array in
                var array = array
                array.name = prefix + array.name
                if case .lowRank(let factor, let module) = array.part {
                    array.part = .lowRank(factor, module: prefix + module)
                }
                if localHead, array.name.hasPrefix(Self.head) { array.part = .local }
                return array
            }
        }
    }

    private static let head = "critic.head.1."

    /// All trained arrays; the critic's last map in plain values.
    package var adapter: AdapterWeights {
        AdapterWeights(
            arrays.map { array in
                guard array.name.hasPrefix(Self.head), normaliser != .identity else { return array }
                var array = array
                let offset = array.name.hasSuffix("bias") ? normaliser.mean : 0
                array.values = array.values.map { Float(Double($0) * normaliser.deviation + offset) }
                return array
            }
        )
    }

    /// Names, shapes and parts of the adapter's arrays.
    package var layout: AdapterLayout { adapter.layout }

    /// Takes an adapter's arrays, whose values are plain ones until the next returns. What stays with clients may be
    /// missing, as it is at the coordinator, and is kept.
    ///
    /// - Throws: `AdapterFault` for arrays of other names or shapes.
    package func load(_ given: AdapterWeights) throws(AdapterFault) {
        let own = self.adapter
        let isWhole = !localHead || given.arrays.contains { $0.name.hasPrefix(Self.head) }
        let adapter = isWhole ? given : given.adding(localPartsOf: own)
        try own.layout.check(adapter.layout)
        try loadArrays(adapter.arrays)
        normaliser = .identity
    }

    private func loadArrays(_ all: [NamedArray]) throws(AdapterFault) {
        for (prefix, model) in zip(Self.prefixes, [actor, critic]) {
            let arrays = all.filter { $0.name.hasPrefix(prefix) }
            try model.load(
                AdapterWeights(
                    arrays.map { array in
                        var array = array
                        array.name.removeFirst(prefix.count)
                        return array
                    }
                )
            )
        }
    }

    // MARK: - As it is

    /// Everything, to the bit.
    package struct Snapshot: Sendable, Equatable {
        /// The arrays, in the normaliser's units.
        package var arrays: AdapterWeights
        /// What the critic's outputs are in units of.
        package var normaliser: ValueNormaliser
        /// What they will be in units of from the next returns on.
        package var remembered: ValueNormaliser
    }

    /// What it is at the moment.
    package var snapshot: Snapshot {
        Snapshot(arrays: AdapterWeights(arrays), normaliser: normaliser, remembered: remembered)
    }

    /// Goes back to what it was.
    ///
    /// - Throws: `AdapterFault` for arrays of other names or shapes.
    package func restore(_ snapshot: Snapshot) throws(AdapterFault) {
        try layout.check(snapshot.arrays.layout)
        try loadArrays(snapshot.arrays.arrays)
        (normaliser, remembered) = (snapshot.normaliser, snapshot.remembered)
    }
}
