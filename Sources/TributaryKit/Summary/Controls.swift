internal import Contract
internal import Aggregation
internal import Digest
internal import Foundation
internal import Nodes
internal import Report
internal import Topology

/// The runs that a federation is compared with, as far as they were made.
struct Controls: Sendable {
    /// The same federation with nothing swapped.
    var noSwap: RunRecord?
    /// Every client on its own.
    var localOnly: [LocalOnlyRun.Result] = []

    /// Reads the controls below a run's folder: `no-swap/` and `local-only/results.json`.
    ///
    /// - Throws: `NodeError` for a control that is there and does not belong to the run.
    static func read(_ layout: RunLayout, of run: RunRecord) throws -> Controls {
        var controls = Controls()
        let noSwap = RunLayout(root: layout.root + "/no-swap")
        if FileManager.default.fileExists(atPath: noSwap.topologyFile) {
            let record = try RunRecord.read(noSwap)
            try check(record, of: run, folder: noSwap.root)
            controls.noSwap = record
        }
        let file = layout.root + "/local-only/results.json"
        if let data = FileManager.default.contents(atPath: file) {
            do {
                controls.localOnly = try JSONDecoder().decode([LocalOnlyRun.Result].self, from: data)
            } catch {
                throw NodeError(
                    .data,
                    "\(file) is not what `tributary simulate --local-only` writes: \(FaultText.sentence(error))"
                )
            }
            try check(localOnlyTopology: layout.root + "/local-only/topology.yaml", of: run)
        }
        return controls
    }

    /// The score without swaps after as many rounds.
    func noSwapScore(afterRounds count: Int) -> Score? { noSwap?.score(afterRounds: count) }

    /// The mean score over clients that learn alone, after as many rounds; nil unless all have one.
    func localOnlyScore(afterRounds count: Int, clients: [String]) -> Score? {
        let scores = clients.compactMap { name in
            localOnly.first { $0.client == name && $0.round == count - 1 }.map { Score($0.evaluation) }
        }
        return scores.count == clients.count ? Score.mean(scores) : nil
    }

    private static func check(_ control: RunRecord, of run: RunRecord, folder: String) throws {
        guard control.topology.pool == NoPoolRule.name else {
            throw NodeError(
                .data,
                "\(folder): its pool rule is '\(control.topology.pool)', expected '\(NoPoolRule.name)'"
            )
        }
        guard control.fingerprint == run.fingerprint else {
            throw NodeError(
                .data,
                "\(folder): its trainer, model or settings differ from those of the run it is a control of"
            )
        }
        try check(control.topology, of: run, folder: folder)
    }

    private static func check(localOnlyTopology file: String, of run: RunRecord) throws {
        guard FileManager.default.fileExists(atPath: file) else { return }
        try check(try Topology.load(file), of: run, folder: file)
    }

    /// Controls differ from their run in the pool rule alone.
    private static func check(_ control: Topology, of run: RunRecord, folder: String) throws {
        var control = control
        control.pool = run.topology.pool
        guard control.digest == run.topology.digest else {
            throw NodeError(
                .data,
                "\(folder): its topology differs in more than the pool rule from that of the run it is a control of"
                    + " (seed \(control.seed) and \(run.topology.seed), \(control.rounds.count) and"
                    + " \(run.topology.rounds.count) rounds of \(control.rounds.steps) and"
                    + " \(run.topology.rounds.steps) steps)"
            )
        }
    }
}
