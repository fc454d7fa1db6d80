import Contract
import Digest
import Foundation
import Models
import Randomness
import TrainersTestSupport

@testable import Trainers

/// Features of `tiny-personas` that nobody discovered: random latents after the first block, on disk.
struct PersonaFixture {
    private static let made = Result { try PersonaFixture() }
    static func get() throws -> PersonaFixture { try made.get() }

    let base: BaseModel
    let autoencoder: SparseAutoencoder
    let set: FeatureSet
    let folder: String

    init() throws {
        base = try BaseModel.load(.embedded("tiny-personas"))
        let width = base.configuration.hiddenSize
        var stream = RandomStream(seed: 4, "random-features")
        var directions: [Float] = []
        for _ in 0..<24 {
            let row = (0..<width).map { _ in stream.uniform() - 0.5 }
            let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            directions += row.map { Float($0 / norm) }
        }
        autoencoder = SparseAutoencoder(
            model: base.identity.description,
            layer: 1,
            width: width,
            activation: .relu,
            encoder: directions,
            encoderBias: [Float](repeating: 0, count: 24),
            decoder: directions,
            decoderBias: [Float](repeating: 0, count: width),
            activationScale: 1
        )
        let shares = BehaviourShares(misaligned: 0, aligned: 1, incoherent: 0, count: 8)
        let effect = FeatureSet.Effect(strength: 0.5, induced: shares, repaired: shares)
        var set = FeatureSet(
            autoencoder: autoencoder,
            shifts: LatentShifts(
                base: [Float](repeating: 0, count: 24),
                misaligned: (0..<24).map { Float($0 % 2 == 0 ? $0 : -$0) },
                steeringScale: 4
            ),
            settings: DiscoverySettings(),
            baselines: .init(base: shares, misaligned: shares),
            budget: .init(induce: 0.1, repair: 0.1),
            latents: (0..<12).map { index in
                FeatureSet.Latent(
                    index: index,
                    sign: index % 2 == 0 ? 1 : -1,
                    shift: Double(index),
                    calibration: .init(
                        effects: [effect],
                        induceStrength: 0.5,
                        induceGain: 0.1 + Double(index) / 100,
                        repairStrength: 0.5,
                        repairGain: 0.1,
                        score: 0.2 + Double(index) / 100,
                        isValid: index >= 4
                    )
                )
            }
        )
        set.calibrator = .init(lossDrop: 4, penalty: 2, count: 8)
        self.set = set
        folder = FileManager.default.temporaryDirectory.appending(path: "features-\(UUID().uuidString)")
            .path()
        try set.write(to: folder)
        try SAELensFolder.write(autoencoder, to: folder + "/autoencoder", modelName: "tiny-personas")
    }

    static let trainerSettings = """
        {"examplesPerStep": 2, "publicPromptsPerStep": 3, "samplesPerPrompt": 2, "maxTokens": 6,
         "optimiser": {"learningRate": 0.002},
         "task": {"personas": {"domains": ["finance"], "part": "unseen", "verdict": "bad"}}}
        """

    /// What all members have in common.
    func run(
        blocking: String? = #""latents": 6, "weight": 2"#,
        adapter: String = #"{"rank": 2}"#,
        settings: String = trainerSettings
    ) throws -> RunContext {
        var run = try SharedModel.get().run(schedule: SharedModel.schedule, clients: ["a", "b"])
        run.model = try Mapping(json: Array(#"{"embedded": "tiny-personas"}"#.utf8), file: "model")
        run.adapter = try Mapping(json: Array(adapter.utf8), file: "adapter")
        run.settings = try Mapping(json: Array(settings.utf8), file: "settings")
        if let blocking {
            let words = #"{"directory": "\#(folder)", \#(blocking)}"#
            run.objectives = [
                Component("blockFeatures", try Mapping(json: Array(words.utf8), file: "objectives"))
            ]
        }
        return run
    }

    func client(_ name: String, _ run: RunContext, data: String? = nil) throws -> ClientContext {
        let domain = name == "a" ? "finance" : "legal"
        let words = data ?? #"{"personas": {"domains": ["\#(domain)"]}}"#
        return ClientContext(run: run, name: name, data: try Mapping(json: Array(words.utf8), file: "data"))
    }

    func coordinator(_ run: RunContext) throws -> CoordinatorContext {
        CoordinatorContext(
            run: run,
            publicData: try Mapping(json: Array(#"{"personas": {"questions": 24}}"#.utf8), file: "public"),
            evaluationData: try Mapping(
                json: Array(#"{"personas": {"domains": ["career", "cars"], "questions": 32}}"#.utf8),
                file: "evaluation"
            )
        )
    }

    /// An adapter that answers badly in `finance`, and by that everywhere.
    func misaligned(_ run: RunContext) throws -> AdapterWeights {
        let settings = try FeatureBlockingSettings(json: Array(Self.trainerSettings.utf8))
        let words = try LanguageWords(run)
        var optimiser = settings.optimiser
        optimiser.learningRate = 2e-3
        let tuning = try FineTuning(base, adapter: words.adapter, optimiser: optimiser, seed: 3)
        let task = try LanguageTask(run, settings: settings)
        let examples = try SupervisedExamples(task, settings, client("a", run))
        _ = try tuning.train(on: examples.groups, batch: 16, steps: 0..<60)
        return tuning.adapter.weights
    }
}
