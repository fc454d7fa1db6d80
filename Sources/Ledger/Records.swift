public import Digest

// The facts that the ledger keeps, one value type each. Manifests, metrics and evaluations are bytes
// that the ledger stores and never reads.

/// A blob and the manifest that says what is in it.
public struct StoredBlob: Sendable, Hashable {
    /// SHA-256 of the blob's bytes.
    public var digest: SHA256Digest
    /// The manifest, in the wire's encoding.
    public var manifest: [UInt8]

    /// Makes a reference to a blob.
    public init(digest: SHA256Digest, manifest: [UInt8]) {
        self.digest = digest
        self.manifest = manifest
    }
}

/// One client's accepted update in one round.
public struct UpdateRecord: Sendable, Hashable {
    /// The round, from 0.
    public var round: Int
    /// The client's name.
    public var client: String
    /// The update.
    public var blob: StoredBlob
    /// How many examples the client says it trained on.
    public var examples: Int
    /// The client's metrics, as JSON.
    public var metrics: [UInt8]

    /// Makes a record.
    public init(round: Int, client: String, blob: StoredBlob, examples: Int, metrics: [UInt8]) {
        self.round = round
        self.client = client
        self.blob = blob
        self.examples = examples
        self.metrics = metrics
    }
}

/// What one client sent, or is sent, in one public step.
public struct ExchangeRecord: Sendable, Hashable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// The client's name.
    public var client: String
    /// The responses or the pool.
    public var blob: StoredBlob

    /// Makes a record.
    public init(round: Int, step: Int, client: String, blob: StoredBlob) {
        self.round = round
        self.step = step
        self.client = client
        self.blob = blob
    }
}

/// One round's progress.
public struct RoundRecord: Sendable, Hashable {
    /// The round, from 0.
    public var round: Int
    /// When it began, in milliseconds since 1970, as the caller's clock said.
    public var startedMs: Int64
    /// When it was finished; nil while it runs.
    public var finishedMs: Int64?

    /// Whether its aggregate is recorded.
    public var isFinished: Bool { finishedMs != nil }
}

/// What became of a public step for one client.
public enum StepOutcome: Sendable, Hashable {
    /// The coordinator still waits for responses.
    case open
    /// The client's pool.
    case pool(StoredBlob)
    /// The step closed without this client.
    case skipped
}

/// Whether a record was new.
public enum Acceptance: Sendable, Hashable {
    /// It is recorded now.
    case new
    /// The same was recorded before; nothing changed.
    case repeated
}

/// Which way bytes went, as the coordinator sees it.
public enum TrafficDirection: String, Sendable, Hashable, CaseIterable {
    /// From a client to the coordinator.
    case up
    /// From the coordinator to a client.
    case down
}

/// How much of one kind went one way in one round.
public struct TrafficRecord: Sendable, Hashable {
    /// The round, from 0.
    public var round: Int
    /// What the bytes were: `adapter`, `update`, `responses`, ….
    public var kind: String
    /// Which way they went.
    public var direction: TrafficDirection
    /// How many messages.
    public var messages: Int
    /// How many bytes on the wire.
    public var bytes: Int

    /// Makes a count.
    public init(round: Int, kind: String, direction: TrafficDirection, messages: Int, bytes: Int) {
        self.round = round
        self.kind = kind
        self.direction = direction
        self.messages = messages
        self.bytes = bytes
    }
}

/// Something that happened, for whoever has to explain a run afterwards.
public struct EventRecord: Sendable, Hashable {
    /// Its place in the log, from 1; given by the ledger.
    public var number: Int64
    /// When, in milliseconds since 1970, as the caller's clock said.
    public var atMs: Int64
    /// A short word, such as `updateLate`.
    public var name: String
    /// The round it belongs to, if any.
    public var round: Int?
    /// The client it belongs to, if any.
    public var client: String?
    /// Anything else, as JSON.
    public var detail: [UInt8]

    /// Makes an event; the ledger gives the number when it is logged.
    public init(atMs: Int64, name: String, round: Int? = nil, client: String? = nil, detail: [UInt8] = []) {
        self.number = 0
        self.atMs = atMs
        self.name = name
        self.round = round
        self.client = client
        self.detail = detail
    }
}
