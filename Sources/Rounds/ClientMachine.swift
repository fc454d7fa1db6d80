internal import Digest
internal import Wire

/// All decisions of a client, as a value: events in, actions out.
///
/// Two things go on side by side: the work (fetch a round, local steps, a public step, the update) and
/// the link to the coordinator. Losing the link does not stop the trainer. Work that needs the link
/// makes its request whenever the link is ready, and again after a reconnection or a restart; the
/// coordinator gives the same answer.
///
/// Files: this one has the state, the way through it and what the coordinator's messages mean; `+Link` connects
/// and reconnects, `+Work` trains and uploads.
package struct ClientMachine: Sendable {
    /// What the client is.
    package let plan: ClientPlan
    /// What was last saved.
    package internal(set) var record: ClientRecord
    /// Where the client stands with the coordinator.
    package internal(set) var link = LinkState.offline

    /// What is being done or asked for. Indices are places in the round's schedule.
    enum Work: Equatable {
        /// The trainer is being made; before that, its terms are awaited.
        case preparing
        // These need the link.
        case fetchRound(after: Int)
        case fetchBatch(round: Int, index: Int, step: Int)
        case offerResponses(round: Int, index: Int, step: Int, digest: SHA256Digest)
        case fetchPool(round: Int, index: Int, step: Int)
        case offerUpdate(round: Int, digest: SHA256Digest)
        /// The run is over; its adapter is asked for.
        case fetchResult(Finished)
        // These do not.
        case adapting(round: Int, index: Int, steps: Range<Int>)
        case responding(round: Int, index: Int, step: Int)
        case absorbing(round: Int, index: Int, step: Int)
        case packing(round: Int)
        /// Over; events are ignored.
        case ended
    }

    var work = Work.preparing
    /// What the blob under way is; in the link state `downloading` only.
    var download: ClientDownload?
    var isConnecting = false
    /// The welcome was seen in this process, and the trainer asked for.
    var isPreparing = false
    var heartbeatMs: Tick = 0
    /// When to connect or to ask again.
    var retryAt: Tick?
    /// When to give up on a connection that is not welcomed.
    var greetingEnds: Tick?
    var lastHeard: Tick = 0
    var lastSent: Tick = 0
    /// Failures since the last answer.
    var failures = 0
    /// Waits so far, each of which has used a number of the jitter.
    var waits = 0
    var timer: Tick?
    var schedule: [RoundPhase] = []
    var now: Tick = 0
    var actions: [ClientAction] = []

    /// Makes the machine of a new or a restarted client; its first event must be `started`.
    ///
    /// - Parameters:
    ///   - plan: What the client is.
    ///   - record: What an earlier client of the same run saved last.
    package init(plan: ClientPlan, restoring record: ClientRecord = ClientRecord()) {
        self.plan = plan
        self.record = record
    }

    /// Takes an event and returns what to do about it, in order.
    ///
    /// - Parameters:
    ///   - event: What has happened.
    ///   - now: When; never earlier than the time of the event before.
    package mutating func handle(_ event: ClientEvent, at now: Tick) -> [ClientAction] {
        guard work != .ended else { return [] }
        self.now = max(self.now, now)
        switch event {
        case .started: start()
        case .connected: greet()
        case .connectFailed(let reason), .disconnected(let reason): lost(reason)
        case .received(let message): receive(message)
        case .undecodable(let code, let message): violation(code, message)
        case .prepared: prepared()
        case .downloaded(let blob): downloaded(blob)
        case .downloadFailed(let blob, let code, let message): downloadFailed(blob, code, message)
        case .stepped(let progress): report(progress)
        case .adapted(let round, let steps): adapted(round, steps)
        case .responded(let round, let step, let digest): responded(round, step, digest)
        case .absorbed(let round, let step): absorbed(round, step)
        case .packed(let round, let digest): packed(round, digest)
        case .workFailed(let reason): end(.failed(code: nil, reason: reason), farewell: "failed")
        case .tick: tick()
        case .heard: lastHeard = now
        case .drainRequested: end(.drained, farewell: "going down for a while")
        }
        if work != .ended { updateTimer() }
        defer { actions = [] }
        return actions
    }

    /// Connects, unless an earlier client of the same state has heard that the run is over, and nobody wants more rounds
    /// of it since.
    private mutating func start() {
        guard case .finished(let rounds, let adapter) = record.place else { return connect() }
        guard plan.rounds <= rounds else {
            record.place = .between(after: rounds - 1)
            return connect()
        }
        end(.completed(Finished(rounds: rounds, adapter: adapter)), farewell: "finished")
    }

    /// Ends, with a farewell if somebody listens.
    mutating func end(_ outcome: ClientOutcome, farewell: String?) {
        if link != .offline || isConnecting {
            if link != .offline, let farewell { send(.bye(Bye(reason: farewell))) }
            actions.append(.hangUp)
        }
        link = .offline
        work = .ended
        actions.append(.finish(outcome))
    }

    /// Saves how far the client is.
    mutating func save(_ place: ClientRecord.Place) {
        record.place = place
        actions.append(.save(record))
    }
}

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
        // A report is for operators; no state of a link allows it.
        case .heartbeat, .report: break
        case .roundStart(let start): answered(start)
        case .batch(let batch): answered(batch)
        case .pool(let pool): answered(pool)
        case .stepSkipped(let skipped): answered(skipped)
        case .accepted(let accepted): answered(accepted)
        case .rejected(let rejected): answered(rejected)
        case .finished(let finished): answered(finished)
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
                    code: .wrongFingerprint,
                    reason:
                        "the run is not the one this state directory is of: \(difference); give the client "
                        + "an empty state directory to take part in this run"
                ),
                farewell: "other terms than before: \(difference)"
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
        let isAskedFor =
            switch work {
            case .fetchRound(let after): start.round > after
            case .fetchResult(let finished): start.round == finished.rounds
            case .preparing, .fetchBatch, .offerResponses, .fetchPool, .offerUpdate, .adapting, .responding,
                .absorbing, .packing, .ended:
                false
            }
        guard isAskedFor, start.manifest.kind == .adapter else {
            return violation(.malformed, "round \(start.round) was not asked for")
        }
        receive(.adapter(round: start.round), start.manifest)
    }

    /// The run is over: what it came to is the adapter that a further round would start from.
    private mutating func answered(_ finished: Finished) {
        if case .fetchResult = work { return complete(finished) }
        failures = 0
        link = .ready
        work = .fetchResult(finished)
        ask()
    }

    /// The client has all that it can get.
    mutating func complete(_ finished: Finished) {
        save(.finished(rounds: finished.rounds, adapter: finished.adapter))
        end(.completed(finished), farewell: "finished")
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
        case .preparing, .fetchRound, .fetchBatch, .fetchPool, .fetchResult, .adapting, .responding,
            .absorbing, .packing, .ended:
            nil
        }
    }
}
