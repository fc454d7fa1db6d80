// The requests and answers of a round. `protocol/tributary/v1/round.proto` has the meaning of every field.

/// The client asks for the round after the one it completed.
package struct FetchRound: Sendable, Equatable {
    /// The round completed last, or -1.
    package var after: Int

    /// Makes a request.
    package init(after: Int) { self.after = after }
}

/// A round begins; the manifest announces its adapter.
package struct RoundStart: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The adapter.
    package var manifest: Manifest

    /// Makes an announcement.
    package init(round: Int, manifest: Manifest) {
        self.round = round
        self.manifest = manifest
    }
}

/// The client asks for the public items of a step.
package struct FetchBatch: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int

    /// Makes a request.
    package init(round: Int, step: Int) {
        self.round = round
        self.step = step
    }
}

/// The manifest announces the public items of a step.
package struct Batch: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int
    /// The public batch.
    package var manifest: Manifest

    /// Makes an announcement.
    package init(round: Int, step: Int, manifest: Manifest) {
        self.round = round
        self.step = step
        self.manifest = manifest
    }
}

/// The manifest announces the client's responses to the public items of a step.
package struct OfferResponses: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int
    /// The response set.
    package var manifest: Manifest

    /// Makes an offer.
    package init(round: Int, step: Int, manifest: Manifest) {
        self.round = round
        self.step = step
        self.manifest = manifest
    }
}

/// The client asks for the pool of a step as soon as there is one.
package struct FetchPool: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int

    /// Makes a request.
    package init(round: Int, step: Int) {
        self.round = round
        self.step = step
    }
}

/// The manifest announces what the client absorbs in a step.
package struct Pool: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int
    /// The response pool.
    package var manifest: Manifest

    /// Makes an announcement.
    package init(round: Int, step: Int, manifest: Manifest) {
        self.round = round
        self.step = step
        self.manifest = manifest
    }
}

/// The public step went on without this client; it takes a local step in its place.
package struct StepSkipped: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int

    /// Makes a notice.
    package init(round: Int, step: Int) {
        self.round = round
        self.step = step
    }
}

/// The manifest announces the client's update of a round.
package struct OfferUpdate: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The update.
    package var manifest: Manifest
    /// How many private examples the round trained on: the client's weight in the average.
    package var examples: Int
    /// How training went, in ascending order of name.
    package var metrics: [Metric]

    /// Makes an offer.
    package init(round: Int, manifest: Manifest, examples: Int, metrics: [Metric]) {
        self.round = round
        self.manifest = manifest
        self.examples = examples
        self.metrics = metrics
    }
}

/// How a local step went; for reports, not acknowledged.
package struct StepProgress: Sendable, Equatable {
    /// The round, from 0.
    package var round: Int
    /// The step within the round, from 0.
    package var step: Int
    /// How it went, in ascending order of name.
    package var metrics: [Metric]

    /// Makes a report.
    package init(round: Int, step: Int, metrics: [Metric]) {
        self.round = round
        self.step = step
        self.metrics = metrics
    }
}

/// A named number for reports; finite.
package struct Metric: Sendable, Equatable {
    /// The name, such as `reward` or `grad_norm`.
    package var name: String
    /// The value.
    package var value: Double

    /// Makes a metric.
    package init(name: String, value: Double) {
        self.name = name
        self.value = value
    }

    /// The finite ones of some named numbers, in ascending order of name (by UTF-8 bytes), as far as a message can
    /// carry them: figures are for people, and one with too long a name must not cost a connection.
    package static func list(_ values: [String: Double]) -> [Metric] {
        let sorted = values.filter { $0.value.isFinite && isName($0.key) }
            .map { Metric(name: $0.key, value: $0.value) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return Array(sorted.prefix(Limits.metricsMax))
    }
}

extension Metric {
    private static func isName(_ name: String) -> Bool {
        (1...Limits.metricNameBytesMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

// MARK: - Protobuf

extension FetchRound: ProtobufConvertible {
    init(_ proto: ProtoFetchRound) throws(WireError) {
        after = try Check(message: "fetchRound").number(
            proto.after,
            "after",
            limit: "roundsMax",
            in: -1...Limits.roundsMax
        )
    }

    var proto: ProtoFetchRound {
        var proto = ProtoFetchRound()
        proto.after = Int64(after)
        return proto
    }
}

extension RoundStart: ProtobufConvertible {
    static var census: [Census] { [Manifest.census(field: 2)] }

    init(_ proto: ProtoRoundStart) throws(WireError) {
        round = try Check(message: "roundStart").round(proto.round)
        manifest = try Manifest(proto.manifest, kind: .adapter)
    }

    var proto: ProtoRoundStart {
        var proto = ProtoRoundStart()
        proto.round = UInt32(clamping: round)
        proto.manifest = manifest.proto
        return proto
    }
}

extension FetchBatch: ProtobufConvertible {
    init(_ proto: ProtoFetchBatch) throws(WireError) {
        let check = Check(message: "fetchBatch")
        round = try check.round(proto.round)
        step = try check.step(proto.step)
    }

    var proto: ProtoFetchBatch {
        var proto = ProtoFetchBatch()
        proto.round = UInt32(clamping: round)
        proto.step = UInt32(clamping: step)
        return proto
    }
}

extension Batch: ProtobufConvertible {
    static var census: [Census] { [Manifest.census(field: 3)] }

    init(_ proto: ProtoBatch) throws(WireError) {
        let check = Check(message: "batch")
        round = try check.round(proto.round)
        step = try check.step(proto.step)
        manifest = try Manifest(proto.manifest, kind: .batch)
    }

    var proto: ProtoBatch {
        var proto = ProtoBatch()
        proto.round = UInt32(clamping: round)
        proto.step = UInt32(clamping: step)
        proto.manifest = manifest.proto
        return proto
    }
}

extension OfferResponses: ProtobufConvertible {
    static var census: [Census] { [Manifest.census(field: 3)] }

    init(_ proto: ProtoOfferResponses) throws(WireError) {
        let check = Check(message: "offerResponses")
        round = try check.round(proto.round)
        step = try check.step(proto.step)
        manifest = try Manifest(proto.manifest, kind: .responses)
    }

    var proto: ProtoOfferResponses {
        var proto = ProtoOfferResponses()
        proto.round = UInt32(clamping: round)
        proto.step = UInt32(clamping: step)
        proto.manifest = manifest.proto
        return proto
    }
}

extension FetchPool: ProtobufConvertible {
    init(_ proto: ProtoFetchPool) throws(WireError) {
        let check = Check(message: "fetchPool")
        round = try check.round(proto.round)
        step = try check.step(proto.step)
    }

    var proto: ProtoFetchPool {
        var proto = ProtoFetchPool()
        proto.round = UInt32(clamping: round)
        proto.step = UInt32(clamping: step)
        return proto
    }
}

extension Pool: ProtobufConvertible {
    static var census: [Census] { [Manifest.census(field: 3)] }

    init(_ proto: ProtoPool) throws(WireError) {
        let check = Check(message: "pool")
        round = try check.round(proto.round)
        step = try check.step(proto.step)
        manifest = try Manifest(proto.manifest, kind: .pool)
    }

    var proto: ProtoPool {
        var proto = ProtoPool()
        proto.round = UInt32(clamping: round)
        proto.step = UInt32(clamping: step)
        proto.manifest = manifest.proto
        return proto
    }
}

extension StepSkipped: ProtobufConvertible {
    init(_ proto: ProtoStepSkipped) throws(WireError) {
        let check = Check(message: "stepSkipped")
        round = try check.round(proto.round)
        step = try check.step(proto.step)
    }

    var proto: ProtoStepSkipped {
        var proto = ProtoStepSkipped()
        proto.round = UInt32(clamping: round)
        proto.step = UInt32(clamping: step)
        return proto
    }
}

extension OfferUpdate: ProtobufConvertible {
    static var census: [Census] { [Manifest.census(field: 2), Metric.census(field: 4)] }

    init(_ proto: ProtoOfferUpdate) throws(WireError) {
        let check = Check(message: "offerUpdate")
        round = try check.round(proto.round)
        manifest = try Manifest(proto.manifest, kind: .update)
        examples = try check.number(
            proto.examples,
            "examples",
            limit: "examplesMax",
            in: 0...Limits.examplesMax
        )
        metrics = try check.metrics(proto.metrics)
    }

    var proto: ProtoOfferUpdate {
        var proto = ProtoOfferUpdate()
        proto.round = UInt32(clamping: round)
        proto.manifest = manifest.proto
        proto.examples = UInt64(clamping: examples)
        proto.metrics = metrics.map(\.proto)
        return proto
    }
}

extension StepProgress: ProtobufConvertible {
    static var census: [Census] { [Metric.census(field: 3)] }

    init(_ proto: ProtoProgress) throws(WireError) {
        let check = Check(message: "progress")
        round = try check.round(proto.round)
        step = try check.step(proto.step)
        metrics = try check.metrics(proto.metrics)
    }

    var proto: ProtoProgress {
        var proto = ProtoProgress()
        proto.round = UInt32(clamping: round)
        proto.step = UInt32(clamping: step)
        proto.metrics = metrics.map(\.proto)
        return proto
    }
}

extension Metric {
    static func census(field: Int) -> Census {
        Census(field: field, limit: "metricsMax", maximum: Limits.metricsMax)
    }

    var proto: ProtoMetric {
        var proto = ProtoMetric()
        proto.name = name
        proto.value = value
        return proto
    }
}
