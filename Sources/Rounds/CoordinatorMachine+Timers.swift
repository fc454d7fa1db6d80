internal import Wire

/// Deadlines, heartbeats and idle peers.
extension CoordinatorMachine {
    /// Starts the clock of the present wait if there is a contribution to it and none runs yet.
    mutating func startClock() {
        deadline = nil
        isOverdue = false
        startClockIfContributed()
    }

    mutating func startClockIfContributed() {
        guard deadline == nil, !isOverdue, let current = record.current, current.closedWith == nil else {
            return
        }
        if let step = openStep {
            guard current.responses[step]?.isEmpty == false else { return }
            deadline = now + plan.deadlines.publicStepMs
        } else if isCollecting, !current.updates.isEmpty {
            deadline = now + plan.deadlines.updateMs
        }
    }

    mutating func tick() {
        if now >= housekeeping {
            housekeeping = now + max(1, plan.heartbeatMs / 2)
            keepHouse()
        }
        guard let deadline, now >= deadline else { return }
        switch phase {
        case .starting, .round:
            self.deadline = nil
            isOverdue = true
            tryToClose()
            // Still waiting: say so, and say it again after the same time.
            guard isOverdue, phase != .ended else { return }
            complain()
        case .finished:
            if !uninformed.isEmpty { actions.append(.note(.uninformed(clients: uninformed))) }
            end(.completed)
        case .ended: break
        }
    }

    /// A peer that sends is there, however long its message takes. Who has not said hello yet has to do that
    /// in time, and cannot win more by sending it byte by byte.
    mutating func heard(_ id: ConnectionID) {
        guard let connection = connections[id], connection.activity.state != .awaitingHello else { return }
        connections[id]?.lastHeard = now
    }

    /// Disconnects idle peers and sends heartbeats to those that have heard nothing for a while.
    private mutating func keepHouse() {
        for id in connections.keys.sorted() {
            guard let connection = connections[id] else { continue }
            if now - connection.lastHeard >= plan.idleMs {
                actions.append(.note(.silent(client: connection.certifiedName)))
                drop(id)
            } else if connection.activity.state != .awaitingHello,
                now - connection.lastSent >= plan.heartbeatMs
            {
                send(.heartbeat, to: id)
            }
        }
    }

    /// Says who is missing below quorum.
    private mutating func complain() {
        switch phase {
        case .starting:
            deadline = now + plan.deadlines.startMs
            noteBelowQuorum(round: nil, step: nil, present: Set(sessions.keys))
        case .round(let round):
            if let step = openStep {
                deadline = now + plan.deadlines.publicStepMs
                let present = Set((record.current?.responses[step] ?? [:]).keys)
                noteBelowQuorum(round: round, step: step, present: present)
            } else {
                deadline = now + plan.deadlines.updateMs
                noteBelowQuorum(round: round, step: nil, present: Set((record.current?.updates ?? [:]).keys))
            }
        case .finished, .ended: break
        }
    }

    private mutating func noteBelowQuorum(round: Int?, step: Int?, present: Set<String>) {
        let missing = plan.clients.filter {
            !present.contains($0) && record.quarantined[$0] == nil && record.takesPart($0, in: round ?? 0)
        }
        actions.append(
            .note(
                .belowQuorum(
                    round: round,
                    step: step,
                    present: present.count,
                    quorum: plan.quorum,
                    missing: missing
                )
            )
        )
    }

    /// Sets the node's timer to the next thing that is due.
    mutating func updateTimer() {
        let next = min(housekeeping, deadline ?? housekeeping)
        // A timer that comes earlier than needed does no harm, and is not set again with every message.
        if let timer, timer > now, timer <= next { return }
        timer = next
        actions.append(.setTimer(next))
    }
}
