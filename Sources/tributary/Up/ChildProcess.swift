internal import Foundation
internal import TributaryKit

/// One process of a federation on this machine: what it is called, where its log goes, how it is started and ended.
///
/// Full Foundation, because `Process` is only there.
final class ChildProcess {
    /// What people call it: `coordinator`, or the client's name.
    let name: String
    /// The file that takes its standard output and error.
    let logFile: String
    private let executable: String
    private let arguments: [String]
    private let threads: Int
    /// The newest process; nil before the first start.
    private var process: Process?

    /// Prepares a process.
    ///
    /// - Parameters:
    ///   - name: What people call it.
    ///   - executable: The program, an absolute path.
    ///   - arguments: Its arguments.
    ///   - threads: Threads that compute, for OpenBLAS too, which reads the variable before `main`.
    ///   - logFile: Where its output goes; appended to.
    init(name: String, executable: String, arguments: [String], threads: Int, logFile: String) {
        self.name = name
        self.executable = executable
        self.arguments = arguments
        self.threads = threads
        self.logFile = logFile
    }

    /// Starts it, for the first time or again.
    ///
    /// - Parameters:
    ///   - lifeline: Ends with this process, and the child then drains.
    ///   - ended: Called once, when it has ended, with its exit code; a signal counts as 128 + its number, as shells do.
    func start(on lifeline: Lifeline, ended: @escaping @Sendable (Int32) -> Void) throws {
        if !FileManager.default.fileExists(atPath: logFile) {
            _ = FileManager.default.createFile(atPath: logFile, contents: nil)
        }
        guard let log = FileHandle(forWritingAtPath: logFile) else {
            throw UpError("cannot write the log file \(logFile)", exitCode: EX_CANTCREAT)
        }
        log.seekToEndOfFile()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["OPENBLAS_NUM_THREADS"] = String(threads)
        process.environment = environment
        process.standardOutput = log
        process.standardError = log
        process.standardInput = lifeline.childEnd
        process.terminationHandler = { process in
            ended(
                process.terminationReason == .exit
                    ? process.terminationStatus : 128 + process.terminationStatus
            )
        }
        self.process = process
        try process.run()
    }

    /// Asks it to drain (SIGTERM).
    func terminate() { send(SIGTERM) }

    /// Ends it at once (SIGKILL).
    func kill() { send(SIGKILL) }

    private func send(_ signal: Int32) {
        guard let process, process.isRunning else { return }
        Glibc.kill(process.processIdentifier, signal)
    }

    /// The last lines of its log.
    func lastLines(_ count: Int) -> String {
        guard let data = FileManager.default.contents(atPath: logFile) else { return "" }
        let lines = String(decoding: data.suffix(16_384), as: UTF8.self).split(separator: "\n")
        return lines.suffix(count).joined(separator: "\n")
    }
}

/// A pipe that ends with this process, however that ends: children that have its other end as standard input notice.
final class Lifeline {
    /// What children get as standard input.
    let childEnd: FileHandle
    private var ownEnd: Int32

    /// Opens the pipe. No child inherits the end that keeps it open.
    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw UpError("no pipe: \(String(cString: strerror(errno)))", exitCode: EX_OSERR)
        }
        childEnd = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        ownEnd = ends[1]
    }

    deinit { cut() }

    /// Ends it now: all children drain. Unlike a signal it reaches those that are only just starting.
    func cut() {
        if ownEnd >= 0 { close(ownEnd) }
        ownEnd = -1
    }
}

/// Why a federation on this machine could not run, or not as it should have.
struct UpError: ExitCodeBearing, CustomStringConvertible {
    let description: String
    /// What the process that failed ended with; nil if none has.
    let exitCode: Int32?

    init(_ description: String, exitCode: Int32? = nil) {
        self.description = description
        self.exitCode = exitCode
    }
}
