package import ArgumentParser
internal import Glibc
internal import Contract
internal import Ledger
internal import Nodes
internal import Rounds
internal import Tensors
internal import Transport
internal import Wire

/// Runs a command as the whole of this process.
package enum Program {
    /// Parses the arguments, runs the body, and exits with a code of sysexits.h if either fails.
    static func run<Command: ParsableCommand>(
        _ type: Command.Type,
        _ body: (Command) async throws -> Void
    ) async {
        do {
            try await body(Command.parse())
        } catch {
            end(type, error)
        }
    }

    /// Parses the arguments, runs the subcommand that they name, and exits with a code of sysexits.h if either fails.
    package static func run(_ root: (some ParsableCommand).Type) async {
        do {
            var command = try root.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            end(root, error)
        }
    }

    /// Exits; where the log is JSON, wrong arguments are a line of it too.
    private static func end(_ type: (some ParsableCommand).Type, _ error: any Error) -> Never {
        let code = type.exitCode(for: error).rawValue
        let isTold = error is ExitCode
        guard code != 0, !isTold, wantsJSON(CommandLine.arguments) else { type.exit(withError: error) }
        let line = StructuredLog.fatalLine(
            program: type._commandName,
            message: type.message(for: error),
            exitCode: code
        )
        LogWriter.standardError.write(line)
        exit(code)
    }

    /// Whether arguments ask for a log of JSON lines; known before they are parsed, since that can fail.
    static func wantsJSON(_ arguments: [String]) -> Bool {
        arguments.contains("--log-format=json")
            || zip(arguments, arguments.dropFirst()).contains { $0 == "--log-format" && $1 == "json" }
    }
}

/// An error that knows the exit code itself, such as that of a process that failed.
package protocol ExitCodeBearing: Error {
    /// The code; nil for that of a fault of the program.
    var exitCode: Int32? { get }
}

/// The exit codes of `sysexits.h`, which every Tributary program uses.
package enum Failure {
    /// Runs the body of a command; an error is printed and becomes the exit code that its kind has.
    ///
    /// - Parameters:
    ///   - program: Its name, with the subcommand's.
    ///   - log: How it logs, where it does: the error is a line of the log then.
    ///   - body: What it does.
    /// - Throws: `ExitCode`.
    package static func reporting(
        _ program: String,
        log: LogOptions? = nil,
        _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
        } catch let code as ExitCode {
            throw code
        } catch let error as CleanExit {
            throw error
        } catch let error as ValidationError {
            throw error
        } catch {
            let code = code(of: error)
            let message = FaultText.sentence(error)
            LogWriter.standardError.write(
                log?.logFormat == .json
                    ? StructuredLog.fatalLine(program: program, message: message, exitCode: code)
                    : "\(program): \(message)"
            )
            throw ExitCode(code)
        }
    }

    /// The exit code of an error's kind.
    package static func code(of error: any Error) -> Int32 {
        switch error {
        case let error as any ExitCodeBearing: error.exitCode ?? EX_SOFTWARE
        case let error as any GivenFault: code(of: error.faultKind)
        case let error as LedgerError: code(of: error)
        case let error as NodeError: error.underlying.map { code(of: $0) } ?? code(of: error.kind)
        case let error as IdentityError: error.code == .unwritable ? EX_CANTCREAT : EX_CONFIG
        case is ComputeError: EX_CONFIG
        case let error as TransportError: code(of: error)
        // What peers send wrong never gets here; these are files of the state.
        case let error as WireError: error.code == .storage ? EX_IOERR : EX_DATAERR
        case is SnapshotFault, is RecordFault, is DecodingError, is AdapterFault: EX_DATAERR
        default: FaultText.errno(of: error).map { code(ofSystem: $0) } ?? EX_SOFTWARE
        }
    }

    /// A failed call of the system that nobody gave words to.
    private static func code(ofSystem number: Int32) -> Int32 {
        switch number {
        case ENOENT: EX_NOINPUT
        case ENOSPC, EDQUOT, EFBIG, EIO, EPIPE: EX_IOERR
        default: EX_CANTCREAT
        }
    }

    private static func code(of kind: FaultKind) -> Int32 {
        switch kind {
        case .configuration: EX_CONFIG
        case .missingInput: EX_NOINPUT
        case .data: EX_DATAERR
        case .uncreatable: EX_CANTCREAT
        case .inputOutput: EX_IOERR
        }
    }

    private static func code(of error: LedgerError) -> Int32 {
        switch error.code {
        case .otherIdentity: EX_CONFIG
        case .notFound: EX_NOINPUT
        case .inUse: EX_TEMPFAIL
        case .corrupt, .conflict: EX_DATAERR
        default: EX_IOERR
        }
    }

    /// What may heal is `EX_UNAVAILABLE`, so that a service tries again; what cannot is not.
    private static func code(of error: TransportError) -> Int32 {
        switch error.code {
        case .ownCertificateRevoked, .ownIdentityRefused, .proxyAuthentication: EX_NOPERM
        case .addressInUse: EX_UNAVAILABLE
        case .internalFailure: EX_SOFTWARE
        default: error.outlook == .lasting ? EX_CONFIG : EX_UNAVAILABLE
        }
    }

    private static func code(of kind: NodeError.Kind) -> Int32 {
        switch kind {
        case .configuration: EX_CONFIG
        case .input: EX_NOINPUT
        case .data: EX_DATAERR
        case .refused: EX_NOPERM
        case .unavailable: EX_UNAVAILABLE
        case .failed: EX_SOFTWARE
        }
    }
}
