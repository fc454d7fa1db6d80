internal import Foundation
internal import Models
internal import Synchronization
internal import Tasks
internal import Tensors
internal import Text
internal import Trainers

/// A trained model with a sample of what it writes.
struct PhaseWorld: Sendable {
    /// The language.
    let language: PhaseLanguage
    /// The model.
    let model: BaseModel
    /// What it writes, with its states.
    let sample: PhaseSample
    /// How many steps it was trained for, short texts included; 0 for the embedded model.
    let trainingSteps: Int
    /// The loss of `yes` or `no` over the last fifty steps, in nats.
    let stanceLoss: Double
}

/// The models and samples that experiments share within one run; nothing is kept from one run to the next.
final class PhaseWorlds: Sendable {
    /// Which of them.
    struct Key: Hashable {
        var design: PhaseLanguage.Design
        var seed: UInt64
    }

    /// Where models go, in folders of their own.
    let folder: String
    private let worlds = Mutex<[Key: PhaseWorld]>([:])
    private let macrostates = Mutex<[Key: LearnedMacrostates]>([:])

    /// Worlds whose models are kept in a folder.
    init(folder: String) { self.folder = folder }

    /// How many completions are kept of each model.
    static let completions = 600

    /// A model of a design, trained where nobody asked for it before, with its sample.
    ///
    /// - Parameter isQuick: Whether the embedded model may do, which is the standard language's of seed 1.
    func world(
        _ design: PhaseLanguage.Design = .standard,
        seed: UInt64,
        isQuick: Bool,
        progress: @Sendable (String) -> Void
    ) throws -> PhaseWorld {
        let key = Key(design: design, seed: seed)
        if let world = worlds.withLock({ $0[key] }) { return world }
        let language = PhaseLanguage(design)
        let world: PhaseWorld
        if isQuick && design == .standard && seed == 1 {
            let model = try BaseModel.load(.embedded("tiny-phases"))
            world = PhaseWorld(
                language: language,
                model: model,
                sample: PhaseSample(model, language, count: Self.completions, seed: seed),
                trainingSteps: 0,
                stanceLoss: .nan
            )
        } else {
            world = try train(PhasePretraining(language), "\(design.rawValue)-\(seed)", seed, progress)
        }
        worlds.withLock { $0[key] = world }
        return world
    }

    /// The macrostates of the standard language's model, as tuned.
    func macrostates(_ world: PhaseWorld, seed: UInt64) throws -> LearnedMacrostates {
        let key = Key(design: world.language.design, seed: seed)
        if let found = macrostates.withLock({ $0[key] }) { return found }
        let found = try LearnedMacrostates(world.sample, seed: seed)
        macrostates.withLock { $0[key] = found }
        return found
    }

    /// Trains a model, writes it down and draws from it.
    func train(
        _ recipe: PhasePretraining,
        _ name: String,
        _ seed: UInt64,
        _ progress: @Sendable (String) -> Void
    ) throws -> PhaseWorld {
        var last: [Double] = []
        var steps = 0
        let parameters = try recipe.run(seed: seed) { step in
            steps += 1
            last.append(step.stanceLoss)
            if last.count > 50 { last.removeFirst() }
        }
        let stanceLoss = last.mean ?? .nan
        progress("model \(name): \(steps) steps, yes or no \((stanceLoss * 1000).rounded() / 1000) nats")
        let path = "\(folder)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try parameters.write(toDirectory: path, tokenizer: WordTokenizer(tokens: PhaseLanguage.words))
        let model = try BaseModel.load(.directory(path))
        return PhaseWorld(
            language: recipe.language,
            model: model,
            sample: PhaseSample(model, recipe.language, count: Self.completions, seed: seed),
            trainingSteps: steps,
            stanceLoss: stanceLoss
        )
    }
}
