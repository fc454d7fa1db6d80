internal import Models
internal import Tensors

/// The critic's part of learning: mean squared error of each node's value, in the normaliser's units.
final class CriticLearner {
    /// Adam's moments.
    var optimiser: AdamW
    private let policy: GraphPolicy
    private let settings: LearningSettings
    private let workspace = Workspace()
    private var loss = 0.0
    private var steps = 0

    /// Before the first step.
    init(_ policy: GraphPolicy, _ settings: LearningSettings) {
        self.policy = policy
        self.settings = settings
        optimiser = AdamW(learningRate: settings.learningRate)
    }

    /// One step.
    ///
    /// - Parameter targets: A return for each node of each state.
    func learn(_ states: [CodedState], targets: [Float]) {
        var loss = 0.0
        policy.critic.step(&optimiser, workspace, states, settings, coded: policy.coding.forCritic) {
            outputs,
            pass in
            let values = policy.byNode(outputs.toArray(), Array(pass.states))
            let gradients = values.indices.map { index in
                let error = values[index] - policy.normaliser.normalised(targets[pass.row + index])
                loss += Double(error) * Double(error)
                return 2 * error / Float(targets.count)
            }
            guard policy.critic.configuration.pooling == .mean else { return gradients }
            var first = 0
            return pass.states.map { state in
                defer { first += state.view.structure.nodes }
                return gradients[first..<first + state.view.structure.nodes].reduce(0, +)
            }
        }
        self.loss += loss / Double(max(targets.count, 1))
        steps += 1
    }

    /// What learning came to since it was last asked.
    func takeMetrics() -> [String: Double] {
        defer { (loss, steps) = (0, 0) }
        return ["critic/loss": loss / Double(max(steps, 1))]
    }
}

extension GraphTransformer {
    /// How many rows go through a network at once while gradients add up: short passes stay in the cache.
    private static let rowsAtOnce = 1600

    /// One step of an optimiser.
    ///
    /// - Parameters:
    ///   - coded: Makes features of states.
    ///   - seed: d loss / d outputs of a pass, from its outputs, its states and the place of its first row.
    func step(
        _ optimiser: inout AdamW,
        _ workspace: Workspace,
        _ states: [CodedState],
        _ settings: LearningSettings,
        coded: ([CodedState]) -> GraphBatch,
        _ seed: (_ outputs: Tensor, _ pass: (states: ArraySlice<CodedState>, row: Int)) -> [Float]
    ) {
        zeroGradients(parameters)
        for pass in CodedState.passes(states, rows: Self.rowsAtOnce) {
            let tape = Tape(workspace: workspace)
            let outputs = outputs(tape: tape, batch: coded(Array(pass.states)))
            tape.backward(from: outputs, seed: seed(outputs, pass))
        }
        clipGradientNorm(parameters, max: settings.gradientNorm)
        optimiser.step(parameters: parameters)
    }
}
