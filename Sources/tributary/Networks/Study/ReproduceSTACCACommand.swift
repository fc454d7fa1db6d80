internal import ArgumentParser
internal import TributaryKit

struct ReproduceSTACCACommand: AsyncParsableCommand {
    /// What the study has, in the order to run and show it.
    static let all: [any StudyExperiment] = [
        Containment(), Ablations(), InteractionRange(), ThresholdRumour(), FederatedContainment(),
    ]

    private static var names: String { all.map { $0.name }.joined(separator: ", ") }

    static let configuration = CommandConfiguration(
        commandName: "stacca",
        abstract: "One policy for whole networks: containing an epidemic, beside rules and ablations.",
        discussion: """
            STACCA (arXiv:2511.13103), as we reconstruct it: a graph-transformer policy
            is learned with counterfactual advantages on networks of 20 nodes and measured
            on networks that it has not seen, of other sizes and families, beside the best
            rule of the same view. Writes stacca.json and stacca.html.

            EXPERIMENTS: \(ReproduceSTACCACommand.names)

            EXAMPLES
              tributary reproduce stacca --out run/stacca
              tributary reproduce stacca --out run/stacca --quick
              tributary reproduce stacca --out run/federated --only federated --seeds 3
              tributary reproduce stacca --out run/stacca --only containment \\
                --network city.gml --network hospital.edges
            """
    )

    @Option(help: ArgumentHelp("Where results and page go.", valueName: "directory"))
    var out: String

    @Flag(help: "About a minute in all: one seed, fewer arms and iterations.")
    var quick = false

    @Option(help: ArgumentHelp("How many seeds, from 10 on; 5, or 1 with --quick.", valueName: "number"))
    var seeds: Int?

    @Option(
        name: .customLong("network"),
        help: ArgumentHelp(
            "A network's file to measure the policies of `containment` on; may be given again.",
            valueName: "file"
        )
    )
    var networks: [String] = []

    @Option(help: ArgumentHelp("Experiments separated by commas; all if not given.", valueName: "list"))
    var only: String?

    func validate() throws {
        try FlagRange.require(seeds ?? 1, in: 1...1000, "seeds")
        _ = try StudyConsole.chosen(only, of: Self.all)
    }

    func run() async throws {
        try await Failure.reporting("tributary reproduce stacca") {
            try OutputPath.requireFolder(out)
            let count = UInt64(seeds ?? (quick ? 1 : 5))
            let console = StudyConsole(
                title: "One policy for whole networks, in small",
                paper: "arXiv:2511.13103, our reconstruction",
                name: "stacca",
                out: out
            )
            let chosen = try StudyConsole.chosen(only, of: Self.all).map {
                experiment -> any StudyExperiment in
                experiment is Containment ? Containment(files: networks) : experiment
            }
            try await console.run(
                chosen,
                StudyOptions(isQuick: quick, seeds: (0..<count).map { ContainmentRecipe.firstSeed + $0 })
            )
        }
    }
}
