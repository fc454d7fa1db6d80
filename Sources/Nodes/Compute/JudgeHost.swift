internal import Aggregation
internal import Exchange
internal import Trainers
internal import Wire

/// The coordinator's judge on a compute thread of its own, so that a long evaluation stops nobody.
actor JudgeHost {
    private let thread = ComputeThread()
    private let judge: any PublicJudge

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Takes the judge, given away: nobody else may keep it.
    init(_ judge: sending any PublicJudge) { self.judge = judge }

    /// The score from which a response counts as correct.
    var acceptedScore: Double { judge.acceptedScore }

    /// The adapter of round 0.
    func initialAdapter() throws -> AdapterWeights { try judge.initialAdapter() }

    /// The items of a public step.
    func batch(round: Int, step: Int) throws -> PublicBatch { try judge.batch(round: round, step: step) }

    /// One client's responses with the judge's own scores, item by item in the batch's order, by index.
    ///
    /// - Throws: `ResponseSetFault` or `ResponseFault` for a response that is missing, surplus or faulty.
    func scored(_ responses: [Response], to batch: PublicBatch) throws -> [[ScoredResponse]] {
        let set = try ResponseSet(responses, to: batch, payloadBytesMax: Limits.responseBytesMax)
        return try set.groups.map { group in
            try group.map { ScoredResponse(payload: $0.payload, score: try judge.score($0)) }
        }
    }

    /// What an adapter achieves on the held-out set.
    func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        try judge.evaluate(adapter, round: round)
    }
}
