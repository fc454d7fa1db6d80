internal import Aggregation
internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Logging
internal import Nodes
internal import Report
internal import Topology
internal import Trainers

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract:
            "Runs a federation in this one process; it ends with the same adapter as its processes would.",
        discussion: """
            The same nodes, messages and files as on several hosts, connected in memory.
            The options are the controls that a federation is compared with.

            EXAMPLES
              tributary simulate topologies/demo.yaml --out run/simulated
              tributary simulate topologies/demo.yaml --out run/no-swap --pool none
              tributary simulate topologies/demo.yaml --out run/local-only --local-only
            """
    )

    @Argument(help: "The topology file.")
    var topology: String

    @Option(help: ArgumentHelp("Where the run goes.", valueName: "directory"))
    var out: String

    @Option(help: ArgumentHelp("Another pool rule: balanced, none, random or replaceAll.", valueName: "rule"))
    var pool: String?

    @Option(help: ArgumentHelp("Another seed.", valueName: "number"))
    var seed: UInt64?

    @Flag(help: "No federation: each client trains alone on its own data.")
    var localOnly = false

    @Option(help: ArgumentHelp("A file as the first client's private data.", valueName: "file"))
    var data: String?

    @OptionGroup var compute: ComputeOptions

    @OptionGroup var log: LogOptions

    func run() async throws {
        try await Failure.reporting("tributary simulate", log: log) {
            try OutputPath.requireFolder(out)
            let file = topology
            var topology = try Job.load(file, .shipped).topology
            if let pool {
                guard PoolRules.names.contains(pool) else {
                    let known = PoolRules.names.joined(separator: ", ")
                    throw ValidationError("There is no pool rule '\(pool)'; there are \(known).")
                }
                topology.pool = pool
            }
            if let seed { topology.seed = seed }
            if let threads = compute.threads {
                topology.coordinator.threads = threads
                for index in topology.clients.indices { topology.clients[index].threads = threads }
            }
            let layout = try RunLayout.named(out)
            let job = try Job(topology, .shipped)
            let record = try DataRecord(of: topology, dataFile: data)
            _ = try LocalRun.earlier(job, record, in: layout, named: file)
            try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
            try topology.resolvedYAML.write(toFile: layout.topologyFile, atomically: true, encoding: .utf8)
            try record.write(to: layout.dataRecord)
            var files: [String: String] = [:]
            if let data, let first = topology.clients.first { files[first.name] = data }
            if localOnly {
                try await trainAlone(job, files, layout)
            } else {
                try await federate(job, files, layout)
            }
        }
    }

    private func federate(_ job: Job, _ files: [String: String], _ layout: RunLayout) async throws {
        var quiet = log.logger(label: "simulate")
        if quiet.logLevel == .info { quiet.logLevel = .warning }
        let federation = SimulatedFederation(job, layout: layout, dataFiles: files, logger: quiet)
        let watching = Task {
            var display = ProgressDisplay()
            while !Task.isCancelled {
                do { try await Task.sleep(for: .milliseconds(500)) } catch { break }
                if let status = RunStatus.read(from: layout.statusFile) { display.show(status) }
            }
            if let status = RunStatus.read(from: layout.statusFile) { display.show(status) }
        }
        defer { watching.cancel() }
        try await federation.run()
        watching.cancel()
        await watching.value
    }

    private func trainAlone(_ job: Job, _ files: [String: String], _ layout: RunLayout) async throws {
        var quiet = log.logger(label: "simulate")
        if quiet.logLevel == .info { quiet.logLevel = .warning }
        let run = LocalOnlyRun(job, dataFiles: files, logger: quiet)
        let results = try await run.run(parallel: ProcessInfo.processInfo.activeProcessorCount) { result in
            let measure = result.evaluation.measure
            ProgressDisplay.write(
                "local only  \(result.client)  round \(result.round + 1)  \(measure.name) over everything "
                    + "\(ScoreText.text(result.evaluation.value, measure))\n"
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(results).write(
            to: URL(fileURLWithPath: layout.root + "/results.json"),
            options: .atomic
        )
    }
}
