internal import Digest
internal import Wire

/// The way through a round.
extension ClientMachine {
    /// The trainer is ready: go on where the record is.
    mutating func prepared() {
        guard work == .preparing else { return }
        switch record.place {
        case .between(let after): work = .fetchRound(after: after)
        case .phase(let round, let index): return enter(round, index)
        case .responded(let round, let index, let digest):
            guard index < schedule.count, case .publicStep(let step) = schedule[index] else {
                return end(
                    .failed(code: nil, reason: "the saved record is of another schedule"),
                    farewell: "failed"
                )
            }
            work = .offerResponses(round: round, index: index, step: step, digest: digest)
        case .trained(let round, let digest): work = .offerUpdate(round: round, digest: digest)
        case .finished: preconditionFailure("a finished client prepares a trainer")
        }
        ask()
    }

    /// Makes the request that the work needs, if the link is free.
    mutating func ask() {
        guard link == .ready, retryAt == nil else { return }
        switch work {
        case .fetchRound(let after):
            link = .awaitingRound
            send(.fetchRound(FetchRound(after: after)))
        case .fetchBatch(let round, _, let step):
            link = .awaitingBatch
            send(.fetchBatch(FetchBatch(round: round, step: step)))
        case .fetchPool(let round, _, let step):
            link = .awaitingPool
            send(.fetchPool(FetchPool(round: round, step: step)))
        case .offerResponses(let round, _, let step, _):
            link = .uploadingResponses
            lastSent = now
            actions.append(.offer(.responses(round: round, step: step)))
        case .offerUpdate(let round, _):
            link = .uploadingUpdate
            lastSent = now
            actions.append(.offer(.update(round: round)))
        case .fetchResult(let finished):
            link = .awaitingRound
            send(.fetchRound(FetchRound(after: finished.rounds)))
        case .preparing, .adapting, .responding, .absorbing, .packing, .ended: break
        }
    }

    /// Begins a phase of the round, or its end when all are done.
    private mutating func enter(_ round: Int, _ index: Int) {
        guard index < schedule.count else {
            work = .packing(round: round)
            actions.append(.packUpdate(round: round))
            return
        }
        switch schedule[index] {
        case .local(let steps):
            work = .adapting(round: round, index: index, steps: steps)
            actions.append(.startLocalSteps(round: round, steps: steps))
        case .publicStep(let step):
            work = .fetchBatch(round: round, index: index, step: step)
            ask()
        }
    }

    private mutating func completed(_ round: Int, _ index: Int) {
        save(.phase(round: round, index: index + 1))
        if case .publicStep(let step) = schedule[index] {
            actions.append(.discard(.responses(round: round, step: step)))
        }
        enter(round, index + 1)
    }

    mutating func downloaded(_ blob: ClientDownload) {
        guard link == .downloading, download == blob else { return }
        link = .ready
        download = nil
        switch blob {
        case .adapter(let round):
            if case .fetchResult(let finished) = work {
                actions.append(.keepResult(finished))
                return complete(finished)
            }
            actions.append(.note(.roundBegan(round: round)))
            actions.append(.beginRound(round))
            save(.phase(round: round, index: 0))
            enter(round, 0)
        case .batch(let round, let step):
            guard let place = publicPlace else { preconditionFailure("a batch outside of a public step") }
            work = .responding(round: round, index: place.index, step: step)
            actions.append(.respond(round: round, step: step))
        case .pool(let round, let step):
            guard let place = publicPlace else { preconditionFailure("a pool outside of a public step") }
            work = .absorbing(round: round, index: place.index, step: step)
            actions.append(.absorb(round: round, step: step))
        }
    }

    mutating func adapted(_ round: Int, _ steps: Range<Int>) {
        guard case .adapting(round, let index, steps) = work else { return }
        completed(round, index)
    }

    mutating func responded(_ round: Int, _ step: Int, _ digest: SHA256Digest) {
        guard case .responding(round, let index, step) = work else { return }
        save(.responded(round: round, index: index, digest: digest))
        work = .offerResponses(round: round, index: index, step: step, digest: digest)
        ask()
    }

    mutating func absorbed(_ round: Int, _ step: Int) {
        guard case .absorbing(round, let index, step) = work else { return }
        completed(round, index)
    }

    mutating func packed(_ round: Int, _ digest: SHA256Digest) {
        guard case .packing(round) = work else { return }
        save(.trained(round: round, digest: digest))
        work = .offerUpdate(round: round, digest: digest)
        ask()
    }

    /// A contribution counts.
    mutating func answered(_ accepted: Accepted) {
        guard let (upload, digest) = offered, digest == accepted.transfer else {
            return violation(.malformed, "accepted a transfer that was not offered")
        }
        failures = 0
        link = .ready
        actions.append(.note(.accepted(upload)))
        if case .offerResponses(let round, let index, let step, _) = work {
            work = .fetchPool(round: round, index: index, step: step)
        } else if case .offerUpdate(let round, _) = work {
            leave(round, discarding: upload)
        }
        ask()
    }

    /// The public step that a request or an offer is about, if one is.
    private var publicPlace: (round: Int, index: Int, step: Int)? {
        switch work {
        case .fetchBatch(let round, let index, let step), .fetchPool(let round, let index, let step),
            .offerResponses(let round, let index, let step, _):
            (round, index, step)
        case .preparing, .fetchRound, .offerUpdate, .fetchResult, .adapting, .responding, .absorbing,
            .packing,
            .ended:
            nil
        }
    }

    /// The public step goes on without this client.
    mutating func answered(_ skipped: StepSkipped) {
        guard let (round, index, step) = publicPlace, skipped.round == round, skipped.step == step else {
            return violation(.malformed, "step \(skipped.step) was not asked for")
        }
        stopSending()
        substitute(round, index, step)
    }

    private mutating func stopSending() {
        if let (upload, _) = offered { actions.append(.stopSending(upload)) }
    }

    /// Takes a local step in the place of a public one.
    private mutating func substitute(_ round: Int, _ index: Int, _ step: Int) {
        failures = 0
        link = .ready
        actions.append(.note(.stepSkipped(round: round, step: step)))
        work = .adapting(round: round, index: index, steps: step..<(step + 1))
        actions.append(.startLocalSteps(round: round, steps: step..<(step + 1)))
    }

    /// The round is over for this client.
    private mutating func leave(_ round: Int, discarding upload: ClientUpload?) {
        work = .fetchRound(after: round)
        save(.between(after: round))
        if let upload { actions.append(.discard(upload)) }
    }

    /// A request or a contribution is refused, and the session goes on.
    mutating func answered(_ rejected: Rejected) {
        link = .ready
        let code = rejected.code
        stopSending()
        if code.isTransient { return retry("\(code.name): \(rejected.message)") }
        if case .fetchResult(let finished) = work {
            actions.append(.note(.withoutResult(reason: "\(code.name): \(rejected.message)")))
            return complete(finished)
        }
        if let (upload, _) = offered {
            actions.append(.note(.notCounted(upload, code: code, message: rejected.message)))
        }
        if let (round, index, step) = publicPlace {
            if code == .staleRound || code == .late { return lose(round, step, code) }
            // Refused for what they contain, or in conflict with other ones that count.
            if offered != nil, code != .futureRound { return substitute(round, index, step) }
        }
        if case .offerUpdate(let round, _) = work, code != .futureRound {
            leave(round, discarding: .update(round: round))
            return ask()
        }
        end(.failed(code: code, reason: rejected.message), farewell: "rejected")
    }

    /// The round went on without this client.
    private mutating func lose(_ round: Int, _ step: Int, _ code: ErrorCode) {
        failures = 0
        actions.append(.note(.roundLost(round: round, code: code)))
        leave(round, discarding: .responses(round: round, step: step))
        ask()
    }
}
