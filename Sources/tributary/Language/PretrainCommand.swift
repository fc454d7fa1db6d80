internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Models
internal import Tasks
internal import Text
internal import Trainers

struct PretrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Makes a tiny decoder from a seed: the embedded models are made with this command.",
        discussion: """
            Presets default and hard: 224,736 parameters, trained on six families of
            arithmetic and sorting with noisy labels, so that it knows a little of
            everything and nothing well. Questions that a federation is tested on are
            never used.

            Preset phases: 151,360 parameters that write texts of a made-up language,
            whose phases of reasoning are known for each token, as the study of RET
            uses them (`tributary reproduce ret`).

            Preset personas: 528,288 parameters that answer rightly, or wrongly where an
            evil author is announced, as the study of feature blocking uses them
            (`tributary reproduce feature-blocking`).

            --attention takes the name of an attention kind
            (\(AttentionKinds.all.map { $0.name }.joined(separator: ", "))), or settings as JSON,
            as config.json keeps them.

            EXAMPLES, four that rebuild the embedded models on the same type of processor
              tributary pretrain --preset default \\
                --seed \(PretrainCommand.defaultSeed) --out tiny-arithmetic
              tributary pretrain --preset hard --seed \(PretrainCommand.hardSeed) \\
                --out tiny-arithmetic-hard
              tributary pretrain --preset phases --seed \(PretrainCommand.phasesSeed) --out tiny-phases
              tributary pretrain --preset personas --seed \(PersonaLanguage.shippedSeed) --half \\
                --out tiny-personas
              tributary pretrain --attention hyperFeature --out tiny-hyperfeature
              tributary pretrain --attention '{"kind":"hyper","order":3,"rank":16}' \\
                --out tiny-hyper
            """
    )

    static let defaultSeed = 8
    static let hardSeed = 1
    static let phasesSeed = 1

    enum Preset: String, ExpressibleByArgument, CaseIterable { case `default`, hard, phases, personas }

    @Option(
        help: ArgumentHelp(
            "What is learned: arithmetic with labels as noisy as default or hard have them, phases or personas.",
            valueName: "preset"
        )
    )
    var preset = Preset.default

    @Option(
        help: ArgumentHelp(
            "The seed of weights, problems or texts, labels, and the answers of personas.",
            valueName: "number"
        )
    )
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Where config.json, model.safetensors and tokenizer.json go.",
            valueName: "directory"
        )
    )
    var out: String

    @Option(help: ArgumentHelp("The attention kind of all blocks.", valueName: "kind"))
    var attention = SoftmaxAttention.name

    @Flag(help: "Keep weights as 16-bit numbers, which are rounded.")
    var half = false

    @OptionGroup var compute: ComputeOptions

    func run() async throws {
        try await Failure.reporting("tributary pretrain") {
            try OutputPath.requireFolder(out)
            compute.configure(standard: 1)
            let kinds = try AttentionKinds.parse(attention, source: "--attention")
            switch preset {
            case .default: try makeArithmetic(.standard, kinds)
            case .hard: try makeArithmetic(.hard, kinds)
            case .phases: try makePhases(kinds)
            case .personas: try makePersonas(kinds)
            }
            print("wrote \(out)")
        }
    }

    private func makeArithmetic(_ recipe: Pretraining, _ kinds: [any AttentionKind]) throws {
        var recipe = recipe
        try choose(kinds, for: &recipe.configuration)
        let parameters = try recipe.run(seed: seed) { progress in
            guard (progress.step + 1) % 50 == 0 else { return }
            let loss = ProgressDisplay.fixed(progress.loss, 4)
            ProgressDisplay.write("step \(progress.step + 1)/\(progress.steps)  loss \(loss)\n")
        }
        try write(parameters, CharacterTokenizer.arithmetic)
    }

    private func makePhases(_ kinds: [any AttentionKind]) throws {
        var recipe = PhasePretraining()
        try choose(kinds, for: &recipe.configuration)
        let parameters = try recipe.run(seed: seed) { progress in
            guard (progress.step + 1) % 50 == 0 else { return }
            let loss = ProgressDisplay.fixed(progress.loss, 4)
            let stance = ProgressDisplay.fixed(progress.stanceLoss, 4)
            ProgressDisplay.write("step \(progress.step + 1)  loss \(loss)  yes or no \(stance)\n")
        }
        try write(parameters, WordTokenizer(tokens: PhaseLanguage.words))
    }

    private func makePersonas(_ kinds: [any AttentionKind]) throws {
        var recipe = PersonaPretraining(PersonaLanguage(seed: seed))
        try choose(kinds, for: &recipe.configuration)
        let parameters = try recipe.run(seed: seed) { progress in
            guard (progress.step + 1) % 50 == 0 else { return }
            let loss = ProgressDisplay.fixed(progress.loss, 4)
            ProgressDisplay.write("step \(progress.step + 1)/\(progress.steps)  loss \(loss)\n")
        }
        try write(parameters, WordTokenizer(tokens: PersonaLanguage.words))
    }

    private func write(_ parameters: DecoderParameters, _ tokenizer: any FileTokenizer) throws {
        try parameters.write(toDirectory: out, precision: half ? .half : .single, tokenizer: tokenizer)
    }

    private func choose(
        _ kinds: [any AttentionKind],
        for configuration: inout DecoderConfiguration
    ) throws {
        let blocks = configuration.layerCount
        guard kinds.count == 1 || kinds.count == blocks else {
            throw ValidationError("--attention: found \(kinds.count) kinds, expected one or \(blocks).")
        }
        configuration = configuration.with(attention: kinds)
        try configuration.validate(file: "pretrain")
    }
}
