internal import Digest
internal import FoundationEssentials

extension Hello: ProtobufConvertible {
    init(_ proto: ProtoHello) throws(WireError) {
        let check = Check(message: "hello")
        protocolVersion = Int(proto.protocolVersion)
        guard protocolVersion == Frame.version else { throw .unsupportedVersion(found: protocolVersion) }
        software = try check.text(proto.software)
        federation = try check.nodeName(proto.federation, "federation")
        client = try check.nodeName(proto.client, "client")
        baseModel = try check.digest(proto.baseModel, "base_model")
        trainer = try check.nodeName(proto.trainer, "trainer")
        settings = try check.optionalDigest(proto.settings, "settings")
    }

    var proto: ProtoHello {
        var proto = ProtoHello()
        proto.protocolVersion = UInt32(clamping: protocolVersion)
        proto.software = software
        proto.federation = federation
        proto.client = client
        proto.baseModel = Data(baseModel.bytes)
        proto.trainer = trainer
        proto.settings = Data(settings?.bytes ?? [])
        return proto
    }
}

extension Welcome: ProtobufConvertible {
    init(_ proto: ProtoWelcome) throws(WireError) {
        let check = Check(message: "welcome")
        session = proto.session
        seed = proto.seed
        trainer = try check.nodeName(proto.trainer, "trainer")
        settings = try check.bytes(proto.settings, limit: "settingsBytesMax", Limits.settingsBytesMax)
        rounds = try check.number(proto.rounds, "rounds", limit: "roundsMax", in: 1...Limits.roundsMax)
        steps = try check.number(proto.steps, "steps", limit: "stepsMax", in: 1...Limits.stepsMax)
        localPerPublic = try check.number(
            proto.localPerPublic,
            "local_per_public",
            limit: "stepsMax",
            in: 0...Limits.stepsMax
        )
        heartbeatMs = try check.number(
            proto.heartbeatMs,
            "heartbeat_ms",
            limit: "intervalMsMax",
            in: 1...Limits.intervalMsMax
        )
        encoding = try TensorEncoding(proto.encoding, message: "welcome")
    }

    var proto: ProtoWelcome {
        var proto = ProtoWelcome()
        proto.session = session
        proto.seed = seed
        proto.trainer = trainer
        proto.settings = Data(settings)
        proto.rounds = UInt32(clamping: rounds)
        proto.steps = UInt32(clamping: steps)
        proto.localPerPublic = UInt32(clamping: localPerPublic)
        proto.heartbeatMs = UInt32(clamping: heartbeatMs)
        proto.encoding = encoding.elementType.proto
        return proto
    }
}

extension Refused: ProtobufConvertible {
    init(_ proto: ProtoRefused) throws(WireError) {
        let check = Check(message: "refused")
        code = try check.errorCode(proto.code)
        message = try check.text(proto.message)
    }

    var proto: ProtoRefused {
        var proto = ProtoRefused()
        proto.code = ProtoErrorCode(code)
        proto.message = message
        return proto
    }
}

extension Bye: ProtobufConvertible {
    init(_ proto: ProtoBye) throws(WireError) {
        reason = try Check(message: "bye").text(proto.reason)
    }

    var proto: ProtoBye {
        var proto = ProtoBye()
        proto.reason = reason
        return proto
    }
}

extension Finished: ProtobufConvertible {
    init(_ proto: ProtoFinished) throws(WireError) {
        let check = Check(message: "finished")
        rounds = try check.number(proto.rounds, "rounds", limit: "roundsMax", in: 0...Limits.roundsMax)
        adapter = try check.digest(proto.adapter, "adapter")
    }

    var proto: ProtoFinished {
        var proto = ProtoFinished()
        proto.rounds = UInt32(clamping: rounds)
        proto.adapter = Data(adapter.bytes)
        return proto
    }
}

extension Drain: ProtobufConvertible {
    init(_ proto: ProtoDrain) throws(WireError) {
        reconnectAfterMs = try Check(message: "drain").number(
            proto.reconnectAfterMs,
            "reconnect_after_ms",
            limit: "intervalMsMax",
            in: 0...Limits.intervalMsMax
        )
    }

    var proto: ProtoDrain {
        var proto = ProtoDrain()
        proto.reconnectAfterMs = UInt32(clamping: reconnectAfterMs)
        return proto
    }
}

extension ProtoErrorCode {
    init(_ code: ErrorCode) {
        self = ProtoErrorCode(rawValue: code.rawValue) ?? .unspecified
    }
}
