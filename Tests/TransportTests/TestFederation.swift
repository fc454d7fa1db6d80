import Foundation
import Logging
import Synchronization
import Testing

@testable import Transport

/// A provisioned federation in a folder of its own, removed at the end.
final class TestFederation: Sendable {
    let directory: String
    let provisioner: Provisioner
    let name: String

    init(
        _ name: String = "river",
        hosts: [String] = ["127.0.0.1", "localhost"],
        clients: [String] = ["ada", "bob"]
    ) throws {
        self.name = name
        directory = try temporaryDirectory()
        provisioner = Provisioner(directory: directory)
        _ = try provisioner.provision(
            federation: name,
            coordinatorNames: hosts,
            clients: clients,
            now: Date()
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    var coordinatorDirectory: String { "\(directory)/coordinator" }

    func clientDirectory(_ client: String) -> String { "\(directory)/clients/\(client)" }

    func coordinator() throws -> TLSContext { try TLSContext(directory: coordinatorDirectory, now: Date()) }

    func client(_ client: String = "ada", now: Date = Date()) throws -> TLSContext {
        try TLSContext(directory: clientDirectory(client), now: now)
    }

    /// A folder with a certificate of this federation's authority that says whatever a test needs.
    func forge(
        _ folder: String,
        uri: String,
        hosts: String = "",
        purpose: String = "clientAuth,serverAuth",
        lifetime: CertificateLifetime? = nil
    ) throws -> String {
        let authority = try Certificate.readAll(
            pem: SecureFiles.read("\(directory)/ca/ca.crt"),
            path: "ca.crt"
        )[0]
        let authorityKey = try PrivateKey(pem: SecureFiles.read("\(directory)/ca/ca.key"), path: "ca.key")
        let key = try PrivateKey.generate()
        let content = CertificateBuilder.Content(
            commonName: "forged",
            alternativeNames: "URI:\(uri)\(hosts.isEmpty ? "" : ",\(hosts)")",
            purpose: purpose,
            lifetime: lifetime ?? CertificateLifetime(now: Date(), days: 10),
            key: key
        )
        let certificate = try CertificateBuilder.certificate(
            content,
            issuer: authority,
            issuerKey: authorityKey
        )
        let path = "\(directory)/\(folder)"
        try SecureFiles.makeDirectory(path)
        try SecureFiles.create("\(path)/identity.crt", certificate.pem(), mode: 0o644)
        try SecureFiles.create("\(path)/identity.key", key.pem(), mode: 0o600)
        try SecureFiles.create("\(path)/ca.crt", authority.pem(), mode: 0o644)
        try SecureFiles.create(
            "\(path)/crl.pem",
            SecureFiles.read("\(directory)/ca/crl.pem"),
            mode: 0o644
        )
        return path
    }
}

func temporaryDirectory() throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("transport-\(UUID().uuidString)")
        .path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}

/// Keeps the log so that a test can wait for a line.
final class LogRecorder: Sendable {
    struct Line: Sendable {
        let message: String
        let metadata: [String: String]
    }

    private struct State {
        var lines: [Line] = []
        var waiting: [(matches: @Sendable (Line) -> Bool, continuation: CheckedContinuation<Line, Never>)] =
            []
    }

    private let state = Mutex(State())

    var lines: [Line] { state.withLock { $0.lines } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(recorder: self) }
        logger.logLevel = .trace
        return logger
    }

    /// The first line, past or future, that matches. The test's time limit bounds the wait.
    func line(where matches: @escaping @Sendable (Line) -> Bool) async -> Line {
        await withCheckedContinuation { continuation in
            let found = state.withLock { state -> Line? in
                if let line = state.lines.first(where: matches) { return line }
                state.waiting.append((matches, continuation))
                return nil
            }
            if let found { continuation.resume(returning: found) }
        }
    }

    /// The code of the first refused connection.
    func refusal() async -> String {
        await line { $0.message == "connection refused" && $0.metadata["code"] != nil }.metadata["code"] ?? ""
    }

    private func record(_ line: Line) {
        let ready = state.withLock { state in
            state.lines.append(line)
            let ready = state.waiting.filter { $0.matches(line) }
            state.waiting.removeAll { $0.matches(line) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: line) }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            recorder.record(Line(message: "\(event.message)", metadata: all.mapValues { "\($0)" }))
        }
    }
}

/// A count that several tasks share.
final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
}

/// Runs a program to its end on a thread of its own, so that no task waits on the cooperative pool.
func run(_ arguments: [String], input: Data = Data()) async throws -> (status: Int32, output: String) {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread {
            let process = Process()
            let output = Pipe()
            let feed = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = arguments
            process.standardOutput = output
            process.standardError = output
            process.standardInput = feed
            do {
                try process.run()
                try feed.fileHandleForWriting.write(contentsOf: input)
                try feed.fileHandleForWriting.close()
                let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
                process.waitUntilExit()
                continuation.resume(
                    returning: (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
                )
            } catch {
                continuation.resume(throwing: error)
            }
        }
        thread.start()
    }
}

/// Whether a program is there; tests that need it are skipped with a word otherwise.
func isInstalled(_ program: String) -> Bool {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
}
