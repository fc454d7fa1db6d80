package import Contract
internal import FoundationEssentials
package import Logging
internal import Tensors
internal import Topology

/// The control without federation: each client trains alone, as many steps as in the federation, all of them
/// on its own data, and its adapter is evaluated on the whole held-out set.
///
/// Like a federation's clients it starts every round with a fresh optimiser, so nothing else differs.
package struct LocalOnlyRun: Sendable {
    /// One client's evaluation after a round.
    package struct Result: Codable, Sendable {
        /// The client.
        package var client: String
        /// The round, from 0.
        package var round: Int
        /// What its own adapter achieves.
        package var evaluation: Evaluation
    }

    private let job: Job
    private let dataFiles: [String: String]
    private let logger: Logger

    /// Prepares the control.
    ///
    /// - Parameters:
    ///   - job: What to run.
    ///   - dataFiles: By client, a JSONL file instead of what the topology says.
    ///   - logger: The log.
    package init(_ job: Job, dataFiles: [String: String] = [:], logger: Logger) {
        self.job = job
        self.dataFiles = dataFiles
        self.logger = logger
    }

    /// Trains all clients, `parallel` at a time.
    ///
    /// - Parameters:
    ///   - parallel: How many clients train at the same time.
    ///   - everyRound: Evaluate after each round instead of after the last.
    ///   - progress: Called with each result as it comes.
    /// - Returns: The results sorted by client and round.
    package func run(
        parallel: Int,
        everyRound: Bool = true,
        progress: @escaping @Sendable (Result) -> Void
    ) async throws -> [Result] {
        try Compute.prepare(threads: job.topology.clients[0].threads, logger: logger)
        var waiting = job.topology.clients.map(\.name)[...]
        var results: [Result] = []
        try await withThrowingTaskGroup(of: [Result].self) { group in
            for _ in 0..<parallel {
                guard let name = waiting.popFirst() else { break }
                group.addTask { try await train(name, everyRound, progress) }
            }
            while let done = try await group.next() {
                results += done
                if let name = waiting.popFirst() {
                    group.addTask { try await train(name, everyRound, progress) }
                }
            }
        }
        return results.sorted { ($0.client, $0.round) < ($1.client, $1.round) }
    }

    private func train(
        _ name: String,
        _ everyRound: Bool,
        _ progress: @escaping @Sendable (Result) -> Void
    ) async throws -> [Result] {
        let host = ComputeHost<any LocalTrainer>()
        let dataFile = dataFiles[name]
        try await host.prepare { [job] in try job.makeTrainer(client: name, dataFile: dataFile) }
        let judge = ComputeHost<any PublicJudge>()
        try await judge.prepare { [job] in try job.makeJudge() }
        var adapter = try await judge.run { [job] in try job.initialAdapter($0, job.start()) }
        var results: [Result] = []
        let rounds = job.topology.rounds
        for round in 0..<rounds.count {
            adapter = try await host.run { [adapter] trainer in
                try trainer.beginRound(round, adapter: adapter.adding(localPartsOf: trainer.adapter))
                _ = try trainer.adapt(StepPlan(round: round, steps: 0..<rounds.steps)) { _ in }
                return trainer.adapter.travelling
            }
            guard everyRound || round == rounds.count - 1 else { continue }
            let evaluation = try await judge.run { [adapter] in try $0.evaluate(adapter, round: round) }
            let result = Result(client: name, round: round, evaluation: evaluation)
            progress(result)
            results.append(result)
        }
        return results
    }
}
