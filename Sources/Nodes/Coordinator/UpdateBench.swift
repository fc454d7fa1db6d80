internal import Aggregation
internal import Digest
internal import Exchange
internal import FoundationEssentials
internal import Ledger
internal import Rounds
internal import Wire

/// Checks what has arrived whole and merges updates, on a thread of its own: neither the loop nor a
/// heartbeat waits for a digest, an unpacking or an average.
actor UpdateBench {
    private let thread = ComputeThread()
    private let ledger: Ledger
    private let wallClockMs: @Sendable () -> Int64
    private var broadcast: (round: Int, adapter: AdapterWeights)?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Takes the ledger, which the store writes to as well.
    ///
    /// - Parameters:
    ///   - ledger: The ledger.
    ///   - wallClockMs: Milliseconds since 1970, for the log of events; no result depends on it.
    init(_ ledger: Ledger, wallClockMs: @escaping @Sendable () -> Int64) {
        self.ledger = ledger
        self.wallClockMs = wallClockMs
    }

    /// The Euclidean norm above which an update is refused in any run: no training comes near it, and sums of
    /// such updates stay finite.
    static let normMax = 1e6

    /// Checks an update's values and records it; durable when this returns.
    ///
    /// - Throws: `WireError`, `UpdateFault` or `LedgerError` for an update that must be refused.
    func acceptUpdate(_ transfer: Transfer, _ manifest: Manifest, round: Int, normLimit: Double?) throws {
        let blob = try complete(transfer, manifest)
        let delta = try BlobDecoder.adapter(from: blob)
        try UpdateCheck(layout: adapter(round: round), normMax: normLimit ?? Self.normMax).check(delta)
        let metrics = Dictionary(transfer.metrics.map { ($0.name, $0.value) }) { first, _ in first }
        _ = try ledger.accept(
            UpdateRecord(
                round: round,
                client: transfer.client,
                blob: try BlobRecord.stored(blob),
                examples: transfer.examples,
                metrics: Array(try metrics.json().utf8)
            )
        )
    }

    /// The responses of a transfer whose chunks are all here.
    func responses(_ transfer: Transfer, _ manifest: Manifest) throws -> (
        blob: EncodedBlob, responses: [Response]
    ) {
        let blob = try complete(transfer, manifest)
        return (blob, try BlobDecoder.responses(from: blob))
    }

    /// Records responses that were verified; durable when this returns.
    func accept(responses blob: EncodedBlob, of transfer: Transfer, round: Int, step: Int) throws {
        _ = try ledger.accept(
            responses: ExchangeRecord(
                round: round,
                step: step,
                client: transfer.client,
                blob: try BlobRecord.stored(blob)
            )
        )
    }

    private func complete(_ transfer: Transfer, _ manifest: Manifest) throws -> EncodedBlob {
        try ledger.completeUpload(Upload(transfer, manifest))
        return try EncodedBlob(manifest: manifest, bytes: ledger.bytes(of: manifest.digest))
    }

    /// Merges the updates of some clients into the adapter that the next round starts from.
    ///
    /// - Returns: The digest of the adapter as it travels; durable.
    func aggregate(
        round: Int,
        clients: [String],
        rule: any DeltaRule,
        weighting: Weighting
    ) throws -> SHA256Digest {
        let contributions = try ledger.updates(round: round).filter { clients.contains($0.client) }.map {
            record in
            Contribution(
                client: record.client,
                delta: try BlobDecoder.adapter(from: ledger.blob(record.blob)),
                examples: record.examples
            )
        }
        let merged = try Aggregate(
            of: contributions,
            broadcast: adapter(round: round),
            rule: rule,
            weighting: weighting
        )
        let blob = try BlobEncoder.encode(merged.adapter, as: .adapter, encoding: .f32)
        _ = try ledger.store(blob.bytes)
        let acceptance = try ledger.finishRound(
            round,
            adapter: BlobRecord.stored(blob),
            evaluation: nil,
            atMs: wallClockMs()
        )
        if acceptance == .new {
            let line = try AggregationMetrics(merged.diagnostics, round: round).json()
            _ = try ledger.log(
                EventRecord(
                    atMs: wallClockMs(),
                    name: AggregationMetrics.eventName,
                    round: round,
                    detail: Array(line.utf8)
                )
            )
        }
        return blob.manifest.digest
    }

    /// Does something slow with the adapter that a round starts from.
    func withAdapter(round: Int, _ body: @Sendable (AdapterWeights) throws -> Void) throws {
        try body(adapter(round: round))
    }

    /// The adapter that a round starts from, unpacked.
    func adapter(round: Int) throws -> AdapterWeights {
        if let broadcast, broadcast.round == round { return broadcast.adapter }
        let adapter = try BlobDecoder.adapter(from: ledger.adapterBlob(round: round))
        broadcast = (round, adapter)
        return adapter
    }
}

extension Upload {
    /// A transfer as the ledger keeps it.
    init(_ transfer: Transfer, _ manifest: Manifest) {
        self.init(
            client: transfer.client,
            digest: manifest.digest,
            bytes: manifest.encodedBytes,
            chunkBytes: Limits.chunkBytesMax
        )
    }
}

extension Ledger {
    /// The blob of a record, with all the checks of a transfer.
    func blob(_ record: StoredBlob) throws -> EncodedBlob {
        try BlobRecord.blob(record, bytes: bytes(of: record.digest))
    }

    /// The adapter that a round starts from, recorded before, as it travels.
    func adapterBlob(round: Int) throws -> EncodedBlob {
        guard let record = try adapter(version: round) else {
            throw NodeError(.data, "\(directory): the adapter of round \(round) is missing")
        }
        return try blob(record)
    }
}

extension Manifest {
    /// Throws `wrongShape` unless the arrays are those of another manifest, in the same order.
    func checkLayout(of other: Manifest) throws(WireError) {
        for (entry, wanted) in zip(entries, other.entries) {
            guard entry.name == wanted.name else {
                throw .wrongShape(name: entry.name, reason: "expected the array '\(wanted.name)'")
            }
            guard entry.shape == wanted.shape else {
                throw .wrongShape(name: entry.name, reason: "shape \(entry.shape), expected \(wanted.shape)")
            }
        }
        guard entries.count == other.entries.count else {
            let reason = "\(entries.count) arrays, expected \(other.entries.count)"
            throw .wrongShape(name: entries.last?.name ?? "", reason: reason)
        }
    }
}
