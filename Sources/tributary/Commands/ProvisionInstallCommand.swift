internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Transport

struct ProvisionInstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Installs a signed answer beside its key, at the site.",
        discussion: """
            The folder is a whole identity then. An answer for another key or name, or of
            another authority than the folder trusts, is refused and changes nothing.

            EXAMPLES
              tributary provision install ward-5.pem --out /etc/tributary/ward-5
            """
    )

    @Argument(help: ArgumentHelp("The answer to the request, NAME.pem.", valueName: "answer"))
    var answer: String

    @Option(
        help: ArgumentHelp("The folder that `tributary provision request` has made.", valueName: "directory")
    )
    var out: String

    func run() async throws {
        try await Failure.reporting("tributary provision install") {
            try OutputPath.requireFolder(out)
            let (identity, authority) = try Provisioner.install(reply: answer, directory: out, now: Date())
            let day = identity.notAfter.formatted(.iso8601.year().month().day())
            print(
                "installed  \(identity.peer.shortName) of '\(identity.peer.federation)'  until \(day)  \(out)"
            )
            ProvisionCommand.show(fingerprint: authority, of: "the authority's key")
        }
    }
}
