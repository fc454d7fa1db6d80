internal import Contract
internal import Digest
internal import Foundation
internal import Ledger
internal import Logging
internal import Nodes
internal import Report
internal import Tasks
internal import Topology
internal import TributaryKit
internal import Trainers

/// Runs cells, each in a folder of its own that is removed afterwards.
struct CellRunner: Sendable {
    /// The folder for the cells' folders.
    let folder: String
    /// The log.
    let logger: Logger

    /// Runs one cell from the start.
    func run(_ cell: ReproductionCell) async throws -> CellResult {
        let layout = RunLayout(root: folder + "/" + cell.name)
        let files = FileManager.default
        if files.fileExists(atPath: layout.root) { try files.removeItem(atPath: layout.root) }
        try files.createDirectory(atPath: layout.root, withIntermediateDirectories: true)
        let began = ContinuousClock.now
        var result = try await cell.method.isFederated ? federate(cell, layout) : train(cell, layout)
        let (seconds, attoseconds) = (ContinuousClock.now - began).components
        result.seconds = Double(seconds) + Double(attoseconds / 1_000_000_000_000_000) / 1000
        try files.removeItem(atPath: layout.root)
        return result
    }

    private func federate(_ cell: ReproductionCell, _ layout: RunLayout) async throws -> CellResult {
        let record = try await FederatedRun.run(cell.topology, in: layout, logger: logger)
        let rounds = cell.topology.rounds.count
        guard record.finishedRounds == rounds, let final = record.metrics.evaluations[rounds - 1] else {
            throw NodeError(
                .failed,
                "\(cell.name): \(record.finishedRounds) of \(rounds) rounds are finished and evaluated"
            )
        }
        var result = blank(cell, Score(final))
        result.base = record.score(afterRounds: 0)
        result.adapterDigest = record.adapterDigest.description
        result.metrics = metrics(record)
        if let greedy = final.metrics["greedyAccuracy"] { result.metrics["greedy"] = greedy }
        return result
    }

    private func metrics(_ record: RunRecord) -> [String: Double] {
        let merges = record.metrics.aggregations
        let count = Double(max(merges.count, 1))
        var metrics = [
            "drift": merges.reduce(0) { $0 + $1.clientDrift } / count,
            "FedIT gap": merges.reduce(0) { $0 + $1.factorGap } / count,
            "MB": Double(record.traffic.reduce(0) { $0 + $1.bytes }) / 1e6,
        ]
        if let steps = record.publicSteps() {
            metrics["silent"] = steps.silentBefore
            metrics["silent left"] = steps.silentAfter
            metrics["swaps"] = Double(steps.swaps) / Double(steps.groups)
        }
        return metrics
    }

    private func train(_ cell: ReproductionCell, _ layout: RunLayout) async throws -> CellResult {
        var files: [String: String] = [:]
        if cell.method == .centralised, let learner = cell.topology.clients.first {
            files[learner.name] = layout.root + "/questions.jsonl"
            try CellRunner.write(CellRunner.questions(of: cell), to: layout.root + "/questions.jsonl")
        }
        let run = LocalOnlyRun(try Job(cell.topology, .shipped), dataFiles: files, logger: logger)
        let results = try await run.run(parallel: cell.topology.clients.count, everyRound: false) { _ in }
        guard let score = Score.mean(results.map { Score($0.evaluation) }),
            results.count == cell.topology.clients.count
        else { throw NodeError(.failed, "\(cell.name): \(results.count) clients were evaluated") }
        var result = blank(cell, score)
        let greedy = results.compactMap { $0.evaluation.metrics["greedyAccuracy"] }
        if greedy.count == results.count {
            result.metrics["greedy"] = greedy.reduce(0, +) / Double(greedy.count)
        }
        return result
    }

    private func blank(_ cell: ReproductionCell, _ score: Score) -> CellResult {
        CellResult(
            setup: cell.setup,
            method: cell.method,
            steps: cell.steps,
            seed: cell.seed,
            fingerprint: cell.fingerprint.description,
            passAt1: score,
            base: nil,
            metrics: [:],
            adapterDigest: nil,
            seconds: 0
        )
    }

    /// The private questions of all clients; identifiers carry the client's name, so that none occurs twice.
    static func questions(of cell: ReproductionCell) throws -> [Question] {
        let job = try Job(cell.sources, .shipped)
        return try cell.sources.clients.flatMap { client in
            try LanguageData.questions(of: job.clientContext(client.name)).map { question in
                var question = question
                question.id = "\(client.name)/\(question.id)"
                return question
            }
        }
    }

    private static func write(_ questions: [Question], to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines = Data()
        for question in questions { lines += try encoder.encode(question) + Data("\n".utf8) }
        try lines.write(to: URL(filePath: file))
    }
}

/// A federation in one process, from its topology to what it left.
enum FederatedRun {
    /// Runs a federation in a folder of its own, which is there already.
    static func run(_ topology: Topology, in layout: RunLayout, logger: Logger) async throws -> RunRecord {
        try topology.resolvedYAML.write(toFile: layout.topologyFile, atomically: true, encoding: .utf8)
        try await SimulatedFederation(Job(topology, .shipped), layout: layout, logger: logger).run()
        return try RunRecord.read(layout)
    }
}
