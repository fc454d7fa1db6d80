package import Wire

/// Connecting, coming back, and noticing that nobody is there.
extension ClientMachine {
    mutating func connect() {
        retryAt = nil
        isConnecting = true
        greetingEnds = now + plan.greetingMs
        actions.append(.connect)
    }

    mutating func greet() {
        guard isConnecting else { return }
        isConnecting = false
        lastHeard = now
        link = .awaitingWelcome
        send(
            .hello(
                Hello(
                    protocolVersion: 1,
                    software: plan.software,
                    federation: plan.federation,
                    client: plan.client,
                    trainer: plan.trainer,
                    fingerprint: plan.fingerprint
                )
            )
        )
    }

    /// The connection is gone, or was never made.
    mutating func lost(_ reason: String) {
        guard link != .offline || isConnecting else { return }
        goOffline()
        retry(reason)
    }

    mutating func goOffline() {
        isConnecting = false
        greetingEnds = nil
        download = nil
        link = .offline
        // The next coordinator may have been told to go on with further rounds.
        if case .fetchResult(let finished) = work { work = .fetchRound(after: finished.rounds - 1) }
    }

    /// Gives up this connection and comes back later.
    mutating func hangUp(_ reason: String) {
        actions.append(.hangUp)
        goOffline()
        retry(reason)
    }

    /// Tries again after a while: to connect when offline, to ask otherwise.
    mutating func retry(_ reason: String, atLeast leastMs: Tick = 0) {
        failures += 1
        let wait = leastMs + plan.backOff.wait(failures: failures, draw: waits)
        waits += 1
        retryAt = now + wait
        actions.append(.note(.retrying(reason: reason, afterMs: wait)))
    }

    mutating func send(_ message: ClientMessage) {
        lastSent = now
        actions.append(.send(message))
    }

    /// Tells the coordinator that a step is done, if it is there; for reports only.
    mutating func report(_ progress: StepProgress) {
        guard link != .offline, link != .awaitingWelcome else { return }
        send(.progress(progress))
    }

    /// How long the coordinator may be silent.
    private var silenceMs: Tick { heartbeatMs * plan.silentHeartbeats }

    mutating func tick() {
        if let greetingEnds, now >= greetingEnds { return hangUp("no welcome within \(plan.greetingMs) ms") }
        if link != .offline, link != .awaitingWelcome {
            if now - lastHeard >= silenceMs { return hangUp("nothing heard for \(now - lastHeard) ms") }
            if now - lastSent >= heartbeatMs { send(.heartbeat) }
        }
        guard let retryAt, now >= retryAt else { return }
        self.retryAt = nil
        if link == .offline { connect() } else { ask() }
    }

    /// Sets the node's timer to the next thing that is due.
    mutating func updateTimer() {
        var next = [retryAt, greetingEnds].compactMap { $0 }
        if link != .offline, link != .awaitingWelcome {
            next += [lastHeard + silenceMs, lastSent + heartbeatMs]
        }
        // A timer that comes earlier than needed does no harm, and is not set again with every message.
        guard let earliest = next.min() else { return }
        if let timer, timer > now, timer <= earliest { return }
        timer = earliest
        actions.append(.setTimer(earliest))
    }
}

/// Where a client stands with the coordinator; the second table of `protocol/SPEC.md`'s "States" has
/// a row for each.
package enum LinkState: String, Sendable, Hashable, CaseIterable {
    /// No connection, or one being made.
    case offline
    /// `Hello` was sent.
    case awaitingWelcome
    /// Welcomed, with nothing asked: the trainer is at work.
    case ready
    /// `FetchRound` was sent.
    case awaitingRound
    /// `FetchBatch` was sent.
    case awaitingBatch
    /// `FetchPool` was sent.
    case awaitingPool
    /// An offered blob is being received.
    case downloading
    /// `OfferResponses` was sent.
    case uploadingResponses
    /// `OfferUpdate` was sent.
    case uploadingUpdate

    /// Whether the coordinator may send a message of this type now.
    package func allows(_ type: MessageType) -> Bool {
        switch type {
        case .welcome: self == .awaitingWelcome
        case .refused, .drain: self != .offline
        case .heartbeat: self != .offline && self != .awaitingWelcome
        case .roundStart, .finished: self == .awaitingRound
        case .batch: self == .awaitingBatch
        case .pool: self == .awaitingPool
        case .stepSkipped: self == .awaitingBatch || self == .awaitingPool || self == .uploadingResponses
        case .accepted, .continue: self == .uploadingResponses || self == .uploadingUpdate
        case .rejected:
            switch self {
            case .awaitingRound, .awaitingBatch, .awaitingPool, .uploadingResponses, .uploadingUpdate: true
            case .offline, .awaitingWelcome, .ready, .downloading: false
            }
        case .chunk: self == .downloading
        case .hello, .fetchRound, .fetchBatch, .offerResponses, .fetchPool, .offerUpdate, .progress, .bye,
            .ask, .report:
            false
        }
    }
}
