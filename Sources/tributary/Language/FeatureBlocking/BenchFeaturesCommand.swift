internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Models
internal import Randomness
internal import Report
internal import Tensors
internal import Trainers
internal import TributaryKit

struct BenchFeaturesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Measures a step of an autoencoder, and what blocking adds to a step of fine-tuning.",
        discussion: """
            The autoencoder: 576 columns, 16,384 latents, as for SmolLM2; beside it, by
            turns, a square product of matrices, whose rate is taken for the machine's.
            Fine-tuning: steps with and without 50 blocked latents by turns, on
            tiny-personas and with --model on another model as well, LoRA on all maps of
            all blocks, two thirds of the way up.

            EXAMPLES
              tributary bench features
              tributary bench features --repeats 9 --out run/bench-features.json \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf
            """
    )

    @Option(help: ArgumentHelp("A model that is fine-tuned besides tiny-personas.", valueName: "model"))
    var model: String?

    @Option(help: ArgumentHelp("How often each is measured.", valueName: "number"))
    var repeats = 5

    @Option(help: ArgumentHelp("The states of an autoencoder's step.", valueName: "number"))
    var batch = 1024

    @Option(help: ArgumentHelp("Where the JSON goes; shown if not given.", valueName: "file"))
    var out: String?

    func validate() throws {
        try FlagRange.require(repeats, in: 1...1000, "repeats")
        try FlagRange.require(batch, in: 1...65_536, "batch")
    }

    private struct Autoencoder: Encodable {
        var columns = 576
        var latents = 16_384
        var batch: Int
        /// Five products of 2 · batch · latents · columns operations each.
        var stepSeconds: Double
        var stepGFLOPS: Double
        /// The rate of a product of 1,536 rows and columns.
        var squareGFLOPS: Double
        /// The median of the ratios of neighbouring runs.
        var shareOfSquare: Double
        /// The same for a TopK autoencoder with 32 active latents.
        var topKShareOfSquare: Double
    }

    private struct Blocking: Encodable {
        var model: String
        var layer: Int
        var layers: Int
        var latents: Int
        var examples: Int
        var tokens: Int
        var plainSeconds: Double
        var blockedSeconds: Double
        /// The median of the ratios of neighbouring runs.
        var blockedToPlain: Double
    }

    private struct Record: Encodable {
        var machine: [String: String]
        var repeats: Int
        var autoencoder: Autoencoder
        var blocking: [Blocking]
    }

    func run() async throws {
        try await Failure.reporting("tributary bench features") {
            if let out { try OutputPath.requireFile(out) }
            Compute.configure(threads: 1)
            let autoencoder = try autoencoder()
            let blocking = try (["tiny-personas"] + [model].compactMap { $0 }).map { try self.blocking($0) }
            let facts = StudyMachine.facts.prefix(3).map { ($0.name, $0.value) }
            let record = Record(
                machine: Dictionary(facts) { first, _ in first },
                repeats: repeats,
                autoencoder: autoencoder,
                blocking: blocking
            )
            try BenchCommand.tell(record, out: out)
        }
    }

    private func seconds(_ work: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(work).inSeconds
    }

    /// Two measurements by turns; who goes first changes from turn to turn.
    private func byTurns(
        _ first: () throws -> Double,
        _ second: () throws -> Double
    ) rethrows -> [(Double, Double)] {
        try (0..<repeats).map { turn in
            if turn % 2 == 0 {
                let one = try first()
                return (one, try second())
            }
            let two = try second()
            return (try first(), two)
        }
    }

    // MARK: - The autoencoder

    private func autoencoder() throws -> Autoencoder {
        var result = Autoencoder(
            batch: batch,
            stepSeconds: 0,
            stepGFLOPS: 0,
            squareGFLOPS: 0,
            shareOfSquare: 0,
            topKShareOfSquare: 0
        )
        let operations = 10 * Double(batch) * Double(result.latents) * Double(result.columns) / 1e9
        var stream = RandomStream(seed: 1, "bench-features")
        func random(_ shape: [Int]) -> Tensor {
            let count = shape.reduce(1, *)
            return Tensor(shape: shape, values: (0..<count).map { _ in Float(stream.uniform() - 0.5) })
        }
        let states = random([batch, result.columns])
        let side = 1536
        let (left, right) = (random([side, side]).toArray(), random([side, side]).toArray())
        var product = [Float](repeating: 0, count: side * side)
        func square() -> Double {
            let time = seconds { Products.ab(left, right, &product, m: side, n: side, k: side) }
            return 2 * Double(side * side * side) / 1e9 / time
        }
        for topK in [nil, 32] {
            var settings = AutoencoderSettings()
            settings.latents = result.latents
            settings.topK = topK
            settings.resampleEvery = 0
            var learner = try AutoencoderLearner(
                settings: settings,
                centre: [Float](repeating: 0, count: result.columns),
                rmsNorm: Double(result.columns).squareRoot() / 12.0.squareRoot(),
                seed: 1
            )
            _ = try learner.step(states)
            _ = square()
            let turns = try byTurns({ try seconds { _ = try learner.step(states) } }, square)
            let share = turns.map { operations / $0.0 / $0.1 }.median ?? 0
            if topK == nil {
                result.stepSeconds = turns.map(\.0).median ?? 0
                result.stepGFLOPS = turns.map { operations / $0.0 }.median ?? 0
                result.squareGFLOPS = turns.map(\.1).median ?? 0
                result.shareOfSquare = share
            } else {
                result.topKShareOfSquare = share
            }
        }
        return result
    }

    // MARK: - Blocking

    private func blocking(_ model: String) throws -> Blocking {
        let named = try NamedModel(model)
        let configuration = named.base.configuration
        let (width, layers) = (configuration.hiddenSize, configuration.layerCount)
        let isSmall = configuration.parameterCount < 10_000_000
        let (examples, length, latents) = (isSmall ? 16 : 4, isSmall ? 12 : 64, 50)
        let layer = max(1, 2 * layers / 3)
        var stream = RandomStream(seed: 1, "bench-blocking")
        let groups = (0..<examples).map { _ in
            let tokens = (0..<length).map { _ in Int32(stream.below(configuration.vocabularySize)) }
            return LearningGroup(
                prompt: Array(tokens.prefix(length / 2)),
                responses: [Array(tokens.dropFirst(length / 2))]
            )
        }
        let rows = LatentRows(
            layer: layer,
            width: width,
            indices: Array(0..<latents),
            signs: (0..<latents).map { $0 % 2 == 0 ? 1 : -1 },
            encoder: (0..<latents * width).map { _ in Float(stream.uniform() - 0.5) },
            bias: [Float](repeating: 0, count: latents),
            decoder: [Float](repeating: 0, count: latents * width)
        )
        func tuning(_ terms: [any ObjectiveTerm]) throws -> FineTuning {
            try FineTuning(
                named.base,
                adapter: LoRAConfiguration(rank: 4),
                optimiser: OptimiserSettings(),
                terms: terms,
                seed: 1
            )
        }
        let plain = try tuning([])
        let blocked = try tuning([FeatureBlockTerm(rows, weight: 0.1, reading: .preActivation)])
        let steps = isSmall ? 20 : 1
        func time(_ tuning: FineTuning, _ turn: inout Int) throws -> Double {
            defer { turn += 1 }
            let first = turn * steps
            return try seconds {
                _ = try tuning.train(on: groups, batch: examples, steps: first..<first + steps)
            } / Double(steps)
        }
        var (plainTurn, blockedTurn) = (0, 0)
        _ = try (time(plain, &plainTurn), time(blocked, &blockedTurn))
        let turns = try byTurns({ try time(plain, &plainTurn) }, { try time(blocked, &blockedTurn) })
        return Blocking(
            model: model,
            layer: layer,
            layers: layers,
            latents: latents,
            examples: examples,
            tokens: examples * length,
            plainSeconds: turns.map(\.0).median ?? 0,
            blockedSeconds: turns.map(\.1).median ?? 0,
            blockedToPlain: turns.map { $0.1 / $0.0 }.median ?? 0
        )
    }
}
