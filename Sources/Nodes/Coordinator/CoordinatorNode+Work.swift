internal import Aggregation
internal import Contract
internal import FoundationEssentials
internal import Ledger
internal import Logging
internal import Rounds
internal import Topology
internal import Wire

/// Pools responses, merges updates, evaluates, writes checkpoints: all beside the loop.
extension CoordinatorNode {
    func computePool(_ round: Int, _ step: Int, _ clients: [String]) {
        let senders = clients.map { ($0, sender($0, round)) }
        beside("pooling round \(round), step \(step)") { node in
            let (ledger, topology, layout) = (node.ledger, node.job.topology, node.layout)
            let outcome = try await node.exchange.run { judge in
                let batch = try judge.batch(round: round, step: step)
                var scored: [(name: String, scores: [[Double]])] = []
                for (client, sender) in senders {
                    let responses = try ledger.responses(of: client, to: batch)
                    scored.append((client, try judge.checkedScores(responses, to: batch, from: sender())))
                }
                let step = ScoredStep(
                    batch: batch,
                    clients: scored,
                    merged: { try ledger.adapter(round: round, layout: layout) },
                    responses: { try ledger.responses(of: $0, to: batch) }
                )
                return try judge.outcome(of: step, pool: topology.pool, seed: topology.seed) { error in
                    node.logger.warning(
                        "responses cannot be combined; nothing is exchanged in this step",
                        metadata: [
                            "round": "\(round)", "step": "\(step.batch.step)", "reason": "\(error)",
                            "clients": "\(clients.joined(separator: ","))",
                        ]
                    )
                }
            }
            try await node.store.close(outcome, round: round, step: step)
            node.post(.pooled(round: round, step: step))
        }
    }

    /// Makes a client as a judge sees it, whose adapter is read only if it is asked for.
    func sender(_ client: String, _ round: Int) -> @Sendable () -> Sender {
        { [ledger, layout] in
            Sender(
                client,
                merged: { try ledger.adapter(round: round, layout: layout) },
                adapter: { try ledger.lastAdapter(of: client, before: round, layout: layout) }
            )
        }
    }

    func aggregate(_ round: Int, _ clients: [String]) {
        beside("aggregating round \(round)") { node in
            let digest = try await node.bench.aggregate(
                round: round,
                clients: clients,
                job: node.job,
                vetoed: node.machine.record.vetoed
            )
            let leftOut = await node.bench.leftOut
            if !leftOut.isEmpty {
                await node.logger.warning(
                    "updates far longer than the others' were left out of the merge",
                    metadata: ["round": "\(round)", "clients": "\(leftOut.joined(separator: ","))"]
                )
            }
            node.post(.aggregated(round: round, adapter: digest))
        }
    }

    /// The best of what the base and the adapters before a round have achieved.
    private func bestEvaluation(before round: Int) -> Contract.Evaluation? {
        evaluations.filter { $0.key < round }.sorted { $0.key < $1.key }.map(\.value).reduce(nil) {
            best,
            next in
            guard let best else { return next }
            let isBetter =
                next.measure.higherIsBetter ? next.value > best.value : next.value < best.value
            return isBetter ? next : best
        }
    }

    /// Evaluates a round's adapter, and takes the round or vetoes it.
    func evaluate(_ round: Int, _ clients: [String]) {
        beside("evaluating round \(round)") { node in
            try await node.baseEvaluation?.value
            let adapter = try await node.bench.adapter(round: round + 1)
            let began = ContinuousClock.now
            let previous = await node.evaluations[round - 1]
            let best = await node.bestEvaluation(before: round)
            let verdict: Evaluation.Verdict
            if clients.isEmpty {
                verdict = .vetoed(await node.reasonForNoUpdate)
            } else if let fault = try await node.bench.mergeFault(
                round: round,
                clients: clients,
                job: node.job
            ) {
                verdict = .vetoed("the updates cannot be merged: \(fault)")
            } else {
                let collapse = node.job.topology.aggregation.collapse
                verdict = try await node.evaluation.run { evaluation in
                    evaluation.verdict(
                        on: adapter,
                        round: round,
                        previous: previous,
                        best: best,
                        clients: clients,
                        collapse: collapse
                    )
                }
            }
            try await node.noteTime(of: round, since: began)
            switch verdict {
            case .taken(let result):
                try await node.keep(result, round: round)
                try await node.monitor(adapter, round: round)
                node.post(.evaluated(round: round))
            case .vetoed(let reason):
                let veto = VetoRecord(round: round, reason: reason, clients: clients)
                node.logger.warning(
                    "the round is not taken; the previous adapter goes on",
                    metadata: [
                        "round": "\(round)", "reason": "\(reason)",
                        "clients": "\(clients.joined(separator: ","))",
                    ]
                )
                let digest = try await node.bench.veto(veto)
                if let previous { try await node.keep(previous, round: round, isNews: false) }
                node.post(.vetoed(round: round, adapter: digest))
            }
        }
    }

    /// Why the round under way has no update: who was refused, and for what.
    private var reasonForNoUpdate: String {
        let refused = (machine.record.current?.updatesRefused ?? [:]).map { "\($0) (\($1.name))" }
        let shutOut = machine.record.quarantined.keys.map { "\($0) (shut out)" }
        let names = (refused + shutOut).sorted().joined(separator: ", ")
        return "no update came that counts" + (names.isEmpty ? "" : "; refused: \(names)")
    }

    /// Evaluates the adapter of round 0 unless that was done before.
    func evaluateBase() {
        let task = Task { try await self.evaluateBaseNow() }
        baseEvaluation = task
        beside("evaluating the base") { _ in try await task.value }
    }

    private func evaluateBaseNow() async throws {
        let known = try await store.evaluations()
        for record in known {
            evaluations[record.round] = try JSONDecoder().decode(
                Contract.Evaluation.self,
                from: Data(record.result)
            )
        }
        guard !known.contains(where: { $0.round == -1 }) else { return }
        let adapter = try await bench.adapter(round: 0)
        let began = ContinuousClock.now
        let result = try await evaluation.run { try $0.judge.evaluate(adapter, round: -1) }
        if let name = result.notFinite {
            throw NodeError(.failed, "\(name) of the adapter that round 0 starts from is not finite")
        }
        try await noteTime(of: -1, since: began)
        try await keep(result, round: -1)
        try await monitor(adapter, round: -1)
        try await completeMetrics(to: 0)
    }

    /// Brings `metrics.jsonl` up to date; where it cannot be written the run goes on.
    private func completeMetrics(to completed: Int) async throws {
        if let reason = try await store.completeMetrics(to: completed) {
            logger.warning("metrics cannot be written", metadata: ["reason": "\(reason)"])
        }
    }

    private func noteTime(of round: Int, since began: ContinuousClock.Instant) async throws {
        let time = EvaluationMetrics(round: round, elapsed: ContinuousClock.now - began)
        try await store.note(EvaluationMetrics.eventName, round: round, detail: time.json())
    }

    private func keep(_ result: Contract.Evaluation, round: Int, isNews: Bool = true) async throws {
        try await store.record(evaluation: Array(result.json().utf8), round: round)
        evaluations[round] = result
        guard isNews else { return writeStatus(force: true) }
        let slices = result.slices.map { "\($0.name) \(($0.value * 1000).rounded() / 1000)" }
        var metadata: Logger.Metadata = ["\(result.measure.key)": "\(result.value)"]
        if !slices.isEmpty { metadata["slices"] = "\(slices.joined(separator: ", "))" }
        if round < 0 {
            logger.info("evaluated the adapter that the first round starts from", metadata: metadata)
        } else {
            metadata["round"] = "\(round)"
            logger.info("evaluated", metadata: metadata)
        }
        writeStatus(force: true)
    }

    private func monitor(_ adapter: AdapterWeights, round: Int) async throws {
        let reports = try await evaluation.run { $0.reports(on: adapter, round: round) }
        for (name, report) in reports {
            switch report {
            case .success(let report):
                let record = MonitorRecord(round: round, monitor: name, report: report)
                try await store.note(MonitorRecord.eventName, round: round, detail: record.json())
            case .failure(let error):
                var metadata: Logger.Metadata = ["monitor": "\(name)", "reason": "\(error)"]
                if round >= 0 { metadata["round"] = "\(round)" }
                logger.warning("a monitor failed", metadata: metadata)
            }
        }
    }

    func checkpoint(_ round: Int) {
        let traffic = counter.flush(round: round)
        beside("checkpoint of round \(round)") { node in
            try await node.store.add(traffic)
            try await node.completeMetrics(to: round + 1)
            // The ledger has the adapter; the folder is for people. Only the last one is waited for.
            try await node.store.prune(before: round)
            let isLast = round + 1 >= node.plan.rounds
            if !isLast { node.post(.checkpointed(round: round)) }
            if let folder = node.files.adapter {
                let adapter = try await node.bench.adapter(round: round + 1)
                try await node.exports.run { [job = node.job] _ in try job.writeAdapter(adapter, to: folder) }
            }
            if isLast { node.post(.checkpointed(round: round)) }
        }
    }
}

extension CoordinatorNode.Evaluation {
    /// What becomes of a merged adapter.
    enum Verdict: Sendable {
        /// It goes on, with what it achieves.
        case taken(Contract.Evaluation)
        /// It is not taken, and why.
        case vetoed(String)
    }

    /// What each monitor saw, or why it saw nothing.
    func reports(on adapter: AdapterWeights, round: Int) -> [(name: String, Result<MonitorReport, any Error>)]
    {
        monitors.map { name, monitor in
            let report = Result {
                let report = try monitor.observe(adapter, round: round)
                guard let broken = report.notFinite else { return report }
                throw NodeError(.failed, "\(broken) is not finite")
            }
            return (name, report)
        }
    }

    /// Evaluates a merged adapter and asks the guards. An evaluation or a guard that throws is a veto, and so is a
    /// result that is not finite or has collapsed: whatever clients sent, the run goes on.
    ///
    /// - Parameters:
    ///   - adapter: The merged adapter.
    ///   - round: The round.
    ///   - previous: What the adapter achieves that goes on otherwise, if that is known.
    ///   - best: The best that the base or an adapter of this run has achieved, so that no run collapses bit by bit.
    ///   - clients: Whose updates are in it.
    ///   - collapse: The part of the best value below which the result has collapsed; nil for no limit.
    func verdict(
        on adapter: AdapterWeights,
        round: Int,
        previous: Contract.Evaluation?,
        best: Contract.Evaluation?,
        clients: [String],
        collapse: Double?
    ) -> Verdict {
        do {
            let result = try judge.evaluate(adapter, round: round)
            if let name = result.notFinite { return .vetoed("\(name) is not finite") }
            let candidate = RoundCandidate(
                round: round,
                adapter: adapter,
                evaluation: result,
                previous: previous,
                clients: clients
            )
            for (name, guardian) in guards {
                if let reason = try guardian.objection(to: candidate) { return .vetoed("\(name): \(reason)") }
            }
            if let collapse, let best, result.isCollapsed(from: best, to: collapse) {
                return .vetoed(
                    "\(result.measure.name) collapsed from \(best.value) to \(result.value), "
                        + "beyond the limit of \(collapse) (aggregation.collapse)"
                )
            }
            return .taken(result)
        } catch {
            return .vetoed("the evaluation failed: \(error)")
        }
    }
}

extension PublicJudge {
    /// What a public step gives back. Responses that were taken one by one and cannot be combined give a step in
    /// which nothing is exchanged: no member's responses end the run.
    ///
    /// - Throws: `LedgerError`, and `NodeError` for a pool rule that there is not.
    fileprivate func outcome(
        of step: ScoredStep,
        pool: String,
        seed: UInt64,
        orExplain explain: (any Error) -> Void
    ) throws -> PublicStepOutcome {
        guard let rule = PoolRules.named(pool) else {
            throw NodeError(.configuration, "there is no pool rule '\(pool)'")
        }
        do {
            switch try combine(step) {
            case .swap(let merged, let metrics):
                return try PublicStepOutcome(
                    of: step,
                    acceptedScore: acceptedScore,
                    rule: rule,
                    seed: seed,
                    merged: merged,
                    metrics: metrics
                )
            case .pools(let pools, let metrics):
                return try PublicStepOutcome(
                    pools: pools,
                    metrics: metrics,
                    of: step,
                    acceptedScore: acceptedScore
                )
            }
        } catch let error as LedgerError {
            throw error
        } catch {
            explain(error)
            return try PublicStepOutcome(
                of: step,
                acceptedScore: acceptedScore,
                rule: NoPoolRule(),
                seed: seed
            )
        }
    }
}
