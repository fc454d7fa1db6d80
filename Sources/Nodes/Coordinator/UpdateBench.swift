internal import Aggregation
internal import Contract
package import Digest
internal import FoundationEssentials
package import Ledger
internal import Rounds
internal import Topology
package import Wire

/// Checks what has arrived whole and merges updates, on a thread of its own: neither the loop nor a
/// heartbeat waits for a digest, an unpacking or an average.
actor UpdateBench {
    private let thread = ComputeThread()
    private let ledger: Ledger
    /// What every adapter and every update of the run looks like, with the part of each array.
    private let layout: AdapterLayout
    private let wallClockMs: @Sendable () -> Int64
    private var broadcast: (round: Int, adapter: AdapterWeights)?
    /// The clients whose updates were left out of the newest merge as far longer than the others'.
    private(set) var leftOut: [String] = []
    /// By round, the norms of the updates in it.
    private var norms: [Int: [String: Double]] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Takes the ledger, which the store writes to as well.
    ///
    /// - Parameters:
    ///   - ledger: The ledger.
    ///   - layout: The adapter's layout, without local parts.
    ///   - wallClockMs: Milliseconds since 1970, for the log of events; no result depends on it.
    init(_ ledger: Ledger, layout: AdapterLayout, wallClockMs: @escaping @Sendable () -> Int64) {
        self.ledger = ledger
        self.layout = layout
        self.wallClockMs = wallClockMs
    }

    /// The Euclidean norm above which an update is refused in any run: no training comes near it, and sums of
    /// such updates stay finite.
    static let normMax = 1e6

    /// How many rounds back the norms of updates are looked at.
    static let normRounds = 5
    /// How many times their median an update may be long: whole rounds of training differ by far less from
    /// rounds with next to nothing to learn from.
    static let normsPerMedian = 30.0

    /// The norm above which a round's updates are refused. It follows from earlier rounds alone, so that it is
    /// the same for every update of the round, whichever comes first.
    ///
    /// - Parameters:
    ///   - round: The round.
    ///   - limit: What the topology says.
    ///   - vetoed: Rounds that say nothing about what is usual.
    func normLimit(round: Int, _ limit: Topology.NormLimit, vetoed: [Int]) throws -> Double {
        switch limit {
        case .fixed(let norm): return min(norm, Self.normMax)
        case .unlimited: return Self.normMax
        case .recent:
            let rounds = (0..<round).reversed().filter { !vetoed.contains($0) }.prefix(Self.normRounds)
            norms = norms.filter { rounds.contains($0.key) }
            let recent = try rounds.flatMap { try norms(round: $0).values }.filter { $0 > 0 }.sorted()
            guard !recent.isEmpty else { return Self.normMax }
            return min(Self.normsPerMedian * recent[recent.count / 2], Self.normMax)
        }
    }

    private func norms(round: Int) throws -> [String: Double] {
        if let known = norms[round] { return known }
        var found: [String: Double] = [:]
        for record in try ledger.updates(round: round) {
            // An older program's update may have none, and be pruned since.
            if record.norm == nil, record.blob.manifest.isEmpty { continue }
            found[record.client] =
                try record.norm ?? StoredUpdate(blob: ledger.blob(record.blob), layout: layout).norm()
        }
        norms[round] = found
        return found
    }

    /// An update whose chunks are all here, its values checked.
    ///
    /// - Throws: `WireError`, `UpdateFault` or `LedgerError` for an update that must be refused.
    func update(_ transfer: Transfer, _ manifest: Manifest, normLimit: Double) throws -> (
        blob: EncodedBlob, norm: Double
    ) {
        let blob = try complete(transfer, manifest)
        let reader = try BlobReader(blob)
        let norm = try UpdateCheck(layout: layout, normMax: normLimit).check(manifest.layout) {
            try reader.array(at: $0)
        }
        return (blob, norm)
    }

    /// Records an update that was checked; durable when this returns.
    func accept(update blob: EncodedBlob, norm: Double, of transfer: Transfer, round: Int) throws {
        let metrics = Dictionary(transfer.metrics.map { ($0.name, $0.value) }) { first, _ in first }
        _ = try ledger.accept(
            UpdateRecord(
                round: round,
                client: transfer.client,
                blob: try StoredBlob(blob),
                examples: transfer.examples,
                metrics: Array(try metrics.json().utf8),
                norm: norm
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
                blob: try StoredBlob(blob)
            )
        )
    }

    private func complete(_ transfer: Transfer, _ manifest: Manifest) throws -> EncodedBlob {
        try ledger.completeUpload(Upload(transfer, manifest))
        return try ledger.blob(manifest)
    }

    /// Merges the updates of some clients into the adapter that the next round starts from. Where they cannot be
    /// merged, the round ends with the adapter it began with, and `mergeFault` says why.
    ///
    /// A result that is recorded already stays: it is neither computed nor compressed again.
    ///
    /// - Returns: The digest of the adapter; durable.
    func aggregate(round: Int, clients: [String], job: Job, vetoed: [Int]) throws -> SHA256Digest {
        guard try ledger.adapter(version: round + 1) == nil else {
            return try adapter(round: round + 1).digest
        }
        let merged: Aggregate
        let measured: [String: [String: Double]]
        do {
            (merged, measured) = try merge(round: round, clients: clients, job: job)
        } catch is AggregationError {
            let previous = try previousAdapter(of: round)
            _ = try ledger.finishRound(round, adapter: previous, evaluation: nil, atMs: wallClockMs())
            return try adapter(round: round).digest
        }
        let blob = try ledger.store(merged.adapter)
        let line = AggregationMetrics(
            merged,
            round: round,
            transforms: measured,
            norms: try norms(round: round).filter { clients.contains($0.key) },
            normLimit: try normLimit(round: round, job.topology.aggregation.normLimit, vetoed: vetoed)
        )
        leftOut = clients.filter { !line.clients.contains($0) }
        // Before the result: once that is recorded, nothing here is done again.
        try note(AggregationMetrics.eventName, round: round, line)
        _ = try ledger.finishRound(round, adapter: StoredBlob(blob), evaluation: nil, atMs: wallClockMs())
        // What was stored is exactly this.
        broadcast = (round + 1, merged.adapter)
        return merged.adapter.digest
    }

    /// Why a round's updates could not be merged; nil if they were.
    func mergeFault(round: Int, clients: [String], job: Job) throws -> String? {
        guard try ledger.adapter(version: round + 1)?.digest == previousAdapter(of: round).digest else {
            return nil
        }
        do {
            _ = try merge(round: round, clients: clients, job: job)
            return nil
        } catch let error as AggregationError {
            return "\(error)"
        }
    }

    /// The adapter that a round starts from, as it is recorded.
    private func previousAdapter(of round: Int) throws -> StoredBlob {
        guard let previous = try ledger.adapter(version: round) else {
            throw NodeError(.data, "\(ledger.directory): the adapter of round \(round) is missing")
        }
        return previous
    }

    private func merge(round: Int, clients: [String], job: Job) throws -> (
        merged: Aggregate, measured: [String: [String: Double]]
    ) {
        let topology = job.topology
        let members = Set(clients)
        var measured: [String: [String: Double]] = [:]
        var contributions: [(contribution: Contribution, norm: Double)] = []
        for record in try ledger.updates(round: round) where members.contains(record.client) {
            let stored = StoredUpdate(blob: try ledger.blob(record.blob), layout: layout)
            try layout.check(stored.blob.manifest.layout)
            var delta: any UpdateSource = stored
            if !job.incoming.isEmpty {
                let place = UpdatePlace(seed: topology.seed, round: round, client: record.client)
                (delta, measured[record.client]) = try job.incoming.apply(delta, at: place)
            }
            let known = job.incoming.isEmpty ? record.norm : nil
            contributions.append(
                (
                    Contribution(client: record.client, delta: delta, examples: record.examples),
                    try known ?? delta.norm()
                )
            )
        }
        let merged = try Aggregate(
            of: Self.usual(among: contributions, topology.aggregation.normLimit),
            broadcast: adapter(round: round),
            rule: DeltaRules.rule(named: topology.aggregation.delta, for: layout),
            weighting: topology.aggregation.weights,
            examplesMax: topology.aggregation.examplesMax
        )
        return (merged, measured)
    }

    /// The updates of a round without those that are far longer than the others': with no round taken yet there is no
    /// recent norm to refuse them by, and one of them would have every round vetoed. Two updates say nothing about which
    /// of them is unusual.
    private static func usual(
        among contributions: [(contribution: Contribution, norm: Double)],
        _ limit: Topology.NormLimit
    ) -> [Contribution] {
        let all = contributions.map(\.contribution)
        guard case .recent = limit, contributions.count > 2 else { return all }
        let known = contributions.map(\.norm).filter { $0 > 0 }.sorted()
        // The lower one of two in the middle.
        guard let median = known.isEmpty ? nil : known[(known.count - 1) / 2] else { return all }
        return contributions.filter { $0.norm <= normsPerMedian * median }.map(\.contribution)
    }

    /// Notes that a round's result is not taken, and forgets it. The ledger replaces it when the fact is recorded.
    ///
    /// - Returns: The digest of the adapter that goes on, the one that the round started from.
    func veto(_ veto: VetoRecord) throws -> SHA256Digest {
        try note(VetoRecord.eventName, round: veto.round, veto)
        broadcast = nil
        return try adapter(round: veto.round).digest
    }

    private func note(_ name: String, round: Int, _ detail: some Encodable) throws {
        _ = try ledger.log(
            EventRecord(atMs: wallClockMs(), name: name, round: round, detail: Array(detail.json().utf8))
        )
    }

    /// The adapter that a round starts from, unpacked.
    func adapter(round: Int) throws -> AdapterWeights {
        if let broadcast, broadcast.round == round { return broadcast.adapter }
        let adapter = try ledger.adapter(round: round, layout: layout)
        broadcast = (round, adapter)
        return adapter
    }
}

// MARK: - Between the wire and the ledger

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

/// An update whose arrays are decoded one by one out of the file that the ledger keeps.
private struct StoredUpdate: UpdateSource {
    let blob: EncodedBlob
    let layout: AdapterLayout

    func read(_ index: Int, into values: inout [Float]) throws {
        values = try BlobReader(blob).array(at: index).values
    }
}

extension StoredBlob {
    /// What the ledger keeps of a blob besides its bytes: the manifest's bytes beside the digest.
    package init(_ blob: EncodedBlob) throws {
        self.init(digest: blob.manifest.digest, manifest: try blob.manifest.serialized())
    }
}

extension Ledger {
    /// The blob of a record.
    func blob(_ record: StoredBlob) throws -> EncodedBlob {
        let manifest = try Manifest(serialized: record.manifest)
        guard manifest.digest == record.digest else {
            throw NodeError(.data, "\(directory): the manifest of \(record.digest) is of \(manifest.digest)")
        }
        return try blob(manifest)
    }

    /// The blob of a manifest, read from its file where it is wanted.
    func blob(_ manifest: Manifest) throws -> EncodedBlob {
        try EncodedBlob(verified: manifest, file: BlobFile(reading: file(of: manifest.digest)))
    }

    /// Stores an adapter as it travels, array by array; durable when this returns.
    func store(_ adapter: AdapterWeights) throws -> EncodedBlob {
        let draft = try draft()
        var writer = try BlobWriter(
            .adapter,
            encoding: .f32,
            file: draft,
            expectedBytes: TensorEncoding.f32.bytesPerValue * adapter.valueCount
        )
        for array in adapter.arrays { try writer.append(array) }
        let blob = try writer.finish()
        try adopt(draft, as: blob.manifest.digest)
        return blob
    }

    /// The adapter that a round starts from, recorded before, as it travels.
    func adapterBlob(round: Int) throws -> EncodedBlob {
        guard let record = try adapter(version: round) else {
            throw NodeError(.data, "\(directory): the adapter of round \(round) is missing")
        }
        return try blob(record)
    }

    /// What identifies the adapter that a round starts from; see `AdapterWeights.digest`.
    package func adapterDigest(round: Int) throws -> SHA256Digest {
        try BlobDecoder.adapter(from: adapterBlob(round: round)).digest
    }

    /// The adapter that a round starts from, unpacked.
    func adapter(round: Int, layout: AdapterLayout) throws -> AdapterWeights {
        try layout.apply(to: BlobDecoder.adapter(from: adapterBlob(round: round)))
    }

    /// The newest adapter that a client is known to have had when a round began; see `Sender.adapter`.
    func lastAdapter(of client: String, before round: Int, layout: AdapterLayout) throws -> AdapterWeights {
        guard let update = try newestUpdate(of: client, before: round) else {
            return try adapter(round: 0, layout: layout)
        }
        let delta = try layout.apply(to: BlobDecoder.adapter(from: blob(update.blob)))
        return try adapter(round: update.round, layout: layout).adding(delta)
    }

    /// One client's accepted responses to a public step, arranged by item and index.
    func responses(of client: String, to batch: PublicBatch) throws -> [[Response]] {
        let records = try responses(round: batch.round, step: batch.step)
        guard let record = records.first(where: { $0.client == client }) else {
            throw NodeError(
                .data,
                "\(directory): no responses of \(client) to round \(batch.round), step \(batch.step)"
            )
        }
        let responses = try BlobDecoder.responses(from: blob(record.blob))
        return try ResponseSet(responses, to: batch, payloadBytesMax: Limits.responseBytesMax).groups
    }
}
