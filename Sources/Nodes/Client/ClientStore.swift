internal import Digest
internal import Contract
internal import FoundationEssentials
internal import Ledger
internal import Rounds
internal import Wire

/// What a client keeps on disk: how far it is, the adapter its round began from, what a lossy encoding owes,
/// its trainer's snapshot, and the upload that has no receipt yet.
///
/// Record, adapter, debt and snapshot are one file, replaced in one piece, so they always fit each other.
actor ClientStore {
    private let thread = ComputeThread()
    private let state: ClientState
    private let metrics: MetricsFile

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
        var feedback: ErrorFeedback
        var reports: [SavedReport]
        var trainer: [UInt8]
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
        guard parts.count == 4, let record = ClientRecord(String(decoding: parts[0], as: UTF8.self)) else {
            throw NodeError(.data, "\(state.directory)/snapshot does not begin with a client's record")
        }
        return Saved(
            record: record,
            broadcast: parts[1].isEmpty ? nil : try EncodedBlob(serialized: parts[1]),
            feedback: try ErrorFeedback(snapshot: parts[2]),
            reports: try JSONDecoder().decode([SavedReport].self, from: Data(parts[3])),
            trainer: snapshot.trainer
        )
    }

    /// Appends a step to `metrics.jsonl`; it is durable with the next `save`.
    ///
    /// - Returns: Why lines could not be written; nil if they were.
    func append(_ line: StepLine) -> String? {
        if let text = try? line.text() { metrics.append(text) }
        return metrics.takeFailure()
    }

    /// Replaces what was saved; durable when this returns, with the metrics of what it covers.
    func save(_ saved: Saved) throws {
        metrics.sync()
        let progress = ClientStore.join([
            Array(saved.record.description.utf8),
            try saved.broadcast?.serialized() ?? [],
            try saved.feedback.snapshot(),
            Array(try saved.reports.json().utf8),
        ])
        try state.save(ClientSnapshot(progress: progress, trainer: saved.trainer))
    }

    /// Keeps an upload until `discard`.
    func keep(_ blob: EncodedBlob, examples: Int, metrics: [Metric]) throws {
        let header = ([String(examples)] + metrics.map { "\($0.name) \($0.value.bitPattern)" })
            .joined(separator: "\n")
        try state.keep(PendingUpload(header: Array(header.utf8), payload: try blob.serialized()))
    }

    /// The upload that is kept.
    func kept() throws -> (blob: EncodedBlob, examples: Int, metrics: [Metric])? {
        guard let pending = try state.pendingUpload() else { return nil }
        let lines = String(decoding: pending.header, as: UTF8.self).split(separator: "\n")
        guard let examples = lines.first.flatMap({ Int($0) }) else {
            throw NodeError(.data, "\(state.directory)/pending does not begin with a count of examples")
        }
        let metrics = lines.dropFirst().compactMap { line -> Metric? in
            let words = line.split(separator: " ")
            guard words.count == 2, let bits = UInt64(words[1]) else { return nil }
            return Metric(name: String(words[0]), value: Double(bitPattern: bits))
        }
        return (try EncodedBlob(serialized: pending.payload), examples, metrics)
    }

    /// Forgets the upload that is kept.
    func discard() throws {
        guard let pending = try state.pendingUpload() else { return }
        try state.confirm(SHA256Digest(of: pending.payload))
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
