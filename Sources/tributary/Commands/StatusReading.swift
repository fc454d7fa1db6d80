internal import Contract
internal import Foundation
internal import Ledger
internal import Nodes

/// A status with what is known of its process, for people and as JSON.
struct StatusReading {
    private enum Status {
        case coordinator(RunStatus)
        case client(ClientStatus)
        /// Nothing was written yet.
        case none
    }

    private let status: Status
    /// The process that has the state open; nil if none has, or if it is somewhere else.
    private let process: Int32?
    /// Whether a process is at work.
    let isRunning: Bool
    /// Where the state is; nil for one from afar.
    private let folder: String?
    /// The clients of a run on this host, with their processes.
    private var clients: [(name: String, process: Int32?)] = []

    /// What a coordinator somewhere has said.
    init(coordinator: RunStatus, process: Int32?) {
        status = .coordinator(coordinator)
        self.process = process
        isRunning = true
        folder = nil
    }

    /// Reads a state directory.
    ///
    /// - Throws: `NodeError` for a status that cannot be read.
    init(state folder: String) throws {
        self.folder = folder
        process = LockHolder(of: folder)?.process
        isRunning = LockHolder.isLocked(folder)
        let file = folder + "/status.json"
        if let read = RunStatus.read(from: file) {
            status = .coordinator(read)
        } else if let read = ClientStatus.read(from: file) {
            status = .client(read)
        } else if FileManager.default.fileExists(atPath: file) {
            throw NodeError(.data, "\(file) is no status that this version can read")
        } else {
            status = .none
        }
    }

    /// The same with the processes of a run's clients.
    func adding(processes: [(name: String, process: Int32?)]) -> StatusReading {
        var reading = self
        reading.clients = processes
        return reading
    }

    /// Whether the run is over.
    var isFinished: Bool {
        switch status {
        case .coordinator(let status): status.phase == .finished
        case .client(let status): status.finished
        case .none: false
        }
    }

    /// What is different when there is something to say again.
    var key: String { lines(now: nil).joined(separator: "\n") }

    /// One line of JSON.
    func json() throws -> String {
        switch status {
        case .coordinator(let status): try json("coordinator", status)
        case .client(let status): try json("client", status)
        case .none: try json("none", String?.none)
        }
    }

    private struct Line<Status: Encodable>: Encodable {
        let kind: String
        let process: Int32?
        let running: Bool
        let status: Status
    }

    private func json(_ kind: String, _ status: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(kind: kind, process: process, running: isRunning, status: status)
        return String(decoding: try encoder.encode(line), as: UTF8.self)
    }

    /// Lines for people, at most about 100 columns wide.
    ///
    /// - Parameter now: The time, to say how long ago something was; nil leaves that out.
    func lines(now: Date?) -> [String] {
        let state =
            isRunning
            ? (process.map { "running, process \($0)" } ?? "running")
            : (isFinished ? "ended" : "NOT RUNNING")
        switch status {
        case .coordinator(let status):
            return StatusText.lines(status, state, now, isAfar: folder == nil) + processes
        case .client(let status): return StatusText.lines(status, state, now, folder: folder)
        case .none: return ["\(folder ?? ""): nothing has been reported yet (\(state))"]
        }
    }

    private var processes: [String] {
        clients.filter { $0.process == nil && !isFinished }.map { "client \($0.name) is not running here" }
    }
}
