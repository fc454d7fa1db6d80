internal import ArgumentParser
internal import TributaryKit
internal import Contract
internal import Foundation
internal import Nodes
internal import Report
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
        help: ArgumentHelp(
            "An adapter's folder; without it the adapter of round 0 is measured.",
            valueName: "directory"
        )
    )
    var adapter: String?

    @Option(help: ArgumentHelp("text or json.", valueName: "format"))
    var format = Format.text

    @OptionGroup var compute: ComputeOptions

    func run() async throws {
        try await Failure.reporting("tributary evaluate") {
            let job = try Job.load(topology, .shipped)
            compute.configure(standard: job.topology.coordinator.threads)
            let judge = try job.makeJudge()
            let initial = try judge.initialAdapter().travelling
            let weights = try adapter.map { try job.readAdapter(from: $0, like: initial.layout) }
            let evaluation = try judge.evaluate(weights ?? initial, round: 0)
            switch format {
            case .json:
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
                print(String(decoding: try encoder.encode(evaluation), as: UTF8.self))
            case .text: print(table(evaluation), terminator: "")
            }
        }
    }

    private func table(_ evaluation: Evaluation) -> String {
        let measure = evaluation.measure
        let further = Set(evaluation.slices.flatMap(\.metrics.keys)).union(evaluation.metrics.keys).sorted()
        let number = { (value: Double?) in value.map { ScoreText.text($0, measure) } ?? "–" }
        let slices = evaluation.slices.map { slice in
            [slice.name, number(slice.value)] + further.map { number(slice.metrics[$0]) } + ["\(slice.items)"]
        }
        let all = ["all", number(evaluation.value)] + further.map { number(evaluation.metrics[$0]) } + [""]
        return TextTable(
            header: [measure.slice, measure.name] + further + ["items"],
            rows: slices + [all]
        ).text
    }
}
