internal import Aggregation
internal import Contract
internal import Ledger
internal import Logging
internal import Rounds
internal import Topology
internal import Wire

/// Receives what clients upload. Nothing is acknowledged before it is verified and durable.
extension CoordinatorNode {
    func receive(_ transfer: Transfer, _ manifest: Manifest) async throws {
        do {
            let next = try await store.begin(transfer, manifest, encoding: plan.encoding)
            uploads[transfer.connection] = manifest
            if next == ChunkPlan(byteCount: manifest.encodedBytes).count { return verify(transfer, manifest) }
            sessions[transfer.connection]?.post(
                .message(.continue(Continue(transfer: manifest.digest, fromChunk: next)))
            )
        } catch {
            refuse(transfer, error)
        }
    }

    /// Takes chunks that came one behind the other.
    func take(_ chunks: [Chunk], of transfer: Transfer) async throws {
        let manifest = uploads[transfer.connection]
        guard let manifest, chunks.allSatisfy({ $0.transfer == manifest.digest }) else {
            let stray = chunks.first { $0.transfer != manifest?.digest }
            return post(
                .undecodable(
                    transfer.connection,
                    code: .badChunk,
                    message: "chunk \(stray?.index ?? 0) of no open transfer"
                )
            )
        }
        do {
            if try await store.append(chunks, of: transfer, manifest) { verify(transfer, manifest) }
        } catch {
            refuse(transfer, error)
        }
    }

    /// Has the whole checked and made durable, beside the loop; then the machine hears of it.
    private func verify(_ transfer: Transfer, _ manifest: Manifest) {
        uploads[transfer.connection] = nil
        arrivedSender.yield((transfer, manifest))
    }

    /// Takes what has arrived one by one, so that no more than one upload is in memory.
    func verifyArrived() async {
        for await (transfer, manifest) in arrived {
            do {
                try await keep(transfer, manifest)
                post(.transferStored(transfer))
            } catch {
                refuse(transfer, error)
            }
        }
    }

    private func keep(_ transfer: Transfer, _ manifest: Manifest) async throws {
        switch transfer.place {
        case .update(let round):
            let limit = try await bench.normLimit(
                round: round,
                job.topology.aggregation.normLimit,
                vetoed: machine.record.vetoed
            )
            let (blob, norm) = try await bench.update(transfer, manifest, normLimit: limit)
            try await exchange.run { [ledger, layout] judge in
                func changed() throws -> AdapterWeights {
                    try ledger.adapter(round: round, layout: layout)
                        .adding(layout.apply(to: BlobDecoder.adapter(from: blob)))
                }
                if let reason = try judge.objection(to: try changed(), from: transfer.client) {
                    throw UpdateFault.unusable(reason)
                }
            }
            try await bench.accept(update: blob, norm: norm, of: transfer, round: round)
        case .responses(let round, let step):
            let (blob, responses) = try await bench.responses(transfer, manifest)
            let sender = sender(transfer.client, round)
            try await exchange.run { judge in
                let batch = try judge.batch(round: round, step: step)
                let set = try ResponseSet(responses, to: batch, payloadBytesMax: Limits.responseBytesMax)
                _ = try judge.checkedScores(set.groups, to: batch, from: sender())
            }
            try await bench.accept(responses: blob, of: transfer, round: round, step: step)
        }
    }

    private func refuse(_ transfer: Transfer, _ error: any Error) {
        uploads[transfer.connection] = nil
        let code: ErrorCode =
            switch error {
            case let error as WireError: error.code
            case let error as UpdateFault: error.code
            case is ResponseFault, is ResponseSetFault: .badResponse
            case let error as LedgerError where error.code == .conflict: .conflict
            case let error as LedgerError where error.code == .corrupt: .digestMismatch
            case let error as LedgerError where error.code == .badChunk: .badChunk
            case is LedgerError: .storage
            case is CancellationError: .internal
            // What the judge throws is about what the client sent, and the same bytes will not do better.
            default:
                switch transfer.place {
                case .responses: .badResponse
                case .update: .unusableUpdate
                }
            }
        if code == .storage || code == .internal {
            logger.error(
                "an upload could not be kept",
                metadata: ["client": "\(transfer.client)", "reason": "\(error)"]
            )
        }
        post(.transferFailed(transfer, code: code, message: "\(error)"))
    }
}

extension UpdateFault {
    /// The code that tells the client.
    fileprivate var code: ErrorCode {
        switch self {
        case .layout(let fault): fault.code
        case .notFinite: .notFinite
        case .notWhole: .malformed
        case .normTooLarge: .normTooLarge
        case .unusable: .unusableUpdate
        }
    }
}

extension AdapterFault {
    /// The code that tells the client.
    fileprivate var code: ErrorCode {
        switch self {
        case .missing, .unexpected, .wrongShape, .badPair, .unusable: .wrongShape
        case .repeated: .duplicateName
        case .badValue: .notFinite
        }
    }
}

extension PublicJudge {
    /// The judge's scores of one client's responses, one finite score for each.
    ///
    /// - Throws: What `score` throws; `NodeError` for a judge that does not keep to its contract.
    func checkedScores(
        _ responses: [[Response]],
        to batch: PublicBatch,
        from sender: Sender
    ) throws -> [[Double]] {
        let scores = try score(responses, to: batch, from: sender)
        guard scores.map(\.count) == responses.map(\.count), scores.joined().allSatisfy(\.isFinite) else {
            throw NodeError(
                .failed,
                "the trainer's judge gave no finite score to each response of '\(sender.client)'"
            )
        }
        return scores
    }
}
