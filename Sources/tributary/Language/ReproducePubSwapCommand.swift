internal import ArgumentParser
internal import TributaryKit
internal import Digest
internal import Foundation
internal import Logging
internal import Nodes
internal import Report
internal import Topology

struct ReproducePubSwapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pubswap",
        abstract:
            "PubSwap in small: all methods with the same seeds, differences in pairs.",
        discussion: """
            PubSwap (arXiv:2604.12160) on arithmetic, with its controls. Every run takes
            the same number of optimiser steps. Finished runs are kept in results.jsonl;
            the same command goes on where it was stopped.

            METHODS: \(ReproductionMethod.allCases.map(\.rawValue).joined(separator: ", "))

            EXAMPLES
              tributary reproduce pubswap --out run/pubswap
              tributary reproduce pubswap --out run/pubswap-hard --preset hard \\
                --steps 6,30,60 --seeds 10
              tributary reproduce pubswap --out run/mine --topology my.yaml \\
                --methods balanced,none
            """
    )

    enum Presets: String, ExpressibleByArgument, CaseIterable { case `default`, hard, both }

    @Option(help: ArgumentHelp("Where results and report go.", valueName: "directory"))
    var out: String

    @Option(help: ArgumentHelp("Run seeds 1 to this.", valueName: "number"))
    var seeds = 5

    @Option(help: ArgumentHelp("default, hard or both.", valueName: "preset"))
    var preset = Presets.default

    @Option(help: ArgumentHelp("A topology file in place of a preset.", valueName: "file"))
    var topology: String?

    @Option(help: ArgumentHelp("Methods separated by commas; all if not given.", valueName: "list"))
    var methods: String?

    @Option(
        help: ArgumentHelp("Steps of a round, separated by commas; the budget stays.", valueName: "list")
    )
    var steps: String?

    @Option(help: ArgumentHelp("FedProx's weight μ.", valueName: "number"))
    var proximalWeight = 0.001

    @Option(help: ArgumentHelp("Runs at the same time; as many as cores if not given.", valueName: "number"))
    var jobs: Int?

    @OptionGroup var log: LogOptions

    func validate() throws {
        try FlagRange.require(seeds, in: 1...1000, "seeds")
        try FlagRange.require(jobs ?? 1, in: 1...256, "jobs")
        try FlagRange.require(proximalWeight, in: 1e-12...1e6, "proximal-weight")
    }

    func run() async throws {
        try await Failure.reporting("tributary reproduce pubswap", log: log) {
            try OutputPath.requireFolder(out)
            let plan = try plan()
            let cells = try plan.cells()
            try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
            let file = try ResultsFile(out + "/results.jsonl")
            let work = out + "/work"
            // Whatever is there belongs to runs that were stopped: nobody else has the results file open.
            try ReproducePubSwapCommand.removeIfThere(work)
            var quiet = log.logger(label: "reproduce")
            if quiet.logLevel == .info { quiet.logLevel = .warning }
            let runner = CellRunner(folder: work, logger: quiet)
            let began = ContinuousClock.now
            let known = cells.count { file.result(of: $0) != nil }
            ReproducePubSwapCommand.say("\(cells.count) runs, \(known) of them finished before")
            let run = ReproductionRun(
                cells: cells,
                jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount,
                run: { try await runner.run($0) },
                progress: { result, finished, left in
                    let elapsed = Double((ContinuousClock.now - began).components.seconds)
                    let rest = elapsed / Double(finished - known) * Double(left)
                    ReproducePubSwapCommand.say(
                        ReproducePubSwapCommand.line(result, finished, cells.count, rest)
                    )
                }
            )
            let results = try await run.complete(file)
            try ReproducePubSwapCommand.removeIfThere(work)
            try write(ReproductionTables(plan: plan, results: results).reproduction())
        }
    }

    /// Unbuffered, so that a log file shows progress too.
    private static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    private static func removeIfThere(_ folder: String) throws {
        guard FileManager.default.fileExists(atPath: folder) else { return }
        try FileManager.default.removeItem(atPath: folder)
    }

    private func write(_ reproduction: Reproduction) throws {
        let report = ReproductionReport(reproduction)
        let page = out + "/reproduction.html"
        try Data(report.json()).write(to: URL(filePath: out + "/reproduction.json"), options: .atomic)
        try Data(report.html().utf8).write(to: URL(filePath: page), options: .atomic)
        ReproducePubSwapCommand.say("")
        ReproducePubSwapCommand.say(report.text())
        ReproducePubSwapCommand.say("What this can show: \(ReproductionTables.shown)\n")
        ReproducePubSwapCommand.say("What it cannot: \(ReproductionTables.notShown)\n")
        ReproducePubSwapCommand.say("report: \(page)")
    }

    private static func line(_ result: CellResult, _ finished: Int, _ all: Int, _ rest: Double) -> String {
        let minutes = Int((rest / 60).rounded(.up))
        return "[\(finished)/\(all)] \(result.setup), S \(result.steps), seed \(result.seed), "
            + "\(result.method.title): pass@1 \(ProgressDisplay.fixed(result.passAt1.overall, 3)) in "
            + "\(ProgressDisplay.fixed(result.seconds, 1)) s"
            + (rest > 0 ? "; about \(minutes) min left" : "")
    }

    // MARK: - Plan

    private func plan() throws -> ReproductionPlan {
        ReproductionPlan(
            setups: try topologies().map { name, topology in
                .init(
                    name: name,
                    topology: topology,
                    baseModel: try ReproductionPlan.baseModel(of: topology)
                )
            },
            steps: try chosenSteps(),
            methods: try chosenMethods(),
            seeds: (1...UInt64(seeds)).map { $0 },
            proximalWeight: proximalWeight
        )
    }

    private func topologies() throws -> [(String, Topology)] {
        if let topology {
            let loaded = try Topology.load(topology)
            return [(loaded.federation, loaded)]
        }
        let presets: [ReproductionPreset] =
            switch preset {
            case .default: [.default]
            case .hard: [.hard]
            case .both: [.default, .hard]
            }
        return try presets.map { ($0.rawValue, try $0.topology()) }
    }

    private func chosenMethods() throws -> [ReproductionMethod] {
        guard let methods else { return ReproductionMethod.allCases }
        return try ReproducePubSwapCommand.list(methods) { word in
            guard let method = ReproductionMethod(rawValue: word) else {
                let known = ReproductionMethod.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("There is no method '\(word)'; there are \(known).")
            }
            return method
        }
    }

    private func chosenSteps() throws -> [Int]? {
        try steps.map { steps in
            try ReproducePubSwapCommand.list(steps) { word in
                guard let count = Int(word), count > 0 else {
                    throw ValidationError("steps: '\(word)' is no number of steps.")
                }
                return count
            }
        }
    }

    private static func list<Value: Equatable>(_ text: String, _ value: (String) throws -> Value) throws
        -> [Value]
    {
        var values: [Value] = []
        for word in text.split(separator: ",") {
            let value = try value(word.trimmingCharacters(in: .whitespaces))
            guard !values.contains(value) else { throw ValidationError("'\(word)' is there twice.") }
            values.append(value)
        }
        guard !values.isEmpty else { throw ValidationError("'\(text)' is an empty list.") }
        return values
    }
}
