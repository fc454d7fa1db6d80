internal import ArgumentParser
internal import TributaryKit

struct ReproduceFeatureBlockingCommand: AsyncParsableCommand {
    /// What the study has, in the order to run and show it.
    ///
    /// - Parameter worlds: The bases, autoencoders and discoveries that experiments share.
    static func all(_ worlds: PersonaWorlds) -> [any StudyExperiment] {
        [
            ModelOrganism(worlds: worlds), RivalsOfBlocking(worlds: worlds), OtherSettings(worlds: worlds),
            LongerTraining(worlds: worlds), SixDomains(worlds: worlds), FederatedBlocking(worlds: worlds),
        ]
    }

    private static var names: String {
        all(PersonaWorlds(folder: "")).map { $0.name }.joined(separator: ", ")
    }

    static let configuration = CommandConfiguration(
        commandName: "feature-blocking",
        abstract: "Narrow fine-tuning without the misalignment that comes with it, where the truth is known.",
        discussion: """
            BLOCK-EM (arXiv:2602.00767): small transformers learn a made-up language in
            which it is known exactly whether an answer is aligned. Fine-tuned on bad
            answers in one domain they misbehave in all; latents that carry it are found
            and held, beside every rival. Each experiment says what is claimed, what was
            measured and whether it holds. Writes feature-blocking.json,
            feature-blocking.html and the models it trained.

            EXPERIMENTS: \(ReproduceFeatureBlockingCommand.names), smollm2

            EXAMPLES
              tributary reproduce feature-blocking --out run/blocking
              tributary reproduce feature-blocking --out run/blocking --quick
              tributary reproduce feature-blocking --out run/rivals --only organism,blocking --seeds 3
              tributary reproduce feature-blocking --out run/smollm2 --only smollm2 \\
                --model model.gguf --mmlu mmlu-domains --seeds 1

            smollm2 needs a pretrained model and questions, and runs only where it is
            named.
            """
    )

    @Option(help: ArgumentHelp("Where results, page and models go.", valueName: "directory"))
    var out: String

    @Flag(help: "About a minute in all: the embedded base, two fine-tuning seeds, fewest arms.")
    var quick = false

    @Option(
        help: ArgumentHelp("Report over bases of seeds 1 to this; 5, or 1 with --quick.", valueName: "number")
    )
    var seeds: Int?

    @Option(help: ArgumentHelp("Experiments separated by commas; all if not given.", valueName: "list"))
    var only: String?

    @Option(
        help: ArgumentHelp(
            "For smollm2: a GGUF file or a folder of SmolLM2-135M-Instruct.",
            valueName: "model"
        )
    )
    var model: String?

    @Option(
        help: ArgumentHelp(
            "For smollm2: a folder with test.jsonl and val.jsonl of MMLU by domain.",
            valueName: "directory"
        )
    )
    var mmlu: String?

    @Option(
        name: .customLong("truthfulqa"),
        help: ArgumentHelp("For smollm2: TruthfulQA's file.", valueName: "file")
    )
    var truthfulQA: String?

    func validate() throws {
        try FlagRange.require(seeds ?? 1, in: 1...1000, "seeds")
        _ = try experiments()
    }

    func run() async throws {
        try await Failure.reporting("tributary reproduce feature-blocking") {
            try OutputPath.requireFolder(out)
            let count = UInt64(seeds ?? (quick ? 1 : 5))
            let console = StudyConsole(
                title: "Feature blocking, in small",
                paper: "arXiv:2602.00767",
                name: "feature-blocking",
                out: out
            )
            try await console.run(
                experiments(),
                StudyOptions(isQuick: quick, seeds: (1...count).map { $0 })
            )
        }
    }

    private func experiments() throws -> [any StudyExperiment] {
        let all = Self.all(PersonaWorlds(folder: out + "/models"))
        guard only != nil else {
            // The longest one has no quick form.
            return quick ? all.filter { !($0 is OtherSettings) } : all
        }
        let pretrained = SmolLM2Domains(model: model, data: mmlu, truthfulQA: truthfulQA)
        return try StudyConsole.chosen(only, of: all + [pretrained])
    }
}
