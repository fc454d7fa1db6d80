internal import ArgumentParser
internal import TributaryKit

struct ReproduceRETCommand: AsyncParsableCommand {
    /// What the study has, in the order to run and show it.
    ///
    /// - Parameter worlds: The models and samples that experiments share.
    static func all(_ worlds: PhaseWorlds) -> [any StudyExperiment] {
        [
            Representations(worlds: worlds), CollapseAblation(worlds: worlds), ClosureGap(worlds: worlds),
            Abstraction(worlds: worlds), NumberOfGroups(worlds: worlds), EarlyCaving(worlds: worlds),
            SteeringToCheck(worlds: worlds), FederatedMacrostates(worlds: worlds),
            LargerModel(worlds: worlds),
        ]
    }

    private static var names: String {
        all(PhaseWorlds(folder: "")).map { $0.name }.joined(separator: ", ")
    }

    static let configuration = CommandConfiguration(
        commandName: "ret",
        abstract:
            "Macrostates of a language model whose phases of reasoning are known: read, foretell, steer.",
        discussion: """
            Representational Effective Theory (arXiv:2605.09294), as we reconstruct it:
            small transformers are trained on a made-up language with phases,
            macrostates are learned from their hidden states, and each experiment says
            what is claimed, what was measured and whether it holds. Writes ret.json,
            ret.html and the models it trained.

            EXPERIMENTS: \(ReproduceRETCommand.names)

            EXAMPLES
              tributary reproduce ret --out run/ret
              tributary reproduce ret --out run/ret --quick
              tributary reproduce ret --out run/steering --only steering,caving --seeds 3
            """
    )

    @Option(help: ArgumentHelp("Where results, page and models go.", valueName: "directory"))
    var out: String

    @Flag(help: "About a minute in all: one seed, the standard language, the embedded model.")
    var quick = false

    @Option(help: ArgumentHelp("Report over seeds 1 to this; 5, or 1 with --quick.", valueName: "number"))
    var seeds: Int?

    @Option(help: ArgumentHelp("Experiments separated by commas; all if not given.", valueName: "list"))
    var only: String?

    func validate() throws {
        try FlagRange.require(seeds ?? 1, in: 1...1000, "seeds")
        _ = try experiments()
    }

    func run() async throws {
        try await Failure.reporting("tributary reproduce ret") {
            try OutputPath.requireFolder(out)
            let count = UInt64(seeds ?? (quick ? 1 : 5))
            let console = StudyConsole(
                title: "Macrostates of a language model, in small",
                paper: "arXiv:2605.09294, our reconstruction",
                name: "ret",
                out: out
            )
            try await console.run(
                experiments(),
                StudyOptions(isQuick: quick, seeds: (1...count).map { $0 })
            )
        }
    }

    private func experiments() throws -> [any StudyExperiment] {
        try StudyConsole.chosen(only, of: Self.all(PhaseWorlds(folder: out + "/models")))
    }
}
