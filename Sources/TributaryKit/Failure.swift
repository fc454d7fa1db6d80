internal import ArgumentParser
internal import Glibc
internal import Contract
internal import Ledger
internal import Nodes
internal import Rounds
internal import Tensors
internal import Transport
internal import Wire

/// Runs a command as the whole of this process.
enum Program {
    /// Parses the arguments, runs the body, and exits with a code of sysexits.h if either fails.
    static func run<Command: ParsableCommand>(
        _ type: Command.Type,
        _ body: (Command) async throws -> Void
    ) async {
        do {
            try await body(Command.parse())
        } catch {
            Command.exit(withError: error)
        }
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
    /// - Throws: `ExitCode`.
    package static func reporting(_ program: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let code as ExitCode {
            throw code
        } catch let error as CleanExit {
            throw error
        } catch let error as ValidationError {
            throw error
        } catch {
            LogWriter.standardError.write("\(program): \(error)")
            throw ExitCode(code(of: error))
        }
    }

    /// The exit code of an error's kind.
    package static func code(of error: any Error) -> Int32 {
        switch error {
        case let error as any ExitCodeBearing: error.exitCode ?? EX_SOFTWARE
        case let error as any GivenFault: code(of: error.faultKind)
        case let error as LedgerError: code(of: error)
        case let error as NodeError: error.underlying.map { code(of: $0) } ?? code(of: error.kind)
        case is IdentityError, is ComputeError: EX_CONFIG
        case let error as TransportError: code(of: error)
        // What peers send wrong never gets here; these are files of the state.
        case is SnapshotFault, is WireError, is RecordFault, is DecodingError, is AdapterFault: EX_DATAERR
        default: EX_SOFTWARE
        }
    }

    private static func code(of kind: FaultKind) -> Int32 {
        switch kind {
        case .configuration: EX_CONFIG
        case .missingInput: EX_NOINPUT
        case .data: EX_DATAERR
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
