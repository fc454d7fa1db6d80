internal import ArgumentParser
internal import TributaryKit

struct ReproduceHyperAttentionCommand: AsyncParsableCommand {
    /// What the study has, in the order to run and show it.
    static let all: [any StudyExperiment] = [
        CollidingAgents(), CoupledFeatures(), ThreeWay(), SkipTrigram(), CostAgainstLength(),
        CausalModels(), KindCosts(), FederatedFactors(),
    ]

    static let configuration = CommandConfiguration(
        commandName: "hyperattention",
        abstract:
            "Attention through interactions in small: what linear, feature-wise and n-way attention can "
            + "learn.",
        discussion: """
            (Hyper) self-attention through interactions (arXiv:2506.06179): each experiment
            says what is claimed, what was measured and whether it holds. Writes
            hyperattention.json and hyperattention.html.

            EXPERIMENTS: \(ReproduceHyperAttentionCommand.all.map(\.name).joined(separator: ", "))

            EXAMPLES
              tributary reproduce hyperattention --out run/hyperattention
              tributary reproduce hyperattention --out run/hyperattention --quick
              tributary reproduce hyperattention --out run/agents \\
                --only colliding-agents --seeds 5
              tributary reproduce hyperattention --out run/factors \\
                --only federated-factors --topology topologies/smollm2-hyperfeature.yaml
            """
    )

    @Option(help: ArgumentHelp("Where results and page go.", valueName: "directory"))
    var out: String

    @Flag(help: "Less than a minute in all: one seed, shorter training, no paper-size run.")
    var quick = false

    @Option(help: ArgumentHelp("Report over seeds 1 to this; 3, or 1 with --quick.", valueName: "number"))
    var seeds: Int?

    @Option(help: ArgumentHelp("Experiments separated by commas; all if not given.", valueName: "list"))
    var only: String?

    @Option(
        help: ArgumentHelp(
            "The federation of federated-factors, with the adapter's factor; a small one if not given.",
            valueName: "file"
        )
    )
    var topology: String?

    func validate() throws {
        try FlagRange.require(seeds ?? 1, in: 1...1000, "seeds")
        _ = try experiments()
    }

    func run() async throws {
        try await Failure.reporting("tributary reproduce hyperattention") {
            try OutputPath.requireFolder(out)
            let count = UInt64(seeds ?? (quick ? 1 : 3))
            let console = StudyConsole(
                title: "Attention through interactions, in small",
                paper: "arXiv:2506.06179",
                name: "hyperattention",
                out: out
            )
            try await console.run(
                experiments(),
                StudyOptions(isQuick: quick, seeds: (1...count).map { $0 })
            )
        }
    }

    private func experiments() throws -> [any StudyExperiment] {
        let all = Self.all.map { experiment -> any StudyExperiment in
            guard var factors = experiment as? FederatedFactors else { return experiment }
            factors.topologyFile = topology
            factors.work = out + "/work"
            return factors
        }
        return try StudyConsole.chosen(only, of: all)
    }
}
