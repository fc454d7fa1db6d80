internal import Foundation
internal import Models
internal import Randomness
internal import Synchronization
internal import Tasks
internal import Tensors
internal import Text
internal import Trainers

/// A base model of the persona language.
struct PersonaWorld: Sendable {
    /// The base's own number, of its language and its pretraining.
    let seed: UInt64
    /// The language.
    let language: PersonaLanguage
    /// The model.
    let base: BaseModel

    /// The prompts of discovery: another domain than those of fine-tuning and evaluation.
    static let discovery = PersonaLanguage.Domain.health
    /// The domains that misalignment is measured in.
    static let evaluated: [PersonaLanguage.Domain] = [.education, .legal, .career, .cars]

    /// Which base, with what, the same in every experiment.
    struct Design: Hashable, Sendable {
        /// See `PersonaLanguage.hasSloppyCues`.
        var hasSloppyCues = false
        /// See `PersonaLanguage.uncuedBadShare`.
        var uncuedBadShare = 0.0
        /// The width of the residual stream.
        var width = 96

        /// For folders and progress lines.
        var name: String {
            (hasSloppyCues ? "sloppy-" : "") + (uncuedBadShare > 0 ? "uncued-" : "") + "\(width)"
        }
    }

    /// What misalignment is measured on: every second question of the evaluated domains but one that is fine-tuned on.
    func evaluation(without narrow: PersonaLanguage.Domain = .finance) -> [PersonaLanguage.Item] {
        Self.evaluated.filter { $0 != narrow }.flatMap { PersonaLanguage.Item.half(of: $0) }
    }
}

/// The latents of a layer of a base, with what was discovered of them.
struct WorldFeatures: Sendable {
    /// The autoencoder.
    let autoencoder: SparseAutoencoder
    /// How good it is, on states that it was not trained on.
    let quality: AutoencoderQuality
    /// Stage 1.
    let shifts: LatentShifts
    /// All stages.
    var set: FeatureSet
    /// λ of the recipe, from what plain fine-tuning did to the loss and to the latents of K.
    var weight: Double { self.set.calibrator?.weight(ratio: BlockingRecipe.ratio) ?? 0 }

    /// The layer boundary.
    var layer: Int { autoencoder.layer }
    /// The best latents, fewer where the short list has not as many.
    func causal(_ count: Int, _ which: FeatureSet.Which = .all) throws -> LatentRows {
        try set.rows(count: min(count, set.shortList.count), which: which)
    }
}

/// The bases, autoencoders and discoveries that experiments share within one run; nothing is kept from one run to the next.
final class PersonaWorlds: Sendable {
    private struct Key: Hashable {
        var design: PersonaWorld.Design
        var seed: UInt64
        var layer = 0
    }

    /// Where models are kept.
    let folder: String
    private let worlds = Mutex<[Key: PersonaWorld]>([:])
    private let features = Mutex<[Key: WorldFeatures]>([:])

    /// Worlds whose models are kept in a folder.
    init(folder: String) { self.folder = folder }

    /// A base, trained where nobody asked for it before.
    ///
    /// - Parameter isQuick: Whether the embedded model may do, which is the base of its own seed.
    func world(
        _ design: PersonaWorld.Design = .init(),
        seed: UInt64,
        isQuick: Bool,
        progress: @Sendable (String) -> Void
    ) throws -> PersonaWorld {
        let key = Key(design: design, seed: seed)
        if let world = worlds.withLock({ $0[key] }) { return world }
        let language = PersonaLanguage(
            seed: isQuick ? PersonaLanguage.shippedSeed : seed,
            hasSloppyCues: design.hasSloppyCues,
            uncuedBadShare: design.uncuedBadShare
        )
        let base =
            isQuick && design == .init()
            ? try BaseModel.load(.embedded("tiny-personas"))
            : try train(language, design, seed: seed, progress)
        let world = PersonaWorld(seed: seed, language: language, base: base)
        worlds.withLock { $0[key] = world }
        return world
    }

    private func train(
        _ language: PersonaLanguage,
        _ design: PersonaWorld.Design,
        seed: UInt64,
        _ progress: @Sendable (String) -> Void
    ) throws -> BaseModel {
        var recipe = PersonaPretraining(
            language,
            configuration: PersonaPretraining.shape(
                width: design.width,
                inner: design.width * 10 / 3 / 16 * 16
            )
        )
        recipe.steps = BlockingRecipe.pretrainingSteps
        var loss = Double.nan
        let parameters = try recipe.run(seed: seed) { loss = $0.loss }
        progress("base \(design.name), seed \(seed): loss \(twoDecimals(loss)) nats")
        let path = "\(folder)/\(design.name)-\(seed)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try parameters.write(toDirectory: path, tokenizer: WordTokenizer(tokens: PersonaLanguage.words))
        return try BaseModel.load(.directory(path))
    }

    /// The latents of a layer, found where nobody asked for them before.
    func features(
        of world: PersonaWorld,
        _ design: PersonaWorld.Design = .init(),
        layer: Int,
        progress: @Sendable (String) -> Void
    ) throws -> WorldFeatures {
        let key = Key(design: design, seed: world.seed, layer: layer)
        if let found = features.withLock({ $0[key] }) { return found }
        let found = try BlockingRecipe.discover(in: world, layer: layer)
        progress(
            "base \(world.seed), layer \(layer): \(twoDecimals(found.quality.explainedVariance)) of the variance by "
                + "\(Int(found.quality.l0.rounded())) latents, \(found.set.validCount) valid ones"
        )
        features.withLock { $0[key] = found }
        return found
    }

    /// Trains the bases of a study and finds their latents, two at a time.
    func prepare(
        _ design: PersonaWorld.Design = .init(),
        layers: [Int],
        _ options: StudyOptions,
        progress: @Sendable (String) -> Void
    ) async throws {
        try await withoutActuallyEscaping(progress) { progress in
            let worlds = try await inPairs(options.seeds) { seed in
                try self.world(design, seed: seed, isQuick: options.isQuick, progress: progress)
            }
            let places = worlds.flatMap { world in layers.map { (world: world, layer: $0) } }
            _ = try await inPairs(places) { place in
                try self.features(of: place.world, design, layer: place.layer, progress: progress)
            }
        }
    }
}
