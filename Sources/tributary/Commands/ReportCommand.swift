internal import ArgumentParser
internal import TributaryKit
internal import Contract
internal import Foundation
internal import Nodes
internal import Report
internal import Topology
internal import Trainers

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract:
            "Gathers what a run measured into summary.json and a page, report.html, in the run's folder.",
        discussion: """
            Controls below the run's folder are shown beside it; without them their
            figures are left out.

            EXAMPLES
              tributary report run/demo
              tributary simulate topologies/demo.yaml --out run/demo/no-swap --pool none
              tributary simulate topologies/demo.yaml --out run/demo/local-only \\
                --local-only
              tributary report run/demo
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The folder of a run, as `tributary up` or `tributary simulate` made it.",
            valueName: "run"
        )
    )
    var folder: String

    @Option(help: ArgumentHelp("How long the build took, for the record.", valueName: "seconds"))
    var buildSeconds: Double?

    func validate() throws {
        guard buildSeconds.map({ $0.isFinite && $0 >= 0 }) ?? true else {
            throw ValidationError("build-seconds: at least 0.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary report") {
            let layout = RunLayout(root: folder)
            let record = try RunRecord.read(layout)
            let builder = SummaryBuilder(
                run: record,
                controls: try Controls.read(layout, of: record),
                topologyName: layout.topologyFile,
                modelParameters: ReportCommand.parameterCount(record.topology),
                buildSeconds: buildSeconds
            )
            let summary = try builder.summary()
            let page = layout.root + "/report.html"
            try Data(summary.json()).write(
                to: URL(filePath: layout.root + "/summary.json"),
                options: .atomic
            )
            try Data(ReportPage(summary).html().utf8).write(to: URL(filePath: page), options: .atomic)
            print(SummaryText(summary: summary).text)
            print("report: \(page)")
        }
    }

    /// What a full synchronisation would send; nil where there is nothing to compare with, where the model's files
    /// are not here, as a report may be made on another host, and for a trainer of another program.
    private static func parameterCount(_ topology: Topology) -> Int? {
        guard Registry.shipped.trainers.contains(where: { $0.name == topology.trainer.name }) else {
            return nil
        }
        do {
            return try Job(topology, .shipped).parameterCount()
        } catch {
            print("The base model is not here (\(error)); the full-model figure is left out.\n")
            return nil
        }
    }
}
