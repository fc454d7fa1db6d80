internal import ArgumentParser
internal import Foundation
internal import Nodes
internal import Report
internal import Tasks
internal import Tensors
internal import Trainers
internal import TributaryKit

struct NetworkRenderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Writes a page that plays an episode on a network: a policy beside rules.",
        discussion: """
            The page is one file that loads nothing: play, pause, and move through the
            steps. Policy and rules have the same start and the same noise. Rules: none,
            all, hK, hand, degree-SHARE, random-P.

            EXAMPLES
              tributary network render run/epidemic/coordinator/adapter --network karate \\
                --out run/karate.html
              tributary network render run/epidemic/coordinator/adapter \\
                --network barabasiAlbert:60:3 --rule h2 --rule hand --out run/page.html
            """
    )

    @Argument(help: ArgumentHelp("The folder of the policy.", valueName: "directory"))
    var folder: String

    @Option(
        help: ArgumentHelp(
            "FAMILY:NODES:SEED, a name such as karate, or a file.",
            valueName: "network"
        )
    )
    var network: String

    @Option(help: ArgumentHelp("A rule beside it; h2 if none is given.", valueName: "rule"))
    var rule: [String] = []

    @Option(help: ArgumentHelp("The seed of start and noise.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: "Numbers of the environment that are other, such as cost=0.1,transmission=0.7.")
    var circumstances = ""

    @Option(help: ArgumentHelp("The page.", valueName: "file"))
    var out: String

    /// The most nodes that are drawn.
    private static let nodesMax = 2000

    func run() async throws {
        try await Failure.reporting("tributary network render") {
            try OutputPath.requireFile(out)
            Compute.configure(threads: 1)
            let files = try PolicyFolder(reading: folder)
            let networks = try NetworkSource(text: network).networks()
            guard networks.count == 1 else {
                throw NodeError(.input, "--network: found \(networks.count) networks, expected one")
            }
            guard networks[0].nodeCount <= Self.nodesMax else {
                throw NodeError(
                    .input,
                    "--network: found \(networks[0].nodeCount) nodes, expected at most \(Self.nodesMax) to draw"
                )
            }
            let rules = try (rule.isEmpty ? ["h2"] : rule).map { name in
                guard let rule = NetworkRule(name: name) else {
                    throw NodeError(
                        .input,
                        "--rule: found '\(name)', expected none, all, hK, hand, degree-SHARE or random-P"
                    )
                }
                return rule
            }
            let reading = try reading(files, networks[0], rules)
            try Data(EpisodePage(reading).html().utf8).write(to: URL(filePath: out), options: .atomic)
            for panel in reading.panels {
                print("\(panel.name): discounted return \(String(format: "%.3f", panel.value))")
            }
            print("page: \(out)")
        }
    }

    private func reading(
        _ files: PolicyFolder,
        _ network: Network,
        _ rules: [NetworkRule]
    ) throws -> EpisodeReading {
        let dynamics = try files.dynamics(under: circumstances)
        let held = HeldOutEpisodes([try NetworkView(network, dynamics)], seed: seed, count: 1)
        var panels = held.play(try files.policy(), .greedy).map {
            panel("policy", $0.record, dynamics)
        }
        panels += rules.flatMap { rule in
            held.play(rule).map { panel("rule \(rule.shortName)", $0, dynamics) }
        }
        return EpisodeReading(
            title: "\(files.environment.kind.rawValue.capitalized) on \(network.name)",
            subtitle:
                "\(network.nodeCount) nodes, \(network.edgeCount) edges, \(dynamics.horizon) steps, seed \(seed)",
            nodes: (0..<network.nodeCount).map {
                network.labels.isEmpty ? "node \($0)" : network.labels[$0]
            },
            edges: network.edges.map { EpisodeReading.Edge(from: $0.0, to: $0.1) },
            compartments: files.environment.compartments,
            spreading: files.environment.kind == .epidemic ? "infected" : "spreading",
            ramp: dynamics.ramp,
            panels: panels
        )
    }

    private func panel(
        _ name: String,
        _ record: NetworkEpisode,
        _ dynamics: any NetworkDynamics
    ) -> EpisodeReading.Panel {
        EpisodeReading.Panel(
            name: name,
            value: record.discountedReturn(dynamics.discount),
            compartments: (0...record.horizon).map { Array(record.compartments[record.rowRange($0)]) },
            levels: (0...record.horizon).map { Array(record.levels[record.rowRange($0)]) },
            actions: (0..<record.horizon).map { Array(record.actions[record.rowRange($0)]) }
        )
    }
}
