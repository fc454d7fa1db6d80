package import Contract
package import Digest
internal import FoundationEssentials

// Connecting, staying and leaving. `protocol/tributary/v1/session.proto` has the meaning of every field.

/// The client's first message: who it is and what it is set up for.
package struct Hello: Sendable, Equatable {
    /// The highest protocol version the client speaks.
    package var protocolVersion: Int
    /// Name and version of the program, for logs.
    package var software: String
    /// The federation; must be that of the client's certificate.
    package var federation: String
    /// The client's name; must be that of the client's certificate.
    package var client: String
    /// The trainer the client is set up for.
    package var trainer: String
    /// Everything that all members must agree on, in any order, no name twice.
    package var fingerprint: [FingerprintPart]

    /// Makes a hello.
    package init(
        protocolVersion: Int = Frame.version,
        software: String,
        federation: String,
        client: String,
        trainer: String,
        fingerprint: [FingerprintPart]
    ) {
        self.protocolVersion = protocolVersion
        self.software = software
        self.federation = federation
        self.client = client
        self.trainer = trainer
        self.fingerprint = fingerprint
    }

    /// Throws what a receiver would throw for a fingerprint: `limitExceeded` for too many parts or a name
    /// or value that is too long, `malformed` for an empty name or a control character, `duplicateName`.
    package static func check(_ fingerprint: [FingerprintPart]) throws(WireError) {
        guard fingerprint.count <= Limits.fingerprintPartsMax else {
            throw .limitExceeded(
                limit: "fingerprintPartsMax",
                value: fingerprint.count,
                maximum: Limits.fingerprintPartsMax
            )
        }
        let check = Check(message: "hello")
        var seen: Set<String> = []
        for part in fingerprint {
            _ = try check.name(
                part.name,
                "the name of a part of the fingerprint",
                limit: "fingerprintBytesMax",
                Limits.fingerprintBytesMax
            )
            _ = try check.text(part.value, limit: "fingerprintBytesMax", Limits.fingerprintBytesMax)
            guard seen.insert(part.name).inserted else { throw .duplicateName(part.name) }
        }
    }
}

/// The coordinator admits a client and tells it the run.
package struct Welcome: Sendable, Equatable {
    /// The number of this session; larger than any earlier one of this client.
    package var session: UInt64
    /// The federation's seed.
    package var seed: UInt64
    /// The trainer.
    package var trainer: String
    /// The trainer's settings, JSON in UTF-8.
    package var settings: [UInt8]
    /// How many rounds the run has.
    package var rounds: Int
    /// How many steps a round has, local and public together.
    package var steps: Int
    /// q, how many local steps go before each public one; 0 for a run without public steps.
    package var localPerPublic: Int
    /// How often a side that has nothing to say sends a heartbeat, in milliseconds.
    package var heartbeatMs: Int
    /// The encoding in which updates must be sent.
    package var encoding: TensorEncoding
    /// Digests of the held-out items, 8 bytes each.
    package var heldOut: [UInt8]

    /// Makes a welcome.
    package init(
        session: UInt64,
        seed: UInt64,
        trainer: String,
        settings: [UInt8],
        rounds: Int,
        steps: Int,
        localPerPublic: Int,
        heartbeatMs: Int,
        encoding: TensorEncoding,
        heldOut: [UInt8] = []
    ) {
        self.heldOut = heldOut
        self.session = session
        self.seed = seed
        self.trainer = trainer
        self.settings = settings
        self.rounds = rounds
        self.steps = steps
        self.localPerPublic = localPerPublic
        self.heartbeatMs = heartbeatMs
        self.encoding = encoding
    }
}

/// The coordinator does not admit a client, or puts it out; it closes the connection next.
package struct Refused: Sendable, Equatable {
    /// Why.
    package var code: ErrorCode
    /// Why, for people.
    package var message: String

    /// Makes a refusal; a message that is too long to travel is cut.
    package init(code: ErrorCode, message: String) {
        self.code = code
        self.message = message.fittingText
    }
}

/// The client leaves.
package struct Bye: Sendable, Equatable {
    /// Why, for people.
    package var reason: String

    /// Makes a farewell.
    package init(reason: String) { self.reason = reason }
}

extension String {
    /// The text as a message can carry it: without control characters, and cut where it is too long. What a judge or a
    /// file says may be of any length, and must not cost the connection that it is told on.
    var fittingText: String {
        guard utf8.count > Limits.textBytesMax || utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            return self
        }
        var text = ""
        var bytes = 0
        for scalar in unicodeScalars {
            let isControl = scalar.value < 0x20 || scalar.value == 0x7F
            bytes += isControl ? 1 : UTF8.width(scalar)
            guard bytes <= Limits.textBytesMax else { break }
            text.unicodeScalars.append(isControl ? " " : scalar)
        }
        return text
    }
}

/// The run is over.
package struct Finished: Sendable, Equatable {
    /// How many rounds were completed.
    package var rounds: Int
    /// What identifies the final adapter; see `AdapterWeights.digest`.
    package var adapter: SHA256Digest

    /// Makes the last message of a run.
    package init(rounds: Int, adapter: SHA256Digest) {
        self.rounds = rounds
        self.adapter = adapter
    }
}

/// The coordinator goes down for a while; nothing accepted is lost.
package struct Drain: Sendable, Equatable {
    /// How long to wait before connecting again, in milliseconds.
    package var reconnectAfterMs: Int

    /// Makes a drain.
    package init(reconnectAfterMs: Int) { self.reconnectAfterMs = reconnectAfterMs }
}

// MARK: - Protobuf

extension Hello: ProtobufConvertible {
    static var census: [Census] {
        [Census(field: 8, limit: "fingerprintPartsMax", maximum: Limits.fingerprintPartsMax)]
    }

    init(_ proto: ProtoHello) throws(WireError) {
        let check = Check(message: "hello")
        protocolVersion = Int(proto.protocolVersion)
        guard protocolVersion == Frame.version else { throw .unsupportedVersion(found: protocolVersion) }
        software = try check.text(proto.software)
        federation = try check.nodeName(proto.federation, "federation")
        client = try check.nodeName(proto.client, "client")
        trainer = try check.trainerName(proto.trainer)
        fingerprint = proto.fingerprint.map { FingerprintPart($0.name, $0.value) }
        try Hello.check(fingerprint)
    }

    var proto: ProtoHello {
        var proto = ProtoHello()
        proto.protocolVersion = UInt32(clamping: protocolVersion)
        proto.software = software
        proto.federation = federation
        proto.client = client
        proto.trainer = trainer
        proto.fingerprint = fingerprint.map { part in
            var proto = ProtoFingerprintPart()
            proto.name = part.name
            proto.value = part.value
            return proto
        }
        return proto
    }
}

extension Welcome: ProtobufConvertible {
    init(_ proto: ProtoWelcome) throws(WireError) {
        let check = Check(message: "welcome")
        session = proto.session
        seed = proto.seed
        trainer = try check.trainerName(proto.trainer)
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
        heldOut = try check.bytes(proto.heldOut, limit: "heldOutBytesMax", Limits.heldOutBytesMax)
        guard heldOut.count % 8 == 0 else {
            throw .malformed(
                message: "welcome",
                reason: "held_out: \(heldOut.count) bytes are not whole digests"
            )
        }
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
        proto.heldOut = Data(heldOut)
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
