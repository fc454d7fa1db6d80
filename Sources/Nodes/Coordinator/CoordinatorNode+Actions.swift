internal import Digest
internal import Contract
internal import Logging
internal import Rounds
internal import Wire

/// Performs what the machine decides.
extension CoordinatorNode {
    func perform(_ action: CoordinatorAction) async throws {
        switch action {
        case .record(let fact):
            try await store.record(fact)
            // Until a client reports of the new round, it has done nothing of it.
            if case .roundBegan = fact { for client in progress.keys { progress[client]?.step = nil } }
        case .send(let message, let id): sessions[id]?.post(.message(message))
        case .offer(let blob, let id): offer(blob, to: id)
        case .sendChunks(_, let digest, let first, let id): sendChunks(digest, from: first, to: id)
        case .receive(let transfer, let manifest): try await receive(transfer, manifest)
        case .takeChunk(let chunk, let transfer): try await take([chunk], of: transfer)
        case .close(let id):
            sessions.removeValue(forKey: id)?.finish()
            forget(id)
        case .computePool(let round, let step, let clients): computePool(round, step, clients)
        case .aggregate(let round, let clients): aggregate(round, clients)
        case .evaluate(let round, let clients): evaluate(round, clients)
        case .checkpoint(let round): checkpoint(round)
        case .setTimer(let tick): setTimer(tick)
        case .note(let note): try await tell(note)
        case .finish(let outcome): self.outcome = outcome
        }
    }

    /// Drops what belongs to a connection that is over.
    func forget(_ id: ConnectionID) {
        offered[id] = nil
        uploads[id] = nil
    }

    /// Finds a blob and offers it. The search runs beside the loop: a batch may have to be tokenised.
    private func offer(_ blob: CoordinatorBlob, to id: ConnectionID) {
        beside("offer") { node in
            let encoded = try await node.encoded(blob)
            await node.send(encoded, as: blob, to: id)
        }
    }

    private func encoded(_ blob: CoordinatorBlob) async throws -> EncodedBlob {
        switch blob {
        case .adapter(let round): try await store.adapterBlob(round: round)
        case .batch(let round, let step):
            try await exchange.run { try BlobEncoder.encode($0.batch(round: round, step: step)) }
        case .pool(let round, let step, let client):
            try await store.pool(round: round, step: step, client: client)
        }
    }

    private func send(_ encoded: EncodedBlob, as blob: CoordinatorBlob, to id: ConnectionID) {
        guard let session = sessions[id] else { return }
        offered[id] = encoded
        let manifest = encoded.manifest
        let message: CoordinatorMessage =
            switch blob {
            case .adapter(let round): .roundStart(RoundStart(round: round, manifest: manifest))
            case .batch(let round, let step): .batch(Batch(round: round, step: step, manifest: manifest))
            case .pool(let round, let step, _): .pool(Pool(round: round, step: step, manifest: manifest))
            }
        session.post(.message(message))
    }

    private func sendChunks(_ digest: SHA256Digest, from first: Int, to id: ConnectionID) {
        guard let blob = offered[id], blob.manifest.digest == digest, (0...blob.chunks.count).contains(first)
        else {
            return post(
                .undecodable(id, code: .badChunk, message: "there is no such transfer or chunk \(first)")
            )
        }
        sessions[id]?.post(.chunks(blob, from: first))
    }

    private func setTimer(_ tick: Tick) {
        timer?.cancel()
        let wait = max(0, tick - now)
        timer = Task { [sender] in
            do {
                try await Task.sleep(for: .milliseconds(wait))
            } catch {
                // Cancelled: another timer has taken its place.
                return
            }
            sender.yield(.event(.tick))
        }
    }

    /// Runs work beside the loop; what it throws ends the run.
    func beside(_ what: String, _ body: @escaping @Sendable (CoordinatorNode) async throws -> Void) {
        workSender.yield {
            do {
                try await body(self)
            } catch {
                await self.fail(what, error)
            }
        }
    }
}
