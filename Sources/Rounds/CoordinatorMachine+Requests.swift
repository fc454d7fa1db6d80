internal import Wire

/// What clients ask for. Every request can be made again and gets the same answer.
extension CoordinatorMachine {
    mutating func receive(_ message: ClientMessage, from id: ConnectionID) {
        // A message may still be on its way from a connection that was closed here.
        guard let connection = connections[id] else { return }
        let state = connection.activity.state
        connections[id]?.lastHeard = now
        guard state.allows(message.type) else {
            return violation(id, .unexpectedMessage, "\(message.type) in state \(state.rawValue)")
        }
        let client = connection.certifiedName
        switch message {
        case .hello(let hello): admit(hello, id, connection)
        case .fetchRound(let request): answer(.round(after: request.after), client, id)
        case .fetchBatch(let request): answer(.batch(round: request.round, step: request.step), client, id)
        case .fetchPool(let request): answer(.pool(round: request.round, step: request.step), client, id)
        case .offerResponses(let offer): consider(offer, client, id)
        case .offerUpdate(let offer): consider(offer, client, id)
        case .continue(let request):
            guard case .serving(let blob) = connection.activity else { return }
            connections[id]?.lastSent = now
            actions.append(
                .sendChunks(blob, transfer: request.transfer, fromChunk: request.fromChunk, to: id)
            )
        case .chunk(let chunk):
            guard case .uploading(let transfer) = connection.activity else { return }
            actions.append(.takeChunk(chunk, of: transfer))
        case .progress(let progress): actions.append(.note(.progress(client: client, progress)))
        case .bye(let bye):
            // What was sent may be lost; a goodbye after it shows that it was not.
            if told.contains(id), !record.informed.contains(client) { establish(.informed(client: client)) }
            if state != .awaitingHello, !told.contains(id) {
                departed.insert(client)
                if !bye.reason.isEmpty { actions.append(.note(.left(client: client, reason: bye.reason))) }
            }
            actions.append(.note(.disconnected(client: client)))
            drop(id)
            tryToClose()
        // Operators alone ask, and their connections are not the machine's.
        case .heartbeat, .ask: break
        }
    }

    /// Answers a request, or keeps it until its answer is known.
    mutating func answer(_ request: Connection.Request, _ client: String, _ id: ConnectionID) {
        connections[id]?.activity = .ready
        switch request {
        case .round(let after): answerRound(after: after, client, id)
        case .batch(let round, let step):
            guard checkStep(step, id), checkRound(round, id) else { return }
            answerBatch(round, step, client, id)
        case .pool(let round, let step):
            guard checkStep(step, id), checkRound(round, id) else { return }
            answerPool(round, step, client, id)
        }
    }

    private mutating func answerRound(after: Int, _ client: String, _ id: ConnectionID) {
        // What follows the last round is what the run came to.
        if phase == .finished, after == record.completedRounds {
            return offer(.adapter(round: after), to: id)
        }
        guard after < plan.rounds, phase != .finished || after < record.completedRounds else {
            return rejectAhead(id, client, after)
        }
        switch phase {
        case .finished: tellTheEnd(id)
        case .starting:
            guard after < 0 else { return rejectAhead(id, client, after) }
            wait(id, for: .round(after: after))
        case .round(let round):
            guard after <= round else {
                return rejectAhead(id, client, after)
            }
            guard let current = record.current, isOpen(current, for: client), after < round else {
                wait(id, for: .round(after: after))
                if after == round { pass(client) }
                return
            }
            offer(.adapter(round: round), to: id)
        case .ended: break
        }
    }

    /// A client asks for what follows a round that this coordinator has not come to: both are told what that means.
    private mutating func rejectAhead(_ id: ConnectionID, _ client: String, _ round: Int) {
        let completed = record.completedRounds
        actions.append(.note(.ahead(client: client, round: round, completed: completed)))
        reject(
            id,
            .futureRound,
            "the client has been in round \(round), and the coordinator has completed \(completed) rounds: it goes "
                + "on from an older copy of its state. Restore its newest state, or give the client an empty state "
                + "directory to go on from here"
        )
    }

    /// A client goes on without an update in this round: nobody waits for one.
    private mutating func pass(_ client: String) {
        guard record.current?.updates[client] == nil, passed.insert(client).inserted else { return }
        tryToClose()
    }

    /// Whether a client can still take part in a round.
    private func isOpen(_ current: RoundProgress, for client: String) -> Bool {
        current.closedWith == nil && current.updates[client] == nil && current.updatesRefused[client] == nil
            && record.takesPart(client, in: current.round)
    }

    private mutating func tellTheEnd(_ id: ConnectionID) {
        guard let adapter = record.adapter else { return }
        told.insert(id)
        send(.finished(Finished(rounds: record.completedRounds, adapter: adapter)), to: id)
    }

    private mutating func answerBatch(_ round: Int, _ step: Int, _ client: String, _ id: ConnectionID) {
        if isSkipped(step, for: client) {
            skip(round, step, id)
        } else if isClosed(step) || step == openStep {
            offer(.batch(round: round, step: step), to: id)
        } else {
            wait(id, for: .batch(round: round, step: step))
        }
    }

    private mutating func answerPool(_ round: Int, _ step: Int, _ client: String, _ id: ConnectionID) {
        if isSkipped(step, for: client) {
            skip(round, step, id)
        } else if record.current?.pooledSteps.contains(step) == true {
            offer(.pool(round: round, step: step, client: client), to: id)
        } else if record.current?.responses[step]?[client] != nil {
            wait(id, for: .pool(round: round, step: step))
        } else {
            violation(id, .unexpectedMessage, "the pool of step \(step) before the responses to it")
        }
    }

    /// Answers every waiting client again, in order of connection.
    mutating func answerWaiting() {
        for id in connections.keys.sorted() {
            guard let connection = connections[id], case .waiting(let request) = connection.activity
            else { continue }
            answer(request, connection.certifiedName, id)
        }
    }

    mutating func skip(_ round: Int, _ step: Int, _ id: ConnectionID) {
        send(.stepSkipped(StepSkipped(round: round, step: step)), to: id)
    }

    mutating func reject(_ id: ConnectionID, _ code: ErrorCode, _ message: String) {
        send(.rejected(Rejected(code: code, message: message, transfer: nil)), to: id)
    }

    private mutating func offer(_ blob: CoordinatorBlob, to id: ConnectionID) {
        connections[id]?.activity = .serving(blob)
        connections[id]?.lastSent = now
        actions.append(.offer(blob, to: id))
    }

    private mutating func wait(_ id: ConnectionID, for request: Connection.Request) {
        connections[id]?.activity = .waiting(request)
    }

    /// Whether the schedule has such a public step; the client knows the schedule as well.
    private mutating func checkStep(_ step: Int, _ id: ConnectionID) -> Bool {
        if publicSteps.contains(step) { return true }
        violation(id, .malformed, "step \(step) is no public step")
        return false
    }

    /// Whether a request is about the round under way; if not, it is rejected.
    private mutating func checkRound(_ round: Int, _ id: ConnectionID) -> Bool {
        guard let code = objection(toRound: round) else { return true }
        if code == .futureRound, let client = connections[id]?.certifiedName {
            rejectAhead(id, client, round)
            return false
        }
        reject(id, code, code == .staleRound ? "round \(round) is over" : "round \(round) has not begun")
        return false
    }

    /// `STALE_ROUND` for a round that is over, `FUTURE_ROUND` for one to come, nil for the open one.
    func objection(toRound round: Int) -> ErrorCode? {
        guard let current = record.current else {
            return round < record.completedRounds ? .staleRound : .futureRound
        }
        if round > current.round { return .futureRound }
        return round < current.round || current.closedWith != nil ? .staleRound : nil
    }
}
