internal import Aggregation
internal import Exchange
internal import FoundationEssentials
internal import Ledger
internal import Logging
internal import Models
internal import Rounds
internal import Trainers

/// Pools responses, merges updates, evaluates, writes checkpoints: all beside the loop.
extension CoordinatorNode {
    func computePool(_ round: Int, _ step: Int, _ clients: [String]) {
        beside("pooling round \(round), step \(step)") { node in
            let batch = try await node.exchangeJudge.batch(round: round, step: step)
            var scored: [ScoredClient] = []
            for (client, responses) in try await node.store.responses(
                round: round,
                step: step,
                clients: clients
            ) {
                let groups = try await node.exchangeJudge.scored(responses, to: batch)
                scored.append(ScoredClient(client: client, groups: groups))
            }
            let outcome = PublicStepOutcome(
                of: scored,
                batch: batch,
                acceptedScore: await node.exchangeJudge.acceptedScore,
                rule: try node.job.poolRule(),
                seed: node.plan.seed
            )
            try await node.store.close(outcome, round: round, step: step)
            node.post(.pooled(round: round, step: step))
        }
    }

    func aggregate(_ round: Int, _ clients: [String]) {
        beside("aggregating round \(round)") { node in
            let digest = try await node.bench.aggregate(
                round: round,
                clients: clients,
                rule: node.job.deltaRule(),
                weighting: node.job.weighting
            )
            node.post(.aggregated(round: round, adapter: digest))
        }
    }

    func evaluate(_ round: Int) {
        beside("evaluating round \(round)") { node in
            try await node.evaluate(adapterOf: round + 1, as: round)
            node.post(.evaluated(round: round))
        }
    }

    /// Evaluates the adapter of round 0 unless that was done before.
    func evaluateBase() {
        beside("evaluating the base") { node in
            let known = try await node.store.evaluations()
            for evaluation in known { try await node.remember(evaluation.result, round: evaluation.round) }
            guard !known.contains(where: { $0.round == -1 }) else { return }
            try await node.evaluate(adapterOf: 0, as: -1)
        }
    }

    private func evaluate(adapterOf version: Int, as round: Int) async throws {
        let adapter = try await bench.adapter(round: version)
        let began = ContinuousClock.now
        let evaluation = try await evaluationJudge.evaluate(adapter, round: round)
        let time = EvaluationMetrics(round: round, elapsed: ContinuousClock.now - began)
        try await store.record(evaluation: Array(evaluation.json().utf8), round: round)
        try await store.note(EvaluationMetrics.eventName, round: round, detail: time.json())
        passAt1[round] = evaluation.passAt1
        logger.info(
            "evaluated",
            metadata: [
                "round": "\(round)", "passAt1": "\(evaluation.passAt1)", "topics": "\(evaluation.topicLine)",
            ]
        )
        writeStatus(force: true)
    }

    private func remember(_ json: [UInt8], round: Int) throws {
        passAt1[round] = try JSONDecoder().decode(Evaluation.self, from: Data(json)).passAt1
    }

    func checkpoint(_ round: Int) {
        let traffic = counter.flush(round: round)
        beside("checkpoint of round \(round)") { node in
            try await node.store.add(traffic)
            if let folder = node.adapterFolder {
                try await node.bench.withAdapter(round: round + 1) { [job = node.job] adapter in
                    try job.writeAdapter(adapter, to: folder)
                }
            }
            node.post(.checkpointed(round: round))
        }
    }
}

extension Evaluation {
    /// `topic 0.61, topic 0.40`
    fileprivate var topicLine: String {
        topics.map { "\($0.topic) \(($0.passAt1 * 1000).rounded() / 1000)" }.joined(separator: ", ")
    }
}
