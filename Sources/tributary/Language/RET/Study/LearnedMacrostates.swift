internal import Contract
internal import Trainers

/// Macrostates of a layer of a sample, with groups and their score.
struct LearnedMacrostates: Sendable {
    let weights: AdapterWeights
    let statistics: StateStatistics
    /// z of every row of the sample.
    let z: Rows
    let score: GroupScore
    /// The mean loss of the last hundred steps.
    let loss: Double
    /// The group of every row.
    let groups: [Int32]

    /// Learns on the first half of a sample.
    init(
        _ sample: PhaseSample,
        layer: Int = RETRecipe.layer,
        _ learning: MacrostateLearning = RETRecipe.tuned,
        steps: Int = RETRecipe.steps,
        seed: UInt64
    ) throws {
        let trained = try RETRecipe.train(
            sample.subset(layer, sample.train),
            learning,
            steps: steps,
            seed: seed
        )
        try self.init(trained.net, sample, layer: layer, loss: trained.loss, seed: seed)
    }

    /// Takes a net that was trained otherwise.
    init(
        _ net: MacrostateNet,
        _ sample: PhaseSample,
        layer: Int = RETRecipe.layer,
        loss: Double = .nan,
        seed: UInt64
    ) throws {
        weights = net.weights
        statistics = net.statistics
        let all = try net.encode(sample.subset(layer, Array(sample.rows.indices)))
        z = Rows(width: net.shape.outputs, values: all)
        score = GroupScore(z, sample, seed: seed)
        groups = score.centroids.assign(all)
        self.loss = loss
    }

    /// The net, to run.
    func makeNet() throws -> MacrostateNet {
        let net = MacrostateNet(shape: RETRecipe.shape, statistics: statistics, seed: 0)
        try net.load(weights)
        return net
    }
}
