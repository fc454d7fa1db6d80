internal import Contract
internal import Wire

/// Who is connected, and who may be.
extension CoordinatorMachine {
    mutating func connect(_ id: ConnectionID, certifiedName: String, address: String) {
        precondition(connections[id] == nil, "connection \(id) is used twice")
        connections[id] = Connection(
            certifiedName: certifiedName,
            address: address,
            lastHeard: now,
            lastSent: now
        )
    }

    mutating func disconnect(_ id: ConnectionID) {
        guard let connection = connections[id] else { return }
        forget(id)
        if connection.activity.state != .awaitingHello {
            actions.append(.note(.disconnected(client: connection.certifiedName)))
        }
        endIfAllKnow()
    }

    /// Answers a hello: welcome, or refused and closed.
    mutating func admit(_ hello: Hello, _ id: ConnectionID, _ connection: Connection) {
        if let (code, message) = objection(to: hello, certifiedName: connection.certifiedName) {
            actions.append(
                .note(.turnedAway(certifiedName: connection.certifiedName, code: code, message: message))
            )
            return refuse(id, code, message)
        }
        let client = hello.client
        if let older = sessions[client] {
            // The newest wins, and the other ends for good: two machines cannot throw each other out in turn.
            let from = connections[older]?.address ?? ""
            actions.append(.note(.replaced(client: client, from: from, by: connection.address)))
            refuse(
                older,
                .replaced,
                "a newer session of '\(client)'\(connection.address.isEmpty ? "" : " from \(connection.address)") "
                    + "took over; if that is another machine, only one of the two may have this identity"
            )
        }
        newestSession += 1
        let session = newestSession
        if session > record.sessionsReserved {
            establish(.sessionsReserved(through: session - 1 + Self.sessionsPerFact))
        }
        connections[id]?.activity = .ready
        sessions[client] = id
        absent.remove(client)
        departed.remove(client)
        actions.append(.note(.admitted(client: client, session: session)))
        send(
            .welcome(
                Welcome(
                    session: session,
                    seed: plan.seed,
                    trainer: plan.trainer,
                    settings: plan.settings,
                    rounds: plan.rounds,
                    steps: plan.steps,
                    localPerPublic: plan.localPerPublic,
                    heartbeatMs: Int(plan.heartbeatMs),
                    encoding: plan.encoding,
                    heldOut: plan.heldOut
                )
            ),
            to: id
        )
        if phase == .starting { tryToClose() }
    }

    /// Why a hello is refused, or nil. The certificate counts; the hello only must not contradict it.
    private func objection(to hello: Hello, certifiedName: String) -> (ErrorCode, String)? {
        guard hello.protocolVersion >= 1 else {
            return (
                .unsupportedVersion, "protocol version \(hello.protocolVersion); this coordinator speaks 1"
            )
        }
        guard hello.federation == plan.federation else {
            return (.wrongFederation, "federation '\(hello.federation)'; this one is '\(plan.federation)'")
        }
        guard hello.client == certifiedName else {
            return (.nameMismatch, "client '\(hello.client)' with the certificate of '\(certifiedName)'")
        }
        guard knownClients.contains(hello.client) else {
            return (.unknownClient, "client '\(hello.client)' is not listed in the topology")
        }
        if let code = record.quarantined[hello.client] {
            return (.quarantined, "client '\(hello.client)' was shut out for \(code.name)")
        }
        guard hello.trainer == plan.trainer else {
            return (.wrongTrainer, "trainer '\(hello.trainer)'; the run's is '\(plan.trainer)'")
        }
        return difference(of: hello.fingerprint, at: hello.client).map { (.wrongFingerprint, $0) }
    }

    /// The first part of the fingerprint that a client has otherwise, in the order of the plan; one that only
    /// the client has comes last. Nil if they agree.
    private func difference(of fingerprint: [FingerprintPart], at client: String) -> String? {
        func text(_ value: String?) -> String { value.map { $0.isEmpty ? "empty" : $0 } ?? "missing" }
        func values(_ parts: [FingerprintPart]) -> [String: String] {
            Dictionary(parts.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        let found = values(fingerprint)
        let expected = values(plan.fingerprint)
        let part =
            plan.fingerprint.first { found[$0.name] != $0.value }
            ?? fingerprint.first { expected[$0.name] == nil }
        return part.map { part in
            "'\(part.name)' is \(text(found[part.name])) at client '\(client)', "
                + "\(text(expected[part.name])) at the coordinator"
        }
    }

    /// Takes new clients in, from the next round on: the one under way is not theirs, whenever they connect. Nobody
    /// waits for one that has not connected yet.
    mutating func add(_ clients: [String], quorum: Int) {
        let fresh = Set(clients).subtracting(knownClients).sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        guard !fresh.isEmpty else { return }
        let round = record.completedRounds + (record.current == nil ? 0 : 1)
        guard round < plan.rounds else { return actions.append(.note(.tooLateForMembers(fresh))) }
        for client in fresh {
            establish(.memberAdded(round: round, client: client))
            if phase != .starting { absent.insert(client) }
        }
        plan.add(fresh)
        knownClients.formUnion(fresh)
        if record.current == nil { plan.quorum = quorum } else { nextQuorum = quorum }
        actions.append(.note(.membersAdded(round: round, clients: fresh)))
    }

    /// Shuts a client out for good, and cuts its session.
    mutating func expel(_ client: String, _ code: ErrorCode, _ message: String) {
        guard knownClients.contains(client) else { return }
        if record.quarantined[client] == nil { establish(.quarantined(client: client, code: code)) }
        if let id = sessions[client] { refuse(id, .quarantined, message) }
        tryToClose()
    }

    mutating func send(_ message: CoordinatorMessage, to id: ConnectionID) {
        connections[id]?.lastSent = now
        actions.append(.send(message, to: id))
    }

    /// Sends the last message of a connection and closes it.
    mutating func refuse(_ id: ConnectionID, _ code: ErrorCode, _ message: String) {
        send(.refused(Refused(code: code, message: message)), to: id)
        drop(id)
    }

    /// The peer has broken the protocol.
    mutating func violation(_ id: ConnectionID, _ code: ErrorCode, _ message: String) {
        guard let connection = connections[id] else { return }
        actions.append(
            .note(.violated(client: connection.certifiedName, code: code, message: message))
        )
        refuse(id, code, message)
    }

    /// Closes a connection from this side.
    mutating func drop(_ id: ConnectionID) {
        forget(id)
        actions.append(.close(id))
        endIfAllKnow()
    }

    private mutating func forget(_ id: ConnectionID) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        if sessions[connection.certifiedName] == id { sessions[connection.certifiedName] = nil }
    }
}
