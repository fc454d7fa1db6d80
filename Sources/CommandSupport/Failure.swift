internal import ArgumentParser
internal import Glibc
internal import Ledger
internal import Models
internal import Nodes
internal import Tasks
internal import Text
internal import Topology
internal import Trainers
internal import Transport

/// The exit codes of `sysexits.h`, which every Tributary program uses.
public enum Failure {
    /// Runs the body of a command; an error is printed and becomes the exit code that its kind has.
    ///
    /// - Throws: `ExitCode`.
    public static func reporting(_ program: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let code as ExitCode {
            throw code
        } catch let error as CleanExit {
            throw error
        } catch let error as ValidationError {
            throw error
        } catch {
            let line = Array("\(program): \(error)\n".utf8)
            _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            throw ExitCode(code(of: error))
        }
    }

    /// The exit code of an error's kind.
    public static func code(of error: any Error) -> Int32 {
        switch error {
        case is TopologyError, is SettingsFault: EX_CONFIG
        case let error as LedgerError: code(of: error)
        case let error as NodeError: code(of: error.kind)
        case is IdentityError: EX_CONFIG
        case is TransportError: EX_UNAVAILABLE
        case CheckpointError.inaccessible, DataError.unreadable: EX_NOINPUT
        case is CheckpointError, is DataError, is TokenizerError, is AdapterError, is DrawError: EX_DATAERR
        default: EX_SOFTWARE
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
