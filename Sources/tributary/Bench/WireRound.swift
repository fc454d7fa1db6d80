internal import Foundation
internal import Glibc
internal import Ledger
internal import Logging
internal import Nodes
internal import TributaryKit
internal import Transport
internal import Wire

/// A federation that only exchanges: a coordinator and clients in processes of their own on this machine, over mutual
/// TLS, with their states on disk, and a trainer that adds noise.
struct WireRound {
    /// float32 values of the adapter.
    var values = 5_000_000
    /// How many arrays the values are in.
    var arrays = 20
    /// How many clients.
    var clients = 4
    /// How many rounds count; one more runs before them and one behind.
    var rounds = 10
    /// How updates are packed.
    var encoding = TensorEncoding.f32
    /// Where states, identities and logs go.
    var folder: String

    /// What one process used.
    struct Usage {
        /// The most memory that it had, in MiB.
        var peakMiB: Double
        /// Processor time of a round, in seconds: that of the whole process over all rounds.
        var cpuSeconds: Double
    }

    /// What was measured.
    struct Result {
        /// From the beginning of each round to that of the next.
        var seconds: [Double]
        /// Bytes of a round in frames, without TLS and TCP.
        var bytesUp: Int
        var bytesDown: Int
        /// Bytes of a round over the loopback interface, all programs' together.
        var loopbackBytes: Double
        var coordinator: Usage
        var clients: [Usage]
    }

    /// The programs of a bench are this one, started with the node's name and the folder.
    static func node(_ name: String, in folder: String) async throws {
        let layout = RunLayout(root: folder)
        let registry = Registry(trainers: [TrainerEntry(VectorTrainer.self, judge: VectorJudge.self)])
        let logger = StructuredLog.logger(label: name, format: .text, level: .info)
        if name == "coordinator" {
            let process = try CoordinatorProcess(
                topologyFile: layout.topologyFile,
                identity: layout.coordinatorIdentity,
                state: layout.coordinatorState,
                registry: registry,
                logger: logger
            )
            _ = try await process.run()
        } else {
            let process = try ClientProcess(
                topologyFile: layout.topologyFile,
                name: name,
                identity: layout.identity(ofClient: name),
                state: layout.state(ofClient: name),
                dataFile: nil,
                registry: registry,
                logger: logger
            )
            _ = try await process.run()
        }
    }

    /// Runs the federation and measures it.
    func run() throws -> Result {
        let layout = RunLayout(root: folder)
        let files = FileManager.default
        try files.createDirectory(atPath: layout.logs, withIntermediateDirectories: true)
        let names = (0..<clients).map { "client-\($0)" }
        try topology(port: FreePort.find(), names).write(
            toFile: layout.topologyFile,
            atomically: true,
            encoding: .utf8
        )
        _ = try Provisioner(directory: layout.identities).provision(
            federation: "bench",
            coordinatorNames: ["127.0.0.1"],
            clients: names,
            now: Date()
        )
        let before = try Self.loopbackBytes()
        let started = try (["coordinator"] + names).map { name in
            try MeasuredProcess(
                ["bench", "wire", "--node", name, "--folder", folder],
                log: layout.log(of: name)
            )
        }
        var usages: [Usage] = []
        for (process, name) in zip(started, ["coordinator"] + names) {
            let (code, peak, cpu) = process.wait()
            guard code == 0 else {
                for other in started { other.end() }
                throw UpError("\(name) ended with code \(code); see \(layout.log(of: name))", exitCode: code)
            }
            usages.append(Usage(peakMiB: peak, cpuSeconds: cpu / Double(rounds + 2)))
        }
        let ledger = try Ledger.inspect(layout.coordinatorState)
        let begun = try ledger.rounds().map(\.startedMs)
        let traffic = try ledger.traffic().filter { (1..<rounds + 1).contains($0.round) }
        func bytes(_ direction: TrafficDirection) -> Int {
            traffic.filter { $0.direction == direction }.reduce(0) { $0 + $1.bytes } / rounds
        }
        return Result(
            seconds: zip(begun.dropFirst(), begun.dropFirst(2)).map { Double($1 - $0) / 1000 },
            bytesUp: bytes(.up),
            bytesDown: bytes(.down),
            loopbackBytes: Double(try Self.loopbackBytes() - before) / Double(rounds + 2),
            coordinator: usages[0],
            clients: Array(usages.dropFirst())
        )
    }

    /// One round before those that count, and one behind, so that each has a beginning and an end.
    private func topology(port: Int, _ names: [String]) -> String {
        """
        federation: bench
        seed: 1
        coordinator: {host: 127.0.0.1, port: \(port)}
        trainer: {name: vector, settings: {values: \(values), arrays: \(arrays)}}
        rounds: {count: \(rounds + 2), steps: 1, quorum: \(clients)}
        wire: {encoding: \(encoding.rawValue)}
        clients:
        \(names.map { "  - {name: \($0)}" }.joined(separator: "\n"))

        """
    }

    private static func loopbackBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/net/dev", encoding: .utf8)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            if words.first == "lo:", words.count > 9, let bytes = Int(words[9]) { return bytes }
        }
        return 0
    }
}

/// This program in another process, whose memory and processor time the system counts.
final class MeasuredProcess {
    private let id: pid_t
    private var hasEnded = false

    /// Starts it with its output in a file.
    init(_ arguments: [String], log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var words = (["tributary"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, "/proc/self/exe", &actions, nil, &words, environ)
        guard status == 0 else {
            throw UpError("cannot start a process: \(String(cString: strerror(status)))", exitCode: EX_OSERR)
        }
        self.id = id
    }

    /// Ends it at once.
    func end() { if !hasEnded { kill(id, SIGKILL) } }

    /// Waits for its end.
    ///
    /// - Returns: Its exit code, or 128 and the number of the signal that ended it; its peak memory in MiB; its
    ///   processor time in seconds.
    func wait() -> (code: Int32, peakMiB: Double, cpuSeconds: Double) {
        var status: Int32 = 0
        var usage = rusage()
        while wait4(id, &status, 0, &usage) < 0 && errno == EINTR {}
        hasEnded = true
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
        return (code, Double(usage.ru_maxrss) / 1024, seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }
}
