internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Report
internal import Tasks
internal import Tensors
internal import Trainers
internal import TributaryKit

struct NetworkEvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a policy on networks, beside the rules that it has to be better than.",
        discussion: """
            Discounted returns, higher is better; policy and rules play the same episodes.
            hK acts where an infected node, or a spreader, is within K hops; `hand` also
            uses a node's own level of protection.

            EXAMPLES
              tributary network evaluate run/epidemic/coordinator/adapter --network karate
              tributary network evaluate run/epidemic/coordinator/adapter \\
                --network barabasiAlbert:200:1:4 --episodes 4 --format json
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Argument(help: ArgumentHelp("The folder of the policy.", valueName: "directory"))
    var folder: String

    @Option(
        help: ArgumentHelp(
            "FAMILY:NODES:SEED[:COUNT], a name such as karate, or a file; may be given again.",
            valueName: "network"
        )
    )
    var network: [String]

    @Option(help: ArgumentHelp("The episodes on each network.", valueName: "number"))
    var episodes = 8

    @Option(help: ArgumentHelp("The seed of starts and noise.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("text or json.", valueName: "format"))
    var format = Format.text

    @Option(help: "Numbers of the environment that are other, such as cost=0.1,transmission=0.7.")
    var circumstances = ""

    @OptionGroup var compute: ComputeOptions

    /// How many episodes are played side by side.
    private var threads: Int { compute.threads ?? ProcessInfo.processInfo.activeProcessorCount }

    func validate() throws {
        guard !network.isEmpty, (1...10_000).contains(episodes) else {
            throw ValidationError("--network is needed; episodes: 1 … 10000.")
        }
    }

    /// What one line is about.
    private struct Row: Encodable {
        var network: String
        var nodes: String
        var greedy: Double
        var sampled: Double
        var rules: [String: Double]
        var bestHopRule: String
        var gap: Double
    }

    func run() async throws {
        try await Failure.reporting("tributary network evaluate") {
            Compute.configure(threads: threads)
            let files = try PolicyFolder(reading: folder)
            let (policy, dynamics) = (try files.policy(), try files.dynamics(under: circumstances))
            let rows = try network.map { text in
                try row(
                    text,
                    NetworkSource(text: text).networks().map { try NetworkView($0, dynamics) },
                    policy
                )
            }
            switch format {
            case .json:
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                print(String(decoding: try encoder.encode(rows), as: UTF8.self))
            case .text: print(table(rows), terminator: "")
            }
        }
    }

    private func row(
        _ text: String,
        _ views: [NetworkView],
        _ policy: GraphPolicy
    ) -> Row {
        let held = HeldOutEpisodes(views, seed: seed, count: episodes)
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
        let rules = RuleReturns(views, seed: seed, episodes: episodes)
        let greedy = mean(held.returns(policy, .greedy, threads: threads))
        let nodes = views.map(\.network.nodeCount)
        let (least, most) = (nodes.min() ?? 0, nodes.max() ?? 0)
        return Row(
            network: text,
            nodes: least == most ? "\(least)" : "\(least)–\(most)",
            greedy: greedy,
            sampled: mean(held.returns(policy, .sampled, threads: threads)),
            rules: rules.values,
            bestHopRule: rules.best.name,
            gap: greedy - rules.best.value
        )
    }

    private func table(_ rows: [Row]) -> String {
        func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "–" }
        let shown = ["none", "all", "h1", "h2", "h3", "h4"]
        return TextTable(
            header: ["network", "nodes", "policy", "drawn actions"] + shown + [
                "hand", "best hop rule", "gap",
            ],
            rows: rows.map { row in
                [row.network, row.nodes, number(row.greedy), number(row.sampled)]
                    + shown.map { number(row.rules[$0]) }
                    + [number(row.rules[NetworkRule.hand.name]), row.bestHopRule, number(row.gap)]
            }
        ).text
    }
}
