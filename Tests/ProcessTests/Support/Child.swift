import Foundation
import Synchronization

/// One process that a test started. Its output goes to a file; its end can be awaited without blocking a thread.
final class Child: Sendable {
    /// What its output says so far.
    var output: String {
        String(decoding: FileManager.default.contents(atPath: outputFile) ?? Data(), as: UTF8.self)
    }

    /// How it ended: its exit code, or 128 + the signal; nil while it runs.
    var exitCode: Int32? { state.withLock { $0.code } }

    let pid: Int32
    let outputFile: String

    private struct State {
        var code: Int32?
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: `coordinator`, `client` or `tributary`, or an absolute path.
    ///   - arguments: Its arguments.
    ///   - environment: Changes to this process's environment; nil takes a variable away.
    ///   - outputFile: Takes standard output and error, appended.
    init(_ program: String, _ arguments: [String], environment: [String: String?] = [:], outputFile: String)
        throws
    {
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: program.hasPrefix("/") ? program : try Programs.path(program)
        )
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment
        variables["OPENBLAS_NUM_THREADS"] = "1"
        for (name, value) in environment { variables[name] = value }
        process.environment = variables
        if !FileManager.default.fileExists(atPath: outputFile) {
            _ = FileManager.default.createFile(atPath: outputFile, contents: nil)
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: outputFile))
        try file.seekToEnd()
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        self.outputFile = outputFile
        let ended = Mutex<(@Sendable (Int32) -> Void)?>(nil)
        let early = Mutex<Int32?>(nil)
        process.terminationHandler = { process in
            let code =
                process.terminationReason == .exit
                ? process.terminationStatus : 128 + process.terminationStatus
            let deliver = ended.withLock { deliver in
                if deliver == nil { early.withLock { $0 = code } }
                return deliver
            }
            deliver?(code)
        }
        try process.run()
        try file.close()
        pid = process.processIdentifier
        let missed = ended.withLock { deliver in
            deliver = { [weak self] in self?.end($0) }
            return early.withLock { $0 }
        }
        if let missed { end(missed) }
    }

    private func end(_ code: Int32) {
        let waiting = state.withLock { state in
            state.code = code
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume(returning: code) }
    }

    /// Waits for its end; if the test is cancelled, at its time limit, the process is killed.
    func exit() async -> Int32 {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let code = state.withLock { state in
                    if state.code == nil { state.waiting.append(continuation) }
                    return state.code
                }
                if let code { continuation.resume(returning: code) }
            }
        } onCancel: {
            send(SIGKILL)
        }
    }

    /// Sends a signal, unless it has ended.
    func send(_ signal: Int32) {
        if exitCode == nil { kill(pid, signal) }
    }

    /// Kills it as a power cut would and waits until it is gone.
    func killNow() async {
        send(SIGKILL)
        _ = await exit()
    }
}
