internal import ArgumentParser
internal import Foundation
internal import TributaryKit
internal import Wire

struct BenchWireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire",
        abstract: "Measures rounds of exchange alone: adapters down and updates up, over TLS.",
        discussion: """
            A coordinator and its clients in processes of their own on this machine, with
            mutual TLS and with their states on disk; the trainer adds noise to a vector. A
            run is a federation of some rounds, its figure their median; memory is the
            coordinator's. --against sockets exchanges the same float32 over bare TLS sockets
            in Python, which check nothing and keep nothing.

            EXAMPLES
              tributary bench wire
              tributary bench wire --encodings f32,bf16,int8 --rounds 10
              tributary bench wire --against sockets --peers peers --out run/bench-wire.json
            """
    )

    @Option(help: ArgumentHelp("How many float32 values the adapter has.", valueName: "number"))
    var values = 5_000_000

    @Option(help: ArgumentHelp("How many arrays they are in.", valueName: "number"))
    var arrays = 20

    @Option(help: ArgumentHelp("How many clients.", valueName: "number"))
    var clients = 4

    @Option(help: ArgumentHelp("How many rounds of a run count.", valueName: "number"))
    var rounds = 5

    @Option(help: ArgumentHelp("How updates are packed, with commas: f32, bf16, int8.", valueName: "names"))
    var encodings = "f32"

    /// Which node this process is, of a run that another process measures.
    @Option(help: .hidden)
    var node: String?

    /// Where that run's states are.
    @Option(help: .hidden)
    var folder: String?

    @OptionGroup var options: BenchOptions

    private var chosen: [TensorEncoding] {
        encodings.split(separator: ",").compactMap { TensorEncoding(rawValue: String($0)) }
    }

    func validate() throws {
        try FlagRange.require(rounds, in: 1...10_000, "rounds")
        try FlagRange.require(clients, in: 1...1_000, "clients")
        let names = encodings.split(separator: ",", omittingEmptySubsequences: false)
        guard arrays > 0, values > 0, values % arrays == 0, chosen.count == names.count else {
            throw ValidationError("values: a multiple of arrays; encodings: f32, bf16 or int8, with commas.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary bench wire") {
            if let node, let folder { return try await WireRound.node(node, in: folder) }
            if options.serve { return try BenchServer.serve(figures) }
            let peers = try options.peers(known: ["sockets"])
            try options.compare("wire") { try chosen.map { try work($0, against: peers) } }
        }
    }

    private func work(_ encoding: TensorEncoding, against peers: [String]) throws -> BenchWork {
        let sizes = ["--values", "\(values)", "--rounds", "\(rounds)", "--clients", "\(clients)"]
        let own = ["wire", "--arrays", "\(arrays)", "--encodings", encoding.rawValue] + sizes
        var sides = [
            BenchSide(name: "tributary", family: "tributary", command: try options.own(own))
        ]
        if peers.contains("sockets"), encoding == .f32 {
            let command = try options.peer(
                "wire_sockets.py",
                "--values",
                "\(values)",
                "--rounds",
                "\(rounds + 1)",
                "--clients",
                "\(clients)"
            )
            sides.append(BenchSide(name: "sockets", family: "sockets", command: command, isOwn: false))
        }
        return BenchWork(
            name: "a round of \(values) values, \(clients) clients, \(encoding.rawValue)",
            figure: "s/round",
            isRate: false,
            sides: sides
        )
    }

    private func figures() throws -> [String: Double] {
        let root = FileManager.default.temporaryDirectory.appending(path: "tributary-bench-wire-\(getpid())")
            .path
        defer { try? FileManager.default.removeItem(atPath: root) }
        let found = try WireRound(
            values: values,
            arrays: arrays,
            clients: clients,
            rounds: rounds,
            encoding: chosen[0],
            folder: root
        ).run()
        return [
            "s/round": found.seconds.median ?? 0,
            "frames up, MB/round": Double(found.bytesUp) / 1e6,
            "frames down, MB/round": Double(found.bytesDown) / 1e6,
            "loopback MB/round": found.loopbackBytes / 1e6,
            "peakMiB": found.coordinator.peakMiB,
            "coordinator, MiB": found.coordinator.peakMiB,
            "client, MiB": found.clients.map(\.peakMiB).max() ?? 0,
            "coordinator, CPU s/round": found.coordinator.cpuSeconds,
            "clients, CPU s/round": found.clients.reduce(0) { $0 + $1.cpuSeconds },
        ]
    }
}
