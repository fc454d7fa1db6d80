internal import Digest
internal import Contract
internal import FoundationEssentials
internal import Ledger
internal import Rounds
internal import Wire

/// What a client keeps on disk: how far it is, the adapter its round began from, what a lossy encoding owes,
/// its trainer's snapshot, and the upload that has no receipt yet. Whatever travels goes through files, never through
/// memory as a whole.
///
/// Record, adapter, debt and trainer change in one instant, so they always fit each other.
actor ClientStore {
    private let thread = ComputeThread()
    private let state: ClientState
    private let metrics: MetricsFile
    /// Blobs that are written and belong to nothing yet, by the names of their files.
    private var drafts: [SHA256Digest: String] = [:]
    private var download: (assembler: BlobAssembler, draft: String?)?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Takes an open state directory.
    init(_ state: ClientState) {
        self.state = state
        metrics = MetricsFile(in: state.directory)
    }

    /// The state directory.
    nonisolated var directory: String { state.directory }

    /// What was saved last; nil before the first time.
    struct Saved: Sendable {
        var record: ClientRecord
        var broadcast: EncodedBlob?
        /// What a lossy encoding owes.
        var residual: EncodedBlob?
        var reports: [SavedReport]
        /// The trainer's state; to be saved, nil leaves the one that was saved last.
        var trainer: [UInt8]?
        /// Whether the trainer has yet to begin the round with the broadcast: its state is from before.
        var beginsRound = false
    }

    /// Reads what was saved last.
    ///
    /// - Throws: `LedgerError` or `NodeError` for a file that is not what a client saves.
    func saved() throws -> Saved? {
        let saved = try read()
        // Later steps are taken again.
        let done = saved?.record.stepsDone ?? 0
        metrics.cut { line in
            if let line = StepLine(line), line.step <= done { return nil }
            return false
        }
        return saved
    }

    private func read() throws -> Saved? {
        guard let snapshot = try state.snapshot() else { return nil }
        let parts = try ClientStore.split(snapshot.progress)
        guard parts.count == 5, let record = ClientRecord(String(decoding: parts[0], as: UTF8.self)) else {
            throw NodeError(.data, "\(state.directory)/snapshot does not begin with a client's record")
        }
        return Saved(
            record: record,
            broadcast: try blob(parts[1]),
            residual: try blob(parts[2]),
            reports: try JSONDecoder().decode([SavedReport].self, from: Data(parts[3])),
            trainer: snapshot.trainer,
            beginsRound: !parts[4].isEmpty
        )
    }

    /// The blob of a manifest's bytes; nil for none.
    private func blob(_ manifest: [UInt8]) throws -> EncodedBlob? {
        guard !manifest.isEmpty else { return nil }
        let manifest = try Manifest(serialized: manifest)
        let file = try BlobFile(reading: state.file(of: manifest.digest))
        return try EncodedBlob(verified: manifest, file: file)
    }

    // MARK: - Downloads

    /// Begins to receive a blob: an adapter into a file, what is smaller into memory. What a lost connection has brought
    /// of it already need not come again.
    ///
    /// - Returns: The first chunk that is missing.
    func receive(_ manifest: Manifest) throws -> Int {
        if let download, download.assembler.manifest == manifest { return download.assembler.nextChunk }
        dropDownload()
        let draft = manifest.kind.holdsArrays ? state.draft() : nil
        let assembler =
            try onDisk { try draft.map { try BlobAssembler(manifest: manifest, file: $0) } }
            ?? BlobAssembler(manifest: manifest)
        download = (assembler, draft)
        return assembler.nextChunk
    }

    /// Takes chunks of what is being received.
    ///
    /// - Returns: The whole, once it is there.
    /// - Throws: `WireError`; what had come is dropped then.
    func take(_ chunks: [Chunk]) throws -> EncodedBlob? {
        guard let (assembler, draft) = download else { return nil }
        do {
            for chunk in chunks { try assembler.accept(chunk) }
            guard assembler.isComplete else { return nil }
            let blob = try assembler.finish()
            download = nil
            if let draft { drafts[blob.manifest.digest] = draft }
            return blob
        } catch {
            dropDownload()
            throw faultOfState(error)
        }
    }

    private func dropDownload() {
        if let draft = download?.draft { try? FileManager.default.removeItem(atPath: draft) }
        download = nil
    }

    /// Makes blobs that were written parts of the state.
    private func adopt(_ blobs: [EncodedBlob?]) throws -> [SHA256Digest] {
        try blobs.compactMap { blob in
            guard let digest = blob?.manifest.digest else { return nil }
            if let draft = drafts.removeValue(forKey: digest) { try state.adopt(draft, as: digest) }
            return digest
        }
    }

    /// Appends a step to `metrics.jsonl`; it is durable with the next `save`.
    ///
    /// - Returns: Why lines could not be written; nil if they were.
    func append(_ line: StepLine) -> String? {
        if let text = try? line.text() { metrics.append(text) }
        return metrics.takeFailure()
    }

    /// Replaces what was saved; durable when this returns, with the metrics of what it covers. What was downloaded or
    /// written before and belongs to nothing now is dropped.
    func save(_ saved: Saved) throws {
        metrics.sync()
        let progress = ClientStore.join([
            Array(saved.record.description.utf8),
            try saved.broadcast?.manifest.serialized() ?? [],
            try saved.residual?.manifest.serialized() ?? [],
            Array(try saved.reports.json().utf8),
            saved.beginsRound ? [1] : [],
        ])
        let blobs = try adopt([saved.broadcast, saved.residual])
        try state.save(ClientSnapshot(progress: progress, trainer: saved.trainer, blobs: blobs))
        for draft in drafts.values { try? FileManager.default.removeItem(atPath: draft) }
        drafts = [:]
    }

    // MARK: - Uploads

    /// The name of a new file for a blob.
    nonisolated func draft() -> String { state.draft() }

    /// Keeps an upload until `discard`, and makes what is owed with it part of the next `save`.
    ///
    /// - Parameters:
    ///   - blob: What will be sent; written to `draft` if it is in a file.
    ///   - draft: Its file; nil for a blob in memory.
    ///   - owed: What a lossy encoding owes afterwards, and its file.
    ///   - examples: Private examples behind it.
    ///   - metrics: What goes with it.
    func keep(
        _ blob: EncodedBlob,
        draft: String?,
        owed: (blob: EncodedBlob, draft: String)? = nil,
        examples: Int,
        metrics: [Metric]
    ) throws {
        let manifest = try blob.manifest.serialized()
        let file = draft ?? state.draft()
        if draft == nil { try BlobFile(creating: file, expectedBytes: 0).write(blob.bytes[...], at: 0) }
        try state.adopt(file, as: blob.manifest.digest)
        if let owed { drafts[owed.blob.manifest.digest] = owed.draft }
        let header = ([String(examples)] + metrics.map { "\($0.name) \($0.value.bitPattern)" })
            .joined(separator: "\n")
        try state.keep(
            PendingUpload(
                header: ClientStore.join([Array(header.utf8), manifest]),
                blob: blob.manifest.digest
            )
        )
    }

    /// The upload that is kept.
    func kept() throws -> (blob: EncodedBlob, examples: Int, metrics: [Metric])? {
        guard let pending = try state.pendingUpload() else { return nil }
        let parts = try ClientStore.split(pending.header)
        let lines = String(decoding: parts.first ?? [], as: UTF8.self).split(separator: "\n")
        guard parts.count == 2, let examples = lines.first.flatMap({ Int($0) }), let blob = try blob(parts[1])
        else {
            throw NodeError(.data, "\(state.directory)/pending does not begin with a count of examples")
        }
        let metrics = lines.dropFirst().compactMap { line -> Metric? in
            let words = line.split(separator: " ")
            guard words.count == 2, let bits = UInt64(words[1]) else { return nil }
            return Metric(name: String(words[0]), value: Double(bitPattern: bits))
        }
        return (blob, examples, metrics)
    }

    /// Forgets the upload that is kept.
    func discard() throws {
        guard let pending = try state.pendingUpload() else { return }
        try state.confirm(pending.blob)
    }

    private static func join(_ parts: [[UInt8]]) -> [UInt8] {
        parts.flatMap { part in (0..<8).map { UInt8(truncatingIfNeeded: part.count >> (8 * $0)) } + part }
    }

    private static func split(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var rest = bytes[...]
        var parts: [[UInt8]] = []
        while !rest.isEmpty {
            let count = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(8)
            guard count <= UInt64(rest.count) else {
                throw NodeError(.data, "a client's snapshot ends too early")
            }
            parts.append(Array(rest.prefix(Int(count))))
            rest = rest.dropFirst(Int(count))
        }
        return parts
    }
}
