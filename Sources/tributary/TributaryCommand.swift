internal import ArgumentParser
internal import Nodes
internal import TributaryKit

@main
struct TributaryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tributary",
        abstract: "Federated training for organisations that must not share data.",
        discussion: """
            The executables `coordinator` and `client` run a federation on several
            hosts; this one prepares, simulates and looks at federations, and trains and
            tries models.

            A FEDERATION ON THIS MACHINE, from nothing to a report
              tributary validate topologies/demo.yaml
              tributary up topologies/demo.yaml --out run/demo
              tributary report run/demo
            """,
        version: ProgramVersion.text(of: "tributary"),
        subcommands: [
            ProvisionCommand.self, UpCommand.self, StatusCommand.self, StopCommand.self, SimulateCommand.self,
            ReportCommand.self,
            EvaluateCommand.self,
            GenerateCommand.self, ConvertCommand.self, PretrainCommand.self, TrajectoriesCommand.self,
            MacrostatesCommand.self,
            FeaturesCommand.self, NetworkCommand.self,
            ReproduceCommand.self, BenchCommand.self, InspectCommand.self, ValidateCommand.self,
        ]
    )

    static func main() async { await Program.run(Self.self) }
}
