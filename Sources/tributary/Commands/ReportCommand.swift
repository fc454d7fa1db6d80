internal import ArgumentParser
internal import TributaryKit
internal import Contract
internal import FoundationEssentials
internal import Nodes
internal import Report
internal import Trainers

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract:
            "Gathers what a run measured into summary.json and a page, report.html, in the run's folder.",
        discussion: """
            The folder is a whole run's on this machine, a coordinator's --state or a
            client's: of a client's the report holds only what that client knows. Both
            programs make theirs at the end; while they run it can be made at any time.

            Controls below a whole run's folder are shown beside it; without them their
            figures are left out.

            EXAMPLES
              tributary report run/demo
              tributary simulate topologies/demo.yaml --out run/demo/no-swap --pool none
              tributary simulate topologies/demo.yaml --out run/demo/local-only \\
                --local-only
              tributary report run/demo
              tributary report /var/lib/tributary/coordinator
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The folder of a run, as `tributary up` or `tributary simulate` made it, or a state folder.",
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
            let report = try RunReport(reading: folder, .shipped, buildSeconds: buildSeconds) {
                print($0 + "\n")
            }
            try report.write()
            if let summary = report.summary { print(SummaryText(summary: summary).text) }
            report.closing.forEach { print($0) }
        }
    }
}
