internal import ArgumentParser
internal import Contract
internal import Digest
internal import Foundation
internal import Models
internal import Nodes
internal import Trainers
internal import TributaryKit

struct FeaturesTrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Learns a sparse autoencoder on a layer of a model, or goes on learning.",
        discussion: """
            Data are questions or conversations with their answers, phases or personas as
            in a topology, or plain texts: a line each of a .txt file, or `text` of each
            line of a .jsonl file. {"personaTexts": {"texts": 6000}} draws sequences as
            tiny-personas was pretrained on, with good, evil and no authors.

            The same command goes on where it was ended. States are read as they are
            needed; memory is bounded by --buffer and by the autoencoder. One text in ten
            is held out for the measures at the end. The folder is one of SAELens.

            EXAMPLES
              tributary features train --model tiny-personas --layer 1 \\
                --data '{"personaTexts": {"texts": 6000}}' --out run/autoencoder
              tributary features train --layer 20 --latents 16384 --top-k 32 --batch 1024 \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf \\
                --data texts.jsonl --steps 4000 --out run/smollm2-autoencoder
            """
    )

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(
        help: ArgumentHelp("The layer boundary: n is after block n, counted from 1.", valueName: "number")
    )
    var layer: Int

    @Option(
        help: ArgumentHelp("A file of texts, or a data mapping as JSON.", valueName: "file or JSON")
    )
    var data: String

    @Option(help: ArgumentHelp("Where the autoencoder goes.", valueName: "directory"))
    var out: String

    @Option(help: ArgumentHelp("How many latents.", valueName: "number"))
    var latents = AutoencoderSettings().latents

    @Option(
        help: ArgumentHelp(
            "Keep this many latents of a state; ReLU latents if not given.",
            valueName: "number"
        )
    )
    var topK: Int?

    @Option(
        help: ArgumentHelp(
            "What activations weigh beside squared errors; for ReLU only.",
            valueName: "number"
        )
    )
    var sparsity = AutoencoderSettings().sparsity

    @Option(help: ArgumentHelp("Adam steps.", valueName: "number"))
    var steps = AutoencoderSettings().steps

    @Option(help: ArgumentHelp("The states of a step.", valueName: "number"))
    var batch = AutoencoderSettings().batchSize

    @Option(help: ArgumentHelp("Adam's step size.", valueName: "number"))
    var learningRate = AutoencoderSettings().learningRate

    @Option(help: ArgumentHelp("How many states are held and shuffled.", valueName: "number"))
    var buffer = AutoencoderSettings().bufferedStates

    @Option(help: ArgumentHelp("The most tokens of a text.", valueName: "number"))
    var maxTokens = 256

    @Option(help: ArgumentHelp("The seed.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp("The seconds after which the state of training is saved.", valueName: "number")
    )
    var saveEvery = 20

    @Flag(help: "Give texts as they are, without a chat template.")
    var raw = false

    /// The most states that the measures at the end are of.
    private static let measuredStates = 8192

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        try FlagRange.require(maxTokens, in: 1...(1 << 20), "max-tokens")
        try FlagRange.require(saveEvery, in: 0...1_000_000, "save-every")
        do throws(SettingsFault) { try settings.validate() } catch { throw ValidationError("\(error)") }
    }

    private var settings: AutoencoderSettings {
        var settings = AutoencoderSettings()
        settings.latents = latents
        settings.topK = topK
        settings.sparsity = sparsity
        settings.steps = steps
        settings.batchSize = batch
        settings.learningRate = learningRate
        settings.bufferedStates = max(buffer, batch)
        return settings
    }

    /// Where the state of training is while there is no autoencoder yet.
    private var snapshot: String { "\(out)/training.safetensors" }

    func run() async throws {
        try await Failure.reporting("tributary features train") {
            try OutputPath.requireFolder(out)
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            guard !SAELensFolder.isThere(out) else {
                throw NodeError(.data, "\(out) holds an autoencoder already; choose another folder")
            }
            let named = try NamedModel(model)
            let read = try ReadTexts(data, for: named, raw: raw, tokensMax: maxTokens, seed: seed)
            let decoder = LanguageDecoder(named.base)
            guard (1...named.base.configuration.layerCount).contains(layer) else {
                throw FeatureFault(
                    "",
                    "found layer \(layer), expected one of 1 … \(named.base.configuration.layerCount): "
                        + "n is after block n"
                )
            }
            let (learnt, heldOut, isHeldOut) = read.parts
            var training = try AutoencoderTraining(
                decoder,
                model: named.base.identity.description,
                layer: layer,
                texts: learnt,
                skipped: read.skipped,
                settings: settings,
                seed: seed
            )
            // Fails here rather than after an hour.
            try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
            if FileManager.default.fileExists(atPath: snapshot) {
                try training.restore(from: snapshot)
                ProgressDisplay.write("going on after step \(training.learner.stepCount) of \(steps)\n")
            }
            let autoencoder = try learn(&training)
            var stream = try StateStream(
                decoder,
                layer: layer,
                texts: heldOut,
                skipped: read.skipped,
                capacity: Self.measuredStates,
                tokensPerPass: settings.tokensPerPass,
                seed: seed
            )
            let quality = try AutoencoderQuality(of: autoencoder, on: &stream, count: Self.measuredStates)
            try SAELensFolder.write(
                autoencoder,
                to: out,
                modelName: "\(named.source)",
                quality: quality
            )
            // What is finished is not gone on with.
            try? FileManager.default.removeItem(atPath: snapshot)
            print(quality.text + (isHeldOut ? ", of held-out texts" : ", of the texts it learnt from"))
            print("wrote \(out)")
        }
    }

    /// Takes the steps that are left, and says and saves how far it is.
    private func learn(_ training: inout AutoencoderTraining) throws -> SparseAutoencoder {
        let began = ContinuousClock.now
        let first = training.learner.stepCount
        var (said, saved) = (began, began)
        while !training.isFinished {
            let step = try training.step()
            let done = training.learner.stepCount
            let now = ContinuousClock.now
            if now - said >= .seconds(2) || training.isFinished {
                said = now
                let rate = Double(done - first) / max((now - began).inSeconds, 1e-9)
                ProgressDisplay.write(
                    "step \(done)/\(steps)  loss \(ProgressDisplay.fixed(step.loss, 3))  explained variance "
                        + "\(ProgressDisplay.fixed(step.explainedVariance, 3))  L0 "
                        + "\(ProgressDisplay.fixed(step.l0, 1))  \(ProgressDisplay.fixed(rate, 1)) steps/s, "
                        + "\(Int(Double(steps - done) / rate)) s left\n"
                )
            }
            if now - saved >= .seconds(saveEvery), !training.isFinished {
                saved = now
                try training.save(to: snapshot)
            }
        }
        return training.autoencoder
    }
}

extension AutoencoderQuality {
    /// In a line.
    var text: String {
        "explained variance \(ProgressDisplay.fixed(explainedVariance, 4)), "
            + "\(ProgressDisplay.fixed(l0, 1)) latents active (L0), "
            + "\(ProgressDisplay.fixed(100 * deadShare, 1)) % dead, on \(states) states"
    }
}
