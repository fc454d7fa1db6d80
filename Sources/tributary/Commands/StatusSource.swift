internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Glibc
internal import Ledger
internal import Logging
internal import Nodes
internal import TributaryKit

/// Which federation `status` and `stop` are about: a state directory or a run's folder on this host, or a coordinator
/// somewhere.
struct StatusSource: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The state directory of a coordinator or a client, or the folder of a run.",
            valueName: "directory"
        )
    )
    var directory: String?

    @Option(help: ArgumentHelp("A coordinator somewhere, as clients call it.", valueName: "host:port"))
    var coordinator: String?

    @Option(help: ArgumentHelp("The identity of an operator, for --coordinator.", valueName: "directory"))
    var identity: String?

    func validate() throws {
        guard (directory == nil) != (coordinator == nil) else {
            throw ValidationError("Give a directory, or --coordinator with --identity.")
        }
        guard (coordinator == nil) == (identity == nil) else {
            throw ValidationError("--coordinator and --identity go together.")
        }
        if coordinator != nil { _ = try address() }
    }

    /// Host and port of `--coordinator`; `[::1]:7433` for an IPv6 address.
    func address() throws -> (host: String, port: Int) {
        let text = coordinator ?? ""
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let host = parts.dropLast().joined(separator: ":")
        guard parts.count > 1, !host.isEmpty, let port = Int(parts[parts.count - 1]),
            (1...65_535).contains(port)
        else {
            throw ValidationError(
                "--coordinator: found '\(text)', expected HOST:PORT, such as 10.0.0.1:7433."
            )
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return (isBracketed ? String(host.dropFirst().dropLast()) : host, port)
    }

    /// Connects to `--coordinator`.
    func connect() async throws -> OperatorLink {
        let (host, port) = try address()
        return try await OperatorLink(
            host: host,
            port: port,
            identity: identity ?? "",
            environment: ProcessInfo.processInfo.environment,
            logger: StructuredLog.logger(label: "tributary", format: .text, level: .error)
        )
    }

    /// What a directory of this host holds.
    enum Place {
        /// The state of a coordinator or of a client.
        case state(String)
        /// A run on this host: its coordinator and its clients.
        case run(RunLayout, clients: [String])
    }

    /// Finds out what the directory holds.
    func place() throws -> Place {
        let folder = directory ?? ""
        let there = { FileManager.default.fileExists(atPath: folder + "/" + $0) }
        if there("ledger.sqlite") || there("identity") || there("status.json") { return .state(folder) }
        let layout = RunLayout(root: folder)
        if FileManager.default.fileExists(atPath: layout.coordinatorState) {
            let clients = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/clients")) ?? []
            return .run(layout, clients: clients.sorted())
        }
        guard access(folder, R_OK | X_OK) == 0 || errno != EACCES else {
            throw NodeError(
                .refused,
                "'\(folder)' may not be read by this user; run this as the user that the program runs as"
            )
        }
        throw NodeError(
            .input,
            "'\(folder)' is neither the state directory of a coordinator or a client nor the folder of a run"
        )
    }
}
