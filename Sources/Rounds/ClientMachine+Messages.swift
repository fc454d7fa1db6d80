internal import Digest
internal import Wire

/// What the coordinator says.
extension ClientMachine {
    mutating func receive(_ message: CoordinatorMessage) {
        // A message may still be on its way from a connection that was given up here.
        guard link != .offline else { return }
        lastHeard = now
        guard link.allows(message.type) else {
            return violation(.unexpectedMessage, "\(message.type) in state \(link.rawValue)")
        }
        switch message {
        case .welcome(let welcome): welcomed(welcome)
        case .refused(let refused): refusedBy(refused)
        case .drain(let drain):
            actions.append(.hangUp)
            goOffline()
            retry("the coordinator goes down for a while", atLeast: Tick(drain.reconnectAfterMs))
        case .heartbeat: break
        case .roundStart(let start): answered(start)
        case .batch(let batch): answered(batch)
        case .pool(let pool): answered(pool)
        case .stepSkipped(let skipped): answered(skipped)
        case .accepted(let accepted): answered(accepted)
        case .rejected(let rejected): answered(rejected)
        case .finished(let finished):
            save(.finished(rounds: finished.rounds, adapter: finished.adapter))
            end(.completed(finished), farewell: "finished")
        case .continue(let request): sendChunks(request)
        case .chunk(let chunk):
            guard let download else { return }
            actions.append(.takeChunk(chunk, of: download))
        }
    }

    /// The coordinator has broken the protocol; to come back would only repeat it.
    mutating func violation(_ code: ErrorCode, _ message: String) {
        end(
            .failed(code: nil, reason: "the coordinator sent what it must not: \(code.name), \(message)"),
            farewell: code.name
        )
    }

    private mutating func welcomed(_ welcome: Welcome) {
        let terms = RunTerms(welcome)
        if let known = record.terms, let difference = known.difference(to: terms) {
            return end(
                .failed(
                    code: nil,
                    reason: "the run is not the one this state directory is of: \(difference)"
                ),
                farewell: "other terms than before"
            )
        }
        greetingEnds = nil
        failures = 0
        heartbeatMs = Tick(welcome.heartbeatMs)
        schedule = roundSchedule(steps: welcome.steps, localPerPublic: welcome.localPerPublic)
        record.terms = terms
        link = .ready
        actions.append(.note(.welcomed(session: welcome.session)))
        if isPreparing { return ask() }
        isPreparing = true
        actions.append(.prepare(welcome))
    }

    private mutating func refusedBy(_ refused: Refused) {
        guard refused.code.isTransient else {
            return end(.failed(code: refused.code, reason: refused.message), farewell: nil)
        }
        hangUp("\(refused.code.name): \(refused.message)")
    }

    private mutating func answered(_ start: RoundStart) {
        guard case .fetchRound(let after) = work, start.round > after, start.manifest.kind == .adapter else {
            return violation(.malformed, "round \(start.round) was not asked for")
        }
        receive(.adapter(round: start.round), start.manifest)
    }

    private mutating func answered(_ batch: Batch) {
        guard case .fetchBatch(let round, _, let step) = work, batch.round == round, batch.step == step,
            batch.manifest.kind == .batch
        else { return violation(.malformed, "the batch of step \(batch.step) was not asked for") }
        receive(.batch(round: round, step: step), batch.manifest)
    }

    private mutating func answered(_ pool: Pool) {
        guard case .fetchPool(let round, _, let step) = work, pool.round == round, pool.step == step,
            pool.manifest.kind == .pool
        else { return violation(.malformed, "the pool of step \(pool.step) was not asked for") }
        receive(.pool(round: round, step: step), pool.manifest)
    }

    private mutating func receive(_ blob: ClientDownload, _ manifest: Manifest) {
        failures = 0
        link = .downloading
        download = blob
        actions.append(.receive(blob, manifest))
    }

    /// A blob that fails its checks is asked for again; a coordinator that keeps sending it wrong is
    /// met with ever longer waits.
    mutating func downloadFailed(_ blob: ClientDownload, _ code: ErrorCode, _ message: String) {
        guard link == .downloading, download == blob else { return }
        hangUp("\(code.name): \(message)")
    }

    private mutating func sendChunks(_ request: Continue) {
        guard let (upload, digest) = offered, digest == request.transfer else {
            return violation(.badChunk, "asks for chunks of a transfer that was not offered")
        }
        lastSent = now
        actions.append(.sendChunks(upload, fromChunk: request.fromChunk))
    }

    /// What was offered and not answered yet.
    var offered: (upload: ClientUpload, digest: SHA256Digest)? {
        switch work {
        case .offerResponses(let round, _, let step, let digest):
            (.responses(round: round, step: step), digest)
        case .offerUpdate(let round, let digest): (.update(round: round), digest)
        case .preparing, .fetchRound, .fetchBatch, .fetchPool, .adapting, .responding, .absorbing, .packing,
            .ended:
            nil
        }
    }
}
