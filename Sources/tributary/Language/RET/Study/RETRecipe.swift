internal import Trainers

/// The settings of the study, chosen on development seeds 101 and 102 before seeds 1 … were looked at.
enum RETRecipe {
    /// The layer that experiments read which do not compare layers.
    static let layer = 2
    /// The Adam steps.
    static let steps = 2500
    /// One window of 8, 16 outputs.
    static let shape = MacrostateShape()

    /// RET as our notes had it: horizons 4 … 12, targets centred over the batch.
    static let first = MacrostateLearning()

    /// RET as tuned here: horizons 2 … 6, batches of 8 trajectories with 32 pairs each, targets centred
    /// within each.
    static var tuned: MacrostateLearning {
        var learning = MacrostateLearning()
        learning.horizon = .init(from: 2, to: 6)
        learning.pairsPerTrajectory = 32
        return learning
    }

    /// Trains a net on some completions.
    static func train(
        _ subset: TrajectorySubset,
        _ learning: MacrostateLearning = RETRecipe.tuned,
        steps: Int = RETRecipe.steps,
        seed: UInt64
    ) throws -> (net: MacrostateNet, loss: Double) {
        let net = MacrostateNet(shape: shape, statistics: try StateStatistics(of: subset), seed: seed)
        return (net, try advance(net, on: subset, learning, 0..<steps, seed: seed, path: "study"))
    }

    /// Trains a net further, with a fresh optimiser.
    ///
    /// - Returns: The mean loss of the last hundred steps.
    static func advance(
        _ net: MacrostateNet,
        on subset: TrajectorySubset,
        _ learning: MacrostateLearning,
        _ steps: Range<Int>,
        seed: UInt64,
        path: String
    ) throws -> Double {
        var learner = try MacrostateLearner(
            net: net,
            learning: learning,
            subset: subset,
            seed: seed,
            path: path
        )
        var losses: [Double] = []
        for step in steps { losses.append(try learner.step(step).loss) }
        return Array(losses.suffix(100)).mean ?? .nan
    }
}
