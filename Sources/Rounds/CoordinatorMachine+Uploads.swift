internal import Digest
internal import Wire

/// What clients send: responses and updates.
extension CoordinatorMachine {
    /// What is known of a contribution before or after its bytes arrive.
    private enum Verdict {
        /// It is wanted.
        case wanted
        /// The same bytes count already.
        case accepted
        /// The public step was closed without them.
        case skipped
        /// It is not wanted.
        case rejected(ErrorCode, String)
    }

    mutating func consider(_ offer: OfferResponses, _ client: String, _ id: ConnectionID) {
        guard offer.manifest.kind == .responses, publicSteps.contains(offer.step) else {
            return violation(id, .badManifest, "no responses to a public step")
        }
        let place = Transfer.Place.responses(round: offer.round, step: offer.step)
        let transfer = Transfer(
            connection: id,
            client: client,
            place: place,
            digest: offer.manifest.digest
        )
        begin(transfer, offer.manifest)
    }

    mutating func consider(_ offer: OfferUpdate, _ client: String, _ id: ConnectionID) {
        guard offer.manifest.kind == .update else { return violation(id, .badManifest, "no update") }
        let transfer = Transfer(
            connection: id,
            client: client,
            place: .update(round: offer.round),
            digest: offer.manifest.digest,
            examples: offer.examples,
            metrics: offer.metrics
        )
        begin(transfer, offer.manifest)
    }

    private mutating func begin(_ transfer: Transfer, _ manifest: Manifest) {
        connections[transfer.connection]?.activity = .uploading(transfer)
        let verdict = judge(transfer)
        guard case .wanted = verdict else { return reply(verdict, transfer) }
        actions.append(.receive(transfer, manifest))
    }

    private func judge(_ transfer: Transfer) -> Verdict {
        if record.quarantined[transfer.client] != nil {
            return .rejected(.quarantined, "client '\(transfer.client)' is shut out")
        }
        switch transfer.place {
        case .update(let round): return judge(transfer, update: round)
        case .responses(let round, let step): return judge(transfer, round, step)
        }
    }

    private func judge(_ transfer: Transfer, update round: Int) -> Verdict {
        if let known = record.acceptedUpdate(round: round, client: transfer.client) {
            return compare(transfer.digest, with: known.digest)
        }
        switch objection(toRound: round) {
        case .staleRound: return .rejected(.late, "round \(round) was closed without this update")
        case .some(let code): return .rejected(code, "round \(round) has not begun")
        case nil: break
        }
        guard record.takesPart(transfer.client, in: round) else {
            return .rejected(.staleRound, "client '\(transfer.client)' takes part from the next round on")
        }
        if let code = record.current?.updatesRefused[transfer.client] {
            return .rejected(code, "the update was refused before")
        }
        return .wanted
    }

    private func judge(_ transfer: Transfer, _ round: Int, _ step: Int) -> Verdict {
        switch objection(toRound: round) {
        case .some(let code): return .rejected(code, "round \(round) is not the open one")
        case nil: break
        }
        if let known = record.current?.responses[step]?[transfer.client] {
            return compare(transfer.digest, with: known)
        }
        if isSkipped(step, for: transfer.client) { return .skipped }
        guard step == openStep else { return .rejected(.futureRound, "step \(step) has not begun") }
        return .wanted
    }

    private func compare(_ digest: SHA256Digest, with known: SHA256Digest) -> Verdict {
        digest == known ? .accepted : .rejected(.conflict, "another contribution was accepted before")
    }

    /// The bytes are durable: now they count, unless it is too late.
    mutating func stored(_ transfer: Transfer) {
        let verdict = judge(transfer)
        guard case .wanted = verdict else { return reply(verdict, transfer) }
        switch transfer.place {
        case .responses(let round, let step):
            establish(
                .responsesAccepted(
                    round: round,
                    step: step,
                    client: transfer.client,
                    digest: transfer.digest
                )
            )
        case .update(let round):
            establish(
                .updateAccepted(
                    round: round,
                    client: transfer.client,
                    digest: transfer.digest,
                    examples: transfer.examples
                )
            )
        }
        reply(.accepted, transfer)
        startClockIfContributed()
        tryToClose()
    }

    /// The bytes were refused. For what they contain: for good, and nobody waits for others. For a
    /// fault on this side: the client tries again. For how they were sent: the connection ends, and the
    /// contribution may come over another.
    mutating func failed(_ transfer: Transfer, _ code: ErrorCode, _ message: String) {
        guard code != .badChunk else { return violation(transfer.connection, code, message) }
        guard case .wanted = judge(transfer), !code.isTransient else {
            return reply(.rejected(code, message), transfer)
        }
        let client = transfer.client
        switch transfer.place {
        case .responses(let round, let step):
            establish(.responsesRefused(round: round, step: step, client: client, code: code))
        case .update(let round):
            establish(.updateRefused(round: round, client: client, code: code))
        }
        reply(.rejected(code, message), transfer)
        if let refusals = record.refusals[client], refusals >= plan.refusalsMax {
            return expel(client, code, "\(refusals) contributions were refused, the last for \(code.name)")
        }
        tryToClose()
    }

    /// Tells the client, if it still waits for this upload, and counts what came too late.
    private mutating func reply(_ verdict: Verdict, _ transfer: Transfer) {
        let id = transfer.connection
        var isAwaited = false
        if case .uploading(transfer) = connections[id]?.activity { isAwaited = true }
        if isAwaited { connections[id]?.activity = .ready }
        switch verdict {
        case .wanted: preconditionFailure("a wanted transfer has no reply yet")
        case .accepted:
            if isAwaited { send(.accepted(Accepted(transfer: transfer.digest)), to: id) }
        case .skipped:
            guard case .responses(let round, let step) = transfer.place else { return }
            if notedLate.insert(Late(client: transfer.client, round: round, step: step)).inserted {
                actions.append(.note(.late(client: transfer.client, round: round, step: step)))
            }
            if isAwaited { skip(round, step, id) }
        case .rejected(let code, let message):
            if case .update(let round) = transfer.place, code == .late,
                notedLate.insert(Late(client: transfer.client, round: round, step: nil)).inserted
            {
                establish(.updateLate(round: round, client: transfer.client))
                actions.append(.note(.late(client: transfer.client, round: round, step: nil)))
            }
            guard isAwaited else { return }
            send(
                .rejected(Rejected(code: code, message: message, transfer: transfer.digest)),
                to: id
            )
        }
    }
}

extension ErrorCode {
    /// A fault of the side that reports it: the same bytes may be fine later.
    var isTransient: Bool {
        switch self {
        case .internal, .storage, .shuttingDown: true
        case .badMagic, .unsupportedVersion, .unknownType, .reservedBits, .badChecksum, .frameTooLarge,
            .truncated, .malformed, .unexpectedMessage, .limitExceeded, .wrongFederation, .nameMismatch,
            .unknownClient, .revoked, .quarantined, .wrongFingerprint, .wrongTrainer, .replaced,
            .badManifest, .duplicateName, .wrongShape, .wrongEncoding, .badChunk,
            .digestMismatch, .decompressionFailed, .sizeMismatch, .notFinite, .normTooLarge,
            .badResponse, .unusableUpdate, .late, .staleRound, .futureRound, .conflict:
            false
        }
    }
}
