internal import Randomness

/// One training on the ring and what came of it.
struct RingRun: Sendable {
    /// Mean squared error by test length.
    var errors: [Int: Double] = [:]
    /// The same divided by the targets' variance.
    var relativeErrors: [Int: Double] = [:]
    /// Mean squared difference between the learned and the designed T.
    var tableError: Double
    /// Mean squared difference between the learned and the designed C, in the basis of the embeddings.
    var scoreError: Double
    /// The lowest rank of S_{B_μ} over the entities looked at.
    var rank: Int
    /// The learned T, `[N, N]`.
    var table: [Double]

    /// The worst mean squared error over the test lengths.
    var worst: Double { errors.values.max() ?? .nan }

    /// Trains and tests.
    init(_ setting: CollidingAgents.Ring, _ variant: CollidingAgents.Variant, seed: UInt64) {
        let designed = setting.table
        let basis = variant.isSinusoidal ? EmbeddingBasis.sinusoidal(setting.domain) : nil
        let tuples = RingRun.tuples(setting, repeats: variant.repeats, seed: seed)
        let layer = RingRun.train(setting, variant, basis, tuples, seed: seed)
        table = layer.table
        tableError = table.meanSquaredError(to: designed)
        let closeness = setting.closeness
        scoreError = layer.c.meanSquaredError(to: basis?.coordinates(ofMatrix: closeness) ?? closeness)
        let step = setting.domain / setting.ranked
        rank = tuples.dataRanks(of: (0..<setting.ranked).map { $0 * step }).min() ?? 0
        for length in setting.testLengths {
            var stream = RandomStream(seed: seed, "ring", "test", length, variant.repeats ? 1 : 0)
            let test = EntityTuples(
                count: setting.testTuples,
                domain: setting.domain,
                length: length,
                repeats: variant.repeats,
                using: &stream
            )
            let targets = test.aggregate(designed)
            let error = test.aggregate(table).meanSquaredError(to: targets)
            errors[length] = error
            relativeErrors[length] = error / targets.variance
        }
    }

    static func tuples(_ setting: CollidingAgents.Ring, repeats: Bool, seed: UInt64) -> EntityTuples {
        var stream = RandomStream(seed: seed, "ring", "train", repeats ? 1 : 0)
        return EntityTuples(
            count: setting.tuples,
            domain: setting.domain,
            length: setting.length,
            repeats: repeats,
            using: &stream
        )
    }

    static func train(
        _ setting: CollidingAgents.Ring,
        _ variant: CollidingAgents.Variant,
        _ basis: EmbeddingBasis?,
        _ tuples: EntityTuples,
        seed: UInt64
    ) -> InteractionLayer {
        var start = RandomStream(seed: seed, "ring", "start")
        var layer = InteractionLayer(
            domain: setting.domain,
            start: variant.start,
            basis: basis,
            using: &start
        )
        var batches = RandomStream(seed: seed, "ring", "batches")
        layer.train(
            on: tuples,
            targets: tuples.aggregate(setting.table),
            setting.training,
            using: &batches
        )
        return layer
    }
}

/// Two layers trained apart, averaged in their parameters and in their tables.
struct AveragingRun: Sendable {
    /// Relative mean squared error of the mean of C and w.
    let ofParameters: Double
    /// Relative mean squared error of the mean of T.
    let ofTables: Double

    /// Trains two layers from independent starts on data of their own.
    init(_ setting: CollidingAgents.Ring, seed: UInt64) {
        let layers = [seed, seed &+ 1_000_000].map { seed in
            let tuples = RingRun.tuples(setting, repeats: true, seed: seed)
            return RingRun.train(setting, CollidingAgents.oneHot, nil, tuples, seed: seed)
        }
        let mean = { (a: [Double], b: [Double]) in zip(a, b).map { ($0 + $1) / 2 } }
        let together = InteractionLayer(
            domain: setting.domain,
            c: mean(layers[0].c, layers[1].c),
            w: mean(layers[0].w, layers[1].w)
        )
        var stream = RandomStream(seed: seed, "ring", "test", setting.length, 1)
        let test = EntityTuples(
            count: setting.testTuples,
            domain: setting.domain,
            length: setting.length,
            using: &stream
        )
        let targets = test.aggregate(setting.table)
        let relative = { (table: [Double]) in
            test.aggregate(table).meanSquaredError(to: targets) / targets.variance
        }
        ofParameters = relative(together.table)
        ofTables = relative(mean(layers[0].table, layers[1].table))
    }
}
