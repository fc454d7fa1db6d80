internal import Logging
internal import Rounds
internal import Transport
internal import Wire

/// Answers operators: how the run goes, and stop. Nothing that they say reaches the machine but the wish to drain.
extension CoordinatorNode {
    /// How many operators may be connected at once.
    private static let operatorsMax = 16
    /// An operator that says nothing for so long is disconnected.
    private static let operatorPatience = Duration.seconds(60)

    /// One operator's connection, until it ends.
    func serveOperator(_ connection: any Connection) async {
        guard case .operator(let name) = connection.peer.role else { return }
        let id = ObjectIdentifier(connection)
        guard operators.count < Self.operatorsMax, outcome == nil else {
            let busy = Refused(code: .limitExceeded, message: "\(operators.count) operators are connected")
            return await end(connection, busy)
        }
        operators[id] = connection
        defer { operators[id] = nil }
        let watch = Task {
            var before = -1
            while connection.traffic.bytesIn != before {
                before = connection.traffic.bytesIn
                guard (try? await Task.sleep(for: Self.operatorPatience)) != nil else { return }
            }
            connection.abort()
        }
        defer { watch.cancel() }
        do {
            for try await frame in connection.inbound {
                guard try await answer(ClientMessage(frame: frame), name, connection) else { break }
            }
            await connection.close()
        } catch let error as WireError {
            await end(connection, Refused(code: error.code, message: "\(error)"))
        } catch {
            logger.debug(
                "an operator's connection ended",
                metadata: ["operator": "\(name)", "reason": "\(error)"]
            )
            connection.abort()
        }
    }

    /// Answers one message; false when the connection shall end.
    private func answer(_ message: ClientMessage, _ name: String, _ connection: any Connection) async throws
        -> Bool
    {
        guard !isRevoked(connection.peer) else {
            await end(connection, Refused(code: .revoked, message: "the certificate was revoked"))
            return false
        }
        switch message {
        case .ask(let ask):
            try await connection.send(CoordinatorMessage.report(statusReport()).frame())
            guard ask.what == .stop else { return true }
            logger.warning("an operator stops the coordinator", metadata: ["operator": "\(name)"])
            post(.drainRequested(reconnectAfterMs: 2_000))
            return false
        case .heartbeat: return true
        case .bye: return false
        case .hello, .fetchRound, .fetchBatch, .offerResponses, .fetchPool, .offerUpdate, .progress,
            .continue,
            .chunk:
            let reason = "\(message.type) from an operator, who may ask alone"
            await end(connection, Refused(code: .unexpectedMessage, message: reason))
            return false
        }
    }

    private func end(_ connection: any Connection, _ refusal: Refused) async {
        do {
            try await connection.send(CoordinatorMessage.refused(refusal).frame())
        } catch {
            // It is gone; there is nobody to tell.
        }
        await connection.close()
    }
}
