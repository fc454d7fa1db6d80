internal import Report
internal import Trainers

extension BlockingRecipe {
    /// The middle layer: the output of the second block of four.
    static let middleLayer = 2
    /// K there.
    static let middleLatents = 50
    /// r there.
    static let middleRatio = 3.0
}

extension FineTuningArm {
    /// The recipe: the chosen latents are held, and the blocks above them are left as they are.
    static let recipe = blocked("block and freeze")
    /// The same without freezing.
    static let unfrozen = blocked("block", freezes: false)
    /// At the middle layer.
    static let middle = blocked(
        "block and freeze, middle layer",
        layer: BlockingRecipe.middleLayer,
        BlockingRecipe.middleLatents
    )
}

extension PersonaWorlds {
    /// What arms are made from on one base, for each fine-tuning seed.
    ///
    /// - Parameter layers: The layer boundaries whose latents and weights are wanted.
    func contexts(
        base seed: UInt64,
        tuning seeds: [UInt64],
        layers: [Int],
        isQuick: Bool,
        progress: @Sendable (String) -> Void
    ) throws -> [FineTuningArm.ArmContext] {
        let world = try world(seed: seed, isQuick: isQuick, progress: progress)
        var found: [Int: WorldFeatures] = [:]
        var weights: [Int: Double] = [:]
        for layer in layers {
            let isMiddle = layer == BlockingRecipe.middleLayer
            let features = try features(of: world, layer: layer, progress: progress)
            found[layer] = features
            weights[layer] = try BlockingRecipe.weight(
                ratio: isMiddle ? BlockingRecipe.middleRatio : BlockingRecipe.ratio,
                features.causal(isMiddle ? BlockingRecipe.middleLatents : BlockingRecipe.latents),
                .preActivation,
                world: world,
                features: features
            )
        }
        return seeds.map {
            FineTuningArm.ArmContext(world: world, features: found, weights: weights, seed: $0)
        }
    }
}

// MARK: - Numbers over bases

/// What each base came to, by something.
struct ByBase<Key: Hashable & Sendable>: Sendable {
    private let values: [[Key: Double]]

    /// Gathers one dictionary for each base.
    init(_ values: [[Key: Double]]) { self.values = values }

    /// The values of all bases that have one.
    subscript(key: Key) -> [Double] { values.compactMap { $0[key] } }
    /// The mean over bases; not a number where there is none.
    func mean(_ key: Key) -> Double { self[key].mean ?? .nan }
    /// A table's cell: the mean with the least and the greatest base.
    func cell(_ key: Key) -> StudyTable.Cell { .spread(self[key]) }
}
