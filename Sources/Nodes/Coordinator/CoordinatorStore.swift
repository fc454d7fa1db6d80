internal import Aggregation
internal import Digest
internal import Contract
internal import FoundationEssentials
internal import Ledger
internal import Rounds
internal import Wire

/// The coordinator's durable state on a thread of its own: whatever the loop has to wait for, facts and
/// chunks above all. What takes long, such as merging, is `UpdateBench`'s.
actor CoordinatorStore {
    private let thread = ComputeThread()
    private let ledger: Ledger
    private let layout: AdapterLayout
    private let wallClockMs: @Sendable () -> Int64
    private var broadcast: (round: Int, blob: EncodedBlob)?
    private var metrics: CoordinatorMetrics?
    /// The blobs whose transfers have begun since the last pruning, and since the one before it.
    private var begun: (now: Set<SHA256Digest>, before: Set<SHA256Digest>) = ([], [])

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Takes an open ledger.
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

    // MARK: - Facts

    /// Makes a fact of the coordinator's machine durable.
    func record(_ fact: CoordinatorFact) throws {
        switch fact {
        case .roundBegan(let round):
            _ = try ledger.beginRound(round, atMs: wallClockMs(), fact: fact.description)
        case .vetoed(let round, _):
            guard let previous = try ledger.adapter(version: round) else {
                throw NodeError(.data, "\(ledger.directory): the adapter of round \(round) is missing")
            }
            _ = try ledger.veto(round: round, restoring: previous, fact: fact.description)
        default:
            try ledger.append(facts: [fact.description])
        }
    }

    /// What the machine knew when it was stopped.
    ///
    /// - Throws: `NodeError` for a line that is no fact, `RecordFault` for one that cannot follow.
    func record() throws -> CoordinatorRecord {
        let facts = try ledger.facts().map { line in
            guard let fact = CoordinatorFact(line) else {
                throw NodeError(.data, "\(ledger.directory) records what is no fact: '\(line)'")
            }
            return fact
        }
        return try CoordinatorRecord(replaying: facts)
    }

    /// Appends to the log of events, for whoever has to explain the run.
    func note(_ name: String, round: Int? = nil, client: String? = nil, detail: String = "") throws {
        _ = try ledger.log(
            EventRecord(
                atMs: wallClockMs(),
                name: name,
                round: round,
                client: client,
                detail: Array(detail.utf8)
            )
        )
    }

    // MARK: - Metrics

    /// Opens `metrics.jsonl` and brings it to what the ledger says.
    ///
    /// - Parameters:
    ///   - completed: How many rounds are done.
    ///   - steps: How many steps a round has.
    func openMetrics(completed: Int, steps: Int) throws {
        metrics = try CoordinatorMetrics(ledger, completed: completed, steps: steps)
    }

    /// Writes the lines of `metrics.jsonl` for all rounds that are done and have none.
    ///
    /// - Returns: Why lines could not be written; nil if they were.
    func completeMetrics(to completed: Int) throws -> String? {
        try metrics?.complete(to: completed)
        return metrics?.takeFailure()
    }

    /// Appends what a client reports of a step to `metrics.jsonl`, unless it was reported before.
    ///
    /// - Returns: Why lines could not be written; nil if they were.
    func append(_ line: StepLine) -> String? {
        metrics?.append(line)
        return metrics?.takeFailure()
    }

    // MARK: - Adapters

    /// The adapter that a round starts from, as it travels. The newest one asked for is kept open: all
    /// clients are sent the same bytes.
    func adapterBlob(round: Int) throws -> EncodedBlob {
        if let broadcast, broadcast.round == round { return broadcast.blob }
        let blob = try ledger.adapterBlob(round: round)
        broadcast = (round, blob)
        return blob
    }

    /// Records the adapter of round 0 unless it is there.
    func recordInitialAdapter(_ adapter: AdapterWeights) throws {
        guard try ledger.adapter(version: 0) == nil else { return }
        _ = try ledger.recordInitialAdapter(StoredBlob(ledger.store(adapter)))
    }

    // MARK: - Uploads

    /// How many chunks of a transfer are here already.
    ///
    /// - Throws: `WireError` where the manifest alone shows that the transfer must be refused.
    func begin(_ transfer: Transfer, _ manifest: Manifest, encoding: TensorEncoding) throws -> Int {
        if case .update = transfer.place {
            try manifest.checkLayout(layout)
            try manifest.checkEncoding(encoding, layout)
        }
        begun.now.insert(manifest.digest)
        if ledger.contains(manifest.digest) { return ChunkPlan(byteCount: manifest.encodedBytes).count }
        return try ledger.resumeUpload(Upload(transfer, manifest))
    }

    /// Adds chunks; true once all are here.
    func append(_ chunks: [Chunk], of transfer: Transfer, _ manifest: Manifest) throws -> Bool {
        let upload = Upload(transfer, manifest)
        for chunk in chunks { try ledger.append(chunk.bytes, index: chunk.index, to: upload) }
        return chunks.last.map { $0.index + 1 } == upload.chunks
    }

    // MARK: - Public steps

    /// Records the pools of a public step; durable when this returns. Pools that are recorded already stay as they
    /// were compressed then.
    func close(_ outcome: PublicStepOutcome, round: Int, step: Int) throws {
        guard try !ledger.closedSteps(round: round).contains(step) else { return }
        var records: [ExchangeRecord] = []
        for pool in outcome.pools {
            let blob = try BlobEncoder.encode(pool.pool)
            _ = try ledger.store(blob.bytes)
            records.append(
                ExchangeRecord(
                    round: round,
                    step: step,
                    client: pool.client,
                    blob: try StoredBlob(blob)
                )
            )
        }
        // Before the pools: once those are recorded, nothing here is done again.
        let line = PublicStepMetrics(outcome.statistics, round: round, step: step)
        try note(PublicStepMetrics.eventName, round: round, detail: line.json())
        _ = try ledger.closeStep(round: round, step: step, pools: records)
    }

    /// The pool of a public step for one client, as it travels.
    func pool(round: Int, step: Int, client: String) throws -> EncodedBlob {
        guard case .pool(let record) = try ledger.outcome(round: round, step: step, client: client) else {
            throw NodeError(
                .data,
                "\(ledger.directory): no pool of round \(round), step \(step) for \(client)"
            )
        }
        return try ledger.blob(record)
    }

    // MARK: - Rounds

    /// Records what an adapter achieves; round -1 is the adapter of round 0.
    func record(evaluation: [UInt8], round: Int) throws {
        try ledger.recordEvaluation(round: round, evaluation)
    }

    /// The rounds that were evaluated, with the result as JSON.
    func evaluations() throws -> [(round: Int, result: [UInt8])] { try ledger.evaluations() }

    /// Deletes the blobs of rounds before the newest finished one that nothing asks for any more; see
    /// `Ledger.prune(before:sparing:)`.
    func prune(before round: Int) throws {
        // A client may send what was sent before: such a blob counts as here as soon as its transfer begins.
        try ledger.prune(before: round, sparing: begun.now.union(begun.before))
        begun = ([], begun.now)
    }

    /// Adds to the counts of bytes.
    func add(_ traffic: [TrafficRecord]) throws { try ledger.addTraffic(traffic) }

    /// The counts of bytes until now.
    func traffic() throws -> [TrafficRecord] { try ledger.traffic() }
}
