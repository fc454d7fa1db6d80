package import Aggregation
package import Contract

/// A whole federation in one process, without network, ledger or clock: what a run is meant to compute.
package struct InProcessFederation {
    /// What a run of several rounds measured.
    package struct Record {
        /// The evaluation of each round's merged adapter; the first is that of the initial one.
        package var evaluations: [Evaluation] = []
        /// By round, the diagnostics of the merge.
        package var diagnostics: [AggregationDiagnostics] = []
        /// By round and client, the mean report of its steps, local and public, in order.
        package var reports: [StepReport] = []
        /// Silent public groups before and after replacement, and swaps.
        package var silentBefore = 0
        /// See `silentBefore`.
        package var silentAfter = 0
        /// All public groups.
        package var groups = 0
        /// All swaps.
        package var swaps = 0
        /// Everything a client would have sent or been sent in public steps.
        package var exchanged: [[UInt8]] = []
    }

    /// The clients by name.
    package var clients: [(name: String, trainer: any LocalTrainer)]
    /// The coordinator's half.
    package var judge: any PublicJudge
    /// The steps of a round.
    package var schedule: Schedule
    /// How responses are pooled.
    package var poolRule: any PoolRule
    /// The federation's seed.
    package var seed: UInt64
    /// The merged adapter.
    package private(set) var adapter: AdapterWeights

    /// Makes a federation and takes the judge's initial adapter.
    package init(
        clients: [(name: String, trainer: any LocalTrainer)],
        judge: any PublicJudge,
        schedule: Schedule,
        poolRule: any PoolRule = BalancedRule(),
        seed: UInt64
    ) throws {
        self.clients = clients
        self.judge = judge
        self.schedule = schedule
        self.poolRule = poolRule
        self.seed = seed
        adapter = try judge.initialAdapter().travelling
    }

    /// Runs rounds of local and public steps and merges by factor averaging.
    ///
    /// - Parameters:
    ///   - rounds: How many.
    ///   - merge: Whether clients are merged; false leaves each with its own adapter throughout.
    package mutating func run(rounds: Int, merge: Bool = true) throws -> Record {
        var record = Record()
        record.evaluations.append(try judge.evaluate(adapter, round: 0))
        for round in 0..<rounds {
            for index in clients.indices {
                let start = merge || round == 0 ? adapter : clients[index].trainer.adapter
                try clients[index].trainer.beginRound(
                    round,
                    adapter: start.travelling.adding(localPartsOf: clients[index].trainer.adapter)
                )
            }
            for step in 0..<schedule.stepsPerRound {
                if schedule.isPublic(step) {
                    try publicStep(round, step, &record)
                } else {
                    for index in clients.indices {
                        record.reports.append(
                            try clients[index].trainer.adapt(StepPlan(round: round, steps: step..<step + 1)) {
                                _ in
                            }
                        )
                    }
                }
            }
            guard merge else { continue }
            let contributions = clients.map {
                Contribution(
                    client: $0.name,
                    delta: $0.trainer.adapter.travelling.subtracting(adapter),
                    examples: 1
                )
            }
            let aggregate = try Aggregate(
                of: contributions,
                broadcast: adapter,
                rule: FactorsRule(),
                weighting: .uniform
            )
            adapter = aggregate.adapter
            record.diagnostics.append(aggregate.diagnostics)
            record.evaluations.append(try judge.evaluate(adapter, round: round + 1))
        }
        return record
    }

    private mutating func publicStep(_ round: Int, _ step: Int, _ record: inout Record) throws {
        let batch = try judge.batch(round: round, step: step)
        record.exchanged += batch.items.map(\.payload)
        var scored: [(name: String, scores: [[Double]])] = []
        var answers: [String: [[Response]]] = [:]
        for index in clients.indices {
            let name = clients[index].name
            let responses = try clients[index].trainer.respond(to: batch)
            record.exchanged += responses.map(\.payload)
            let groups = try ResponseSet(responses, to: batch, payloadBytesMax: 1 << 20).groups
            let sender = Sender(name, merged: { [adapter] in adapter }, adapter: { [adapter] in adapter })
            scored.append((name, try judge.score(groups, to: batch, from: sender)))
            answers[name] = groups
        }
        scored.sort { $0.name < $1.name }
        let scoredStep = ScoredStep(
            batch: batch,
            clients: scored,
            merged: { [adapter] in adapter },
            responses: { [answers] in answers[$0] ?? [] }
        )
        let outcome =
            switch try judge.combine(scoredStep) {
            case .swap(let merged, let metrics):
                try PublicStepOutcome(
                    of: scoredStep,
                    acceptedScore: judge.acceptedScore,
                    rule: poolRule,
                    seed: seed,
                    merged: merged,
                    metrics: metrics
                )
            case .pools(let pools, let metrics):
                try PublicStepOutcome(
                    pools: pools,
                    metrics: metrics,
                    of: scoredStep,
                    acceptedScore: judge.acceptedScore
                )
            }
        record.silentBefore += outcome.statistics.silentBefore
        record.silentAfter += outcome.statistics.silentAfter
        record.groups += outcome.statistics.groups
        record.swaps += outcome.statistics.swaps
        for entry in outcome.pools {
            guard let index = clients.firstIndex(where: { $0.name == entry.client }) else { continue }
            record.reports.append(try clients[index].trainer.absorb(entry.pool))
        }
    }
}
