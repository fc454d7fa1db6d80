internal import Wire

/// When the present wait is over: the start, a public step, or the collection of updates.
extension CoordinatorMachine {
    /// The round that contributions are taken for, or nil.
    private var openRound: Int? {
        guard let current = record.current, current.closedWith == nil else { return nil }
        return current.round
    }

    /// The public step that responses are taken for: the first one not closed. Nil if there is none or
    /// the round is closed.
    var openStep: Int? {
        guard let current = record.current, current.closedWith == nil else { return nil }
        // They are closed in order.
        let rest = publicSteps.dropFirst(current.closedSteps.count)
        return rest.first { current.closedSteps[$0] == nil }
    }

    /// Whether all public steps of the open round are closed and pooled.
    var isCollecting: Bool {
        guard let current = record.current, current.closedWith == nil else { return false }
        return current.pooledSteps.count == publicSteps.count
    }

    func isClosed(_ step: Int) -> Bool { record.current?.closedSteps[step] != nil }

    /// Whether a client takes a local step in the place of a public one: the step was closed without
    /// it, or its responses were refused.
    package func isSkipped(_ step: Int, for client: String) -> Bool {
        guard let current = record.current else { return false }
        if current.responsesRefused[step]?[client] != nil { return true }
        guard record.takesPart(client, in: current.round) else { return true }
        guard let members = current.closedSteps[step] else { return false }
        return !members.contains(client)
    }

    /// Ends the present wait if all have come, or if its deadline has passed and a quorum has.
    mutating func tryToClose() {
        switch phase {
        case .starting: tryToBegin()
        case .round:
            // A loop, since with nobody left to wait for any number of public steps close one after the other.
            while let round = openRound {
                if isCollecting { return tryToCloseRound() }
                guard let step = openStep, closesEmpty(step) else { return }
                notePooled(round: round, step: step)
            }
        case .finished: endIfAllKnow()
        case .ended: break
        }
    }

    private mutating func tryToBegin() {
        let awaited = plan.clients.filter { record.quarantined[$0] == nil }
        let able = awaited.count { !departed.contains($0) }
        guard sessions.count >= awaited.count || (isOverdue && sessions.count >= plan.quorum(of: able))
        else { return }
        // With nobody left to wait for the rounds are gone through, each without a result of its own.
        guard !sessions.isEmpty || awaited.isEmpty else { return }
        if sessions.count < plan.clients.count {
            leaveBehind(round: 0, step: nil, plan.clients.filter { sessions[$0] == nil })
        }
        beginRound()
    }

    /// Ends the wait for a public step if it is over; whether it was closed without any responses, so that there is no
    /// pool to wait for.
    private mutating func closesEmpty(_ step: Int) -> Bool {
        guard let (round, members, awaited) = outcome(of: step) else { return false }
        if isOverdue { leaveBehind(round: round, step: step, awaited) }
        establish(.stepClosed(round: round, step: step, clients: members))
        deadline = nil
        isOverdue = false
        if !members.isEmpty { computePool(step: step) }
        return members.isEmpty
    }

    /// With whose responses a public step ends now, and who is still awaited; nil if the wait goes on.
    private func outcome(of step: Int) -> (round: Int, members: [String], awaited: [String])? {
        guard let current = record.current, current.closedSteps.count == current.pooledSteps.count
        else { return nil }
        let responses = current.responses[step] ?? [:]
        let refused = current.responsesRefused[step] ?? [:]
        let standing = Standing(
            plan: plan,
            contributed: { responses[$0] != nil },
            isOut: { [record, passed] client in
                refused[client] != nil || current.updates[client] != nil || passed.contains(client)
                    || current.updatesRefused[client] != nil || record.quarantined[client] != nil
                    || !record.takesPart(client, in: current.round)
            },
            upperBound: responses.count + refused.count + current.updates.count + passed.count
                + current.updatesRefused.count + record.quarantined.count
                + record.newcomers(in: current.round),
            absent: absent,
            departed: departed
        )
        let isEnough = responses.count >= standing.quorum
        guard (isEnough && (isOverdue || standing.nobodyIsAwaited)) || standing.nobodyCanCome
        else { return nil }
        let members = responses.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return (current.round, members, isOverdue ? standing.awaited : [])
    }

    /// Asks for the pools of a closed step.
    mutating func computePool(step: Int) {
        guard let current = record.current, let members = current.closedSteps[step] else { return }
        let clients = members.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        actions.append(.computePool(round: current.round, step: step, clients: clients))
    }

    mutating func pooled(round: Int, step: Int) {
        guard let current = record.current, current.round == round, current.closedWith == nil else { return }
        guard isClosed(step), !current.pooledSteps.contains(step) else { return }
        notePooled(round: round, step: step)
        tryToClose()
    }

    private mutating func notePooled(round: Int, step: Int) {
        establish(.pooled(round: round, step: step))
        startClock()
        answerWaiting()
    }

    private mutating func tryToCloseRound() {
        guard let current = record.current else { return }
        let standing = Standing(
            plan: plan,
            contributed: { current.updates[$0] != nil },
            isOut: { [record, passed] client in
                current.updatesRefused[client] != nil || passed.contains(client)
                    || record.quarantined[client] != nil || !record.takesPart(client, in: current.round)
            },
            upperBound: current.updates.count + current.updatesRefused.count + passed.count
                + record.quarantined.count + record.newcomers(in: current.round),
            absent: absent,
            departed: departed
        )
        let isEnough = current.updates.count >= standing.quorum
        // With no update at all the round is closed as well, and the previous adapter goes on.
        guard (isEnough && (isOverdue || standing.nobodyIsAwaited)) || standing.nobodyCanCome else { return }
        if isOverdue { leaveBehind(round: current.round, step: nil, standing.awaited) }
        let clients = current.updates.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        establish(.roundClosed(round: current.round, clients: clients))
        deadline = nil
        isOverdue = false
        actions.append(.aggregate(round: current.round, clients: clients))
    }

    /// Whether the phases wait for a client at all: it is not shut out, and no phase has gone on without it since it was
    /// last connected.
    package func isAwaited(_ client: String) -> Bool {
        record.quarantined[client] == nil && !absent.contains(client)
    }

    /// A phase goes on without some clients. Those that are not even connected are not waited for
    /// again until they are back.
    private mutating func leaveBehind(round: Int, step: Int?, _ clients: [String]) {
        guard !clients.isEmpty else { return }
        for client in clients where sessions[client] == nil { absent.insert(client) }
        actions.append(.note(.leftBehind(round: round, step: step, clients: clients)))
    }
}

/// Who has contributed to a wait, who still may, and who will not.
private struct Standing {
    let plan: RunPlan
    let contributed: (String) -> Bool
    /// Will not contribute to this wait, for a reason that does not go away.
    let isOut: (String) -> Bool
    /// At least as many as the clients that have contributed or are out: spares the look at all of
    /// them while many are missing.
    let upperBound: Int
    let absent: Set<String>
    /// Have left on their own; they may come back, and nobody counts on it.
    let departed: Set<String>

    /// How many contributions end the wait at its deadline: the plan's quorum, as far as there still are
    /// clients that can fill it.
    var quorum: Int {
        plan.quorum(of: plan.clients.count { contributed($0) || !(isOut($0) || departed.contains($0)) })
    }

    /// Whether everyone has contributed, is out, or is absent.
    var nobodyIsAwaited: Bool {
        guard upperBound + absent.count >= plan.clients.count else { return false }
        return plan.clients.allSatisfy { contributed($0) || isOut($0) || absent.contains($0) }
    }

    /// Whether everyone has contributed or is out.
    var nobodyCanCome: Bool {
        guard upperBound >= plan.clients.count else { return false }
        return plan.clients.allSatisfy { contributed($0) || isOut($0) }
    }

    /// The clients that are neither.
    var awaited: [String] { plan.clients.filter { !contributed($0) && !isOut($0) } }
}
