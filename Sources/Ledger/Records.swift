package import Digest

// The facts that the ledger keeps, one value type each. Manifests, metrics and evaluations are bytes
// that the ledger stores and never reads.

/// A blob and the manifest that says what is in it. The manifest is empty where the blob was pruned.
package struct StoredBlob: Sendable, Hashable {
    /// SHA-256 of the blob's bytes.
    package var digest: SHA256Digest
    /// The manifest, in the wire's encoding.
    package var manifest: [UInt8]

    /// Makes a reference to a blob.
    package init(digest: SHA256Digest, manifest: [UInt8]) {
        self.digest = digest
        self.manifest = manifest
    }
}

/// One client's accepted update in one round.
package struct UpdateRecord: Sendable, Hashable {
    /// The round, from 0.
    package var round: Int
    /// The client's name.
    package var client: String
    /// The update.
    package var blob: StoredBlob
    /// How many examples the client says it trained on.
    package var examples: Int
    /// The client's metrics, as JSON.
    package var metrics: [UInt8]
    /// The update's Euclidean norm, counts left out; nil where an older program recorded it.
    package var norm: Double?

    /// Makes a record.
    package init(
        round: Int,
        client: String,
        blob: StoredBlob,
        examples: Int,
        metrics: [UInt8],
        norm: Double? = nil
    ) {
        self.round = round
        self.client = client
        self.blob = blob
        self.examples = examples
        self.metrics = metrics
        self.norm = norm
    }
}

/// What one client sent, or is sent, in one public step.
package struct ExchangeRecord: Sendable, Hashable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int
    /// The client's name.
    package var client: String
    /// The responses or the pool.
    package var blob: StoredBlob

    /// Makes a record.
    package init(round: Int, step: Int, client: String, blob: StoredBlob) {
        self.round = round
        self.step = step
        self.client = client
        self.blob = blob
    }
}

/// One round's progress.
package struct RoundRecord: Sendable, Hashable {
    /// The round, from 0.
    package var round: Int
    /// When it began, in milliseconds since 1970, as the caller's clock said.
    package var startedMs: Int64
    /// When it was finished; nil while it runs.
    package var finishedMs: Int64?

    /// Whether its aggregate is recorded.
    package var isFinished: Bool { finishedMs != nil }
}

/// What became of a public step for one client.
package enum StepOutcome: Sendable, Hashable {
    /// The coordinator still waits for responses.
    case open
    /// The client's pool.
    case pool(StoredBlob)
    /// The step closed without this client.
    case skipped
}

/// Whether a record was new.
package enum Acceptance: Sendable, Hashable {
    /// It is recorded now.
    case new
    /// The same was recorded before; nothing changed.
    case repeated
}

/// Which way bytes went, as the coordinator sees it.
package enum TrafficDirection: String, Sendable, Hashable, CaseIterable {
    /// From a client to the coordinator.
    case up
    /// From the coordinator to a client.
    case down
}

/// How much of one kind went one way in one round.
package struct TrafficRecord: Sendable, Hashable {
    /// The round, from 0.
    package var round: Int
    /// What the bytes were: `adapter`, `update`, `responses`, ….
    package var kind: String
    /// Which way they went.
    package var direction: TrafficDirection
    /// How many messages.
    package var messages: Int
    /// How many bytes on the wire.
    package var bytes: Int

    /// Makes a count.
    package init(round: Int, kind: String, direction: TrafficDirection, messages: Int, bytes: Int) {
        self.round = round
        self.kind = kind
        self.direction = direction
        self.messages = messages
        self.bytes = bytes
    }
}

/// Something that happened, for whoever has to explain a run afterwards.
package struct EventRecord: Sendable, Hashable {
    /// Its place in the log, from 1; given by the ledger.
    package var number: Int64
    /// When, in milliseconds since 1970, as the caller's clock said.
    package var atMs: Int64
    /// A short word, such as `updateLate`.
    package var name: String
    /// The round it belongs to, if any.
    package var round: Int?
    /// The client it belongs to, if any.
    package var client: String?
    /// Anything else, as JSON.
    package var detail: [UInt8]

    /// Makes an event; the ledger gives the number when it is logged.
    package init(atMs: Int64, name: String, round: Int? = nil, client: String? = nil, detail: [UInt8] = []) {
        self.number = 0
        self.atMs = atMs
        self.name = name
        self.round = round
        self.client = client
        self.detail = detail
    }
}
