internal import Foundation
internal import TributaryKit

/// One process of a federation on this machine: what it is called, where its log goes, how it ended.
///
/// Full Foundation, because `Process` is only there.
final class ChildProcess {
    /// What people call it: `coordinator`, or the client's name.
    let name: String
    /// The file that takes its standard output and error.
    let logFile: String
    private let process = Process()

    /// Prepares a process.
    ///
    /// - Parameters:
    ///   - name: What people call it.
    ///   - executable: The program, an absolute path.
    ///   - arguments: Its arguments.
    ///   - threads: Threads for OpenBLAS, which reads the variable before `main`.
    ///   - logFile: Where its output goes; appended to.
    init(name: String, executable: String, arguments: [String], threads: Int, logFile: String) {
        self.name = name
        self.logFile = logFile
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["OPENBLAS_NUM_THREADS"] = String(threads)
        process.environment = environment
    }

    /// Starts it.
    func start() throws {
        if !FileManager.default.fileExists(atPath: logFile) {
            _ = FileManager.default.createFile(atPath: logFile, contents: nil)
        }
        guard let log = FileHandle(forWritingAtPath: logFile) else {
            throw UpError("cannot write the log file \(logFile)", exitCode: EX_CANTCREAT)
        }
        log.seekToEndOfFile()
        process.standardOutput = log
        process.standardError = log
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    /// Whether it runs now.
    var isRunning: Bool { process.isRunning }

    /// Its exit code; nil while it runs. A signal counts as 128 + its number, as shells do.
    var exitCode: Int32? {
        guard !process.isRunning else { return nil }
        return process.terminationReason == .exit
            ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Asks it to drain (SIGTERM).
    func terminate() {
        if process.isRunning { process.terminate() }
    }

    /// Ends it at once (SIGKILL).
    func kill() {
        if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
    }

    /// The last lines of its log.
    func lastLines(_ count: Int) -> String {
        guard let data = FileManager.default.contents(atPath: logFile) else { return "" }
        let lines = String(decoding: data.suffix(16_384), as: UTF8.self).split(separator: "\n")
        return lines.suffix(count).joined(separator: "\n")
    }
}

/// Why a federation on this machine could not run.
struct UpError: ExitCodeBearing, CustomStringConvertible {
    let description: String
    /// What the process that failed ended with; nil if none has.
    let exitCode: Int32?

    init(_ description: String, exitCode: Int32? = nil) {
        self.description = description
        self.exitCode = exitCode
    }
}
