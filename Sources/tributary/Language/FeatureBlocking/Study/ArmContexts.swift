internal import Report
internal import Trainers

extension FineTuningArm {
    /// The recipe: chosen latents are held at their layers, and the blocks above them are left as they are.
    static let recipe = blocked(RivalsOfBlocking.recipe)
    /// The same without freezing.
    static let unfrozen = blocked("block, not frozen", freezes: false)
}

extension PersonaWorlds {
    /// What arms are made from on one base, for each fine-tuning seed.
    func contexts(
        _ design: PersonaWorld.Design = .init(),
        base seed: UInt64,
        tuning seeds: [UInt64],
        layers: [Int] = BlockingRecipe.layers,
        isQuick: Bool,
        progress: @Sendable (String) -> Void
    ) throws -> [FineTuningArm.ArmContext] {
        let world = try world(design, seed: seed, isQuick: isQuick, progress: progress)
        var found: [Int: WorldFeatures] = [:]
        var weights: [Int: Double] = [:]
        for layer in layers {
            let features = try features(of: world, design, layer: layer, progress: progress)
            found[layer] = features
            weights[layer] = features.weight
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
