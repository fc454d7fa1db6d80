internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Report
internal import Tensors

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
        guard seeds ?? 1 > 0 else { throw ValidationError("seeds: at least 1.") }
        _ = try experiments()
    }

    func run() async throws {
        try await Failure.reporting("tributary reproduce hyperattention") {
            // Times are compared with each other: one thread, whatever the machine has.
            Compute.configure(threads: 1)
            try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
            let count = UInt64(seeds ?? (quick ? 1 : 3))
            let run = StudyRun(
                title: "Attention through interactions, in small",
                paper: "arXiv:2506.06179",
                experiments: try experiments(),
                options: StudyOptions(isQuick: quick, seeds: (1...count).map { $0 }),
                progress: { Self.say($0) },
                finished: { Self.say("\n" + StudyReport.text($0)) }
            )
            let study = try await run.complete(facts: StudyMachine.facts)
            let report = StudyReport(study)
            let page = out + "/hyperattention.html"
            try Data(report.json()).write(
                to: URL(filePath: out + "/hyperattention.json"),
                options: .atomic
            )
            try Data(report.html().utf8).write(to: URL(filePath: page), options: .atomic)
            Self.say(report.verdictLine)
            Self.say("page: \(page)")
        }
    }

    private func experiments() throws -> [any StudyExperiment] {
        let all = Self.all.map { experiment -> any StudyExperiment in
            guard var factors = experiment as? FederatedFactors else { return experiment }
            factors.topologyFile = topology
            factors.work = out + "/work"
            return factors
        }
        guard let only else { return all }
        let names = only.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        guard !names.isEmpty else { throw ValidationError("only: '\(only)' is an empty list.") }
        for name in names where !all.contains(where: { $0.name == name }) {
            let known = all.map(\.name).joined(separator: ", ")
            throw ValidationError("There is no experiment '\(name)'; there are \(known).")
        }
        return all.filter { names.contains($0.name) }
    }

    /// Unbuffered, so that a log file shows progress too.
    private static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}
