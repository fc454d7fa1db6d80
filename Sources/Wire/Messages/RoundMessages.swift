// The requests and answers of a round. `protocol/tributary/v1/round.proto` has the meaning of every field.

/// The client asks for the round after the one it completed.
public struct FetchRound: Sendable, Equatable {
    /// The round completed last, or -1.
    public var after: Int

    /// Makes a request.
    public init(after: Int) { self.after = after }
}

/// A round begins; the manifest announces its adapter.
public struct RoundStart: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The adapter.
    public var manifest: Manifest

    /// Makes an announcement.
    public init(round: Int, manifest: Manifest) {
        self.round = round
        self.manifest = manifest
    }
}

/// The client asks for the public items of a step.
public struct FetchBatch: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int

    /// Makes a request.
    public init(round: Int, step: Int) {
        self.round = round
        self.step = step
    }
}

/// The manifest announces the public items of a step.
public struct Batch: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// The public batch.
    public var manifest: Manifest

    /// Makes an announcement.
    public init(round: Int, step: Int, manifest: Manifest) {
        self.round = round
        self.step = step
        self.manifest = manifest
    }
}

/// The manifest announces the client's responses to the public items of a step.
public struct OfferResponses: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// The response set.
    public var manifest: Manifest

    /// Makes an offer.
    public init(round: Int, step: Int, manifest: Manifest) {
        self.round = round
        self.step = step
        self.manifest = manifest
    }
}

/// The client asks for the pool of a step as soon as there is one.
public struct FetchPool: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int

    /// Makes a request.
    public init(round: Int, step: Int) {
        self.round = round
        self.step = step
    }
}

/// The manifest announces what the client absorbs in a step.
public struct Pool: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// The response pool.
    public var manifest: Manifest

    /// Makes an announcement.
    public init(round: Int, step: Int, manifest: Manifest) {
        self.round = round
        self.step = step
        self.manifest = manifest
    }
}

/// The public step went on without this client; it takes a local step in its place.
public struct StepSkipped: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int

    /// Makes a notice.
    public init(round: Int, step: Int) {
        self.round = round
        self.step = step
    }
}

/// The manifest announces the client's update of a round.
public struct OfferUpdate: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The update.
    public var manifest: Manifest
    /// How many private examples the round trained on: the client's weight in the average.
    public var examples: Int
    /// How training went, in ascending order of name.
    public var metrics: [Metric]

    /// Makes an offer.
    public init(round: Int, manifest: Manifest, examples: Int, metrics: [Metric]) {
        self.round = round
        self.manifest = manifest
        self.examples = examples
        self.metrics = metrics
    }
}

/// How a local step went; for reports, not acknowledged.
public struct StepProgress: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// How it went, in ascending order of name.
    public var metrics: [Metric]

    /// Makes a report.
    public init(round: Int, step: Int, metrics: [Metric]) {
        self.round = round
        self.step = step
        self.metrics = metrics
    }
}

/// A named number for reports; finite.
public struct Metric: Sendable, Equatable {
    /// The name, such as `reward` or `grad_norm`.
    public var name: String
    /// The value.
    public var value: Double

    /// Makes a metric.
    public init(name: String, value: Double) {
        self.name = name
        self.value = value
    }

    /// The finite ones of some named numbers, in ascending order of name (by UTF-8 bytes).
    public static func list(_ values: [String: Double]) -> [Metric] {
        values.filter { $0.value.isFinite }
            .map { Metric(name: $0.key, value: $0.value) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}
