internal import Aggregation
internal import Exchange
internal import Ledger
internal import Logging
internal import Rounds
internal import Topology
internal import Trainers
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

    func take(_ chunk: Chunk, of transfer: Transfer) async throws {
        guard let manifest = uploads[transfer.connection], chunk.transfer == manifest.digest else {
            return post(
                .undecodable(
                    transfer.connection,
                    code: .badChunk,
                    message: "chunk \(chunk.index) of no open transfer"
                )
            )
        }
        do {
            if try await store.append(chunk, of: transfer, manifest) { verify(transfer, manifest) }
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
            try await bench.acceptUpdate(
                transfer,
                manifest,
                round: round,
                normLimit: job.topology.aggregation.normLimit
            )
        case .responses(let round, let step):
            let (blob, responses) = try await bench.responses(transfer, manifest)
            let batch = try await exchangeJudge.batch(round: round, step: step)
            _ = try await exchangeJudge.scored(responses, to: batch)
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
            case is LedgerError: .storage
            default: .internal
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
        case .missingArray, .unexpectedArray, .wrongShape: .wrongShape
        case .repeatedArray: .duplicateName
        case .notFinite: .notFinite
        case .normTooLarge: .normTooLarge
        }
    }
}
