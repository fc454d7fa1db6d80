internal import ArgumentParser
internal import CommandSupport
internal import Foundation
internal import Nodes
internal import Topology
internal import Trainers

struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures the model of a topology, with or without an adapter, on its held-out set.",
        discussion: """
            EXAMPLES
              tributary evaluate topologies/demo.yaml
              tributary evaluate topologies/demo.yaml \\
                --adapter run/demo/coordinator/adapter --format json
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Argument(help: "The topology file.")
    var topology: String

    @Option(
        help: ArgumentHelp("A PEFT folder; without it the base model is measured.", valueName: "directory")
    )
    var adapter: String?

    @Option(help: ArgumentHelp("text or json.", valueName: "format"))
    var format = Format.text

    func run() async throws {
        try await Failure.reporting("tributary evaluate") {
            let job = try Job(try Topology.load(topology))
            let evaluation = try Trial(job).evaluate(adapterFolder: adapter)
            switch format {
            case .json:
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
                print(String(decoding: try encoder.encode(evaluation), as: UTF8.self))
            case .text:
                print("pass@1  greedy   items  topic")
                for topic in evaluation.topics {
                    let items = String(topic.items)
                    print(row(topic.passAt1, topic.greedyAccuracy, items, topic.topic))
                }
                print(row(evaluation.passAt1, evaluation.greedyAccuracy, "", "mean over topics"))
            }
        }
    }

    private func row(_ passAt1: Double, _ greedy: Double?, _ items: String, _ name: String) -> String {
        let second = greedy.map { ProgressDisplay.fixed($0, 3) } ?? "–"
        let padding = String(repeating: " ", count: max(0, 7 - items.count))
        return " \(ProgressDisplay.fixed(passAt1, 3))   \(second)\(padding)\(items)  \(name)"
    }
}
