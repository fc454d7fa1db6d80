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
