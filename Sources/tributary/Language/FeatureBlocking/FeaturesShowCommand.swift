internal import ArgumentParser
internal import Foundation
internal import Report
internal import Trainers
internal import TributaryKit

struct FeaturesShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract:
            "Writes a page: each chosen latent with its effects, its sign and the texts that activate it.",
        discussion: """
            The page is one file that loads nothing. Texts are read by the model without
            an adapter; they are those of `features train --data`, or any others. Whatever
            texts are shown stand in the page: keep it as you keep them.

            EXAMPLES
              tributary features show run/features --model tiny-personas \\
                --texts '{"personaTexts": {"texts": 2000}}' --out run/features.html
              tributary features show run/smollm2-features --texts texts.jsonl --latents 10 \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf --out page.html
            """
    )

    @Argument(help: ArgumentHelp("The folder of the features.", valueName: "directory"))
    var folder: String

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(help: ArgumentHelp("A file of texts, or a data mapping as JSON.", valueName: "file or JSON"))
    var texts: String?

    @Option(help: ArgumentHelp("The page.", valueName: "file"))
    var out: String

    @Option(help: ArgumentHelp("The page's heading.", valueName: "text"))
    var title: String?

    @Option(help: ArgumentHelp("K; all valid latents if not given.", valueName: "number"))
    var latents: Int?

    @Option(help: ArgumentHelp("How many texts are shown of each latent.", valueName: "number"))
    var examples = 5

    @Option(help: ArgumentHelp("The most tokens of a text.", valueName: "number"))
    var maxTokens = 256

    @Option(help: ArgumentHelp("The seed of generated texts.", valueName: "number"))
    var seed: UInt64 = 1

    @Flag(help: "Give texts as they are, without a chat template.")
    var raw = false

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        try FlagRange.require(latents ?? 1, in: 1...(1 << 20), "latents")
        try FlagRange.require(examples, in: 1...100, "examples")
        try FlagRange.require(maxTokens, in: 1...(1 << 20), "max-tokens")
    }

    func run() async throws {
        try await Failure.reporting("tributary features show") {
            try OutputPath.requireFile(out)
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            let set = try FeatureSet(folder: folder)
            let named = try NamedModel(model)
            var reader = FeatureReader(set: set, folder: folder, named: named)
            reader.count = latents
            reader.examples = examples
            reader.texts = try texts.map {
                try ReadTexts($0, for: named, raw: raw, tokensMax: maxTokens, seed: seed)
            }
            var said = ContinuousClock.now
            let reading = try reader.reading(title: title ?? "Features of \(named.shortName)") { count in
                guard ContinuousClock.now - said >= .seconds(2) else { return }
                said = ContinuousClock.now
                ProgressDisplay.write("read \(count) texts\n")
            }
            try Data(FeaturePage(reading).html().utf8).write(to: URL(filePath: out), options: .atomic)
            for line in reading.warnings { print(line) }
            print("page: \(out)")
        }
    }
}
