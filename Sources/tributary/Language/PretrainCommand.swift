internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Models
internal import Tensors
internal import Text
internal import Trainers

struct PretrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Makes a tiny decoder from a seed: the embedded models are made with this command.",
        discussion: """
            224,736 parameters, trained on six families of arithmetic and sorting with
            noisy labels, so that it knows a little of everything and nothing well.
            Questions that a federation is tested on are never used.

            --attention takes the name of an attention kind
            (\(AttentionKinds.all.map { $0.name }.joined(separator: ", "))), or settings as JSON,
            as config.json keeps them.

            EXAMPLES, two that rebuild the embedded models on the same type of processor
              tributary pretrain --preset default \\
                --seed \(PretrainCommand.defaultSeed) --out tiny-arithmetic
              tributary pretrain --preset hard --seed \(PretrainCommand.hardSeed) \\
                --out tiny-arithmetic-hard
              tributary pretrain --attention hyperFeature --out tiny-hyperfeature
              tributary pretrain --attention '{"kind":"hyper","order":3,"rank":16}' \\
                --out tiny-hyper
            """
    )

    static let defaultSeed = 8
    static let hardSeed = 1

    enum Preset: String, ExpressibleByArgument, CaseIterable { case `default`, hard }

    @Option(help: ArgumentHelp("How noisy the labels are: default or hard.", valueName: "preset"))
    var preset = Preset.default

    @Option(help: ArgumentHelp("The seed of weights, problems and labels.", valueName: "number"))
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

    func run() async throws {
        try await Failure.reporting("tributary pretrain") {
            Compute.configure(threads: 1)
            var pretraining = preset == .hard ? Pretraining.hard : Pretraining.standard
            try choose(AttentionKinds.parse(attention, source: "--attention"), for: &pretraining)
            let parameters = try pretraining.run(seed: seed) { progress in
                guard (progress.step + 1) % 50 == 0 else { return }
                let loss = ProgressDisplay.fixed(progress.loss, 4)
                ProgressDisplay.write("step \(progress.step + 1)/\(progress.steps)  loss \(loss)\n")
            }
            try parameters.write(toDirectory: out)
            let tokenizer = CharacterTokenizer.arithmetic
            try Data(tokenizer.fileBytes()).write(to: URL(fileURLWithPath: out + "/tokenizer.json"))
            try Data(tokenizer.configurationBytes())
                .write(to: URL(fileURLWithPath: out + "/tokenizer_config.json"))
            print("wrote \(out)")
        }
    }

    private func choose(_ kinds: [any AttentionKind], for pretraining: inout Pretraining) throws {
        let blocks = pretraining.configuration.layerCount
        guard kinds.count == 1 || kinds.count == blocks else {
            throw ValidationError("--attention: found \(kinds.count) kinds, expected one or \(blocks).")
        }
        pretraining.configuration = pretraining.configuration.with(attention: kinds)
        try pretraining.configuration.validate(file: "pretrain")
    }
}
