internal import Digest
internal import FoundationEssentials

/// Checks of single fields on the way from protobuf to a value.
struct Check {
    /// The message, for errors.
    let message: String

    func number(
        _ value: some BinaryInteger,
        _ field: String,
        limit: String,
        in range: ClosedRange<Int>
    ) throws(WireError) -> Int {
        let number = Int(clamping: value)
        guard number <= range.upperBound else {
            throw .limitExceeded(limit: limit, value: number, maximum: range.upperBound)
        }
        guard number >= range.lowerBound else {
            throw .malformed(message: message, reason: "\(field) is \(number), less than \(range.lowerBound)")
        }
        return number
    }

    func round(_ value: UInt32) throws(WireError) -> Int {
        try number(value, "round", limit: "roundsMax", in: 0...Limits.roundsMax)
    }

    func step(_ value: UInt32) throws(WireError) -> Int {
        try number(value, "step", limit: "stepsMax", in: 0...Limits.stepsMax)
    }

    /// A text for people: bounded, without control characters.
    func text(
        _ value: String,
        limit: String = "textBytesMax",
        _ maximum: Int = Limits.textBytesMax
    ) throws(WireError) -> String {
        try bounded(value, limit: limit, maximum)
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .malformed(message: message, reason: "a text has a control character")
        }
        return value
    }

    /// The name of a federation or a client.
    func nodeName(_ value: String, _ field: String) throws(WireError) -> String {
        try bounded(value, limit: "nodeNameBytesMax", Limits.nodeNameBytesMax)
        guard NodeName.isValid(value) else {
            throw .malformed(message: message, reason: "\(field) is no name, expected \(NodeName.rule)")
        }
        return value
    }

    /// The name of a trainer: ASCII letters, digits, '.', '_' and '-'.
    func trainerName(_ value: String) throws(WireError) -> String {
        try bounded(value, limit: "trainerNameBytesMax", Limits.trainerNameBytesMax)
        let allowed = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard allowed, !value.isEmpty else {
            throw .malformed(
                message: message,
                reason: "trainer must be letters, digits, '.', '_' or '-', at least one"
            )
        }
        return value
    }

    /// A name within a payload or manifest: bounded, not empty, without control characters.
    func name(_ value: String, _ field: String, limit: String, _ maximum: Int) throws(WireError) -> String {
        try bounded(value, limit: limit, maximum)
        guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .malformed(message: message, reason: "\(field) is empty or has a control character")
        }
        return value
    }

    func digest(_ value: Data, _ field: String) throws(WireError) -> SHA256Digest {
        guard let digest = SHA256Digest(bytes: Array(value)) else {
            throw .malformed(message: message, reason: "\(field) has \(value.count) B, a SHA-256 has 32")
        }
        return digest
    }

    func optionalDigest(_ value: Data, _ field: String) throws(WireError) -> SHA256Digest? {
        value.isEmpty ? nil : try digest(value, field)
    }

    func bytes(_ value: Data, limit: String, _ maximum: Int) throws(WireError) -> [UInt8] {
        guard value.count <= maximum else {
            throw .limitExceeded(limit: limit, value: value.count, maximum: maximum)
        }
        return Array(value)
    }

    func errorCode(_ value: ProtoErrorCode) throws(WireError) -> ErrorCode {
        guard let code = ErrorCode(rawValue: value.rawValue) else {
            throw .malformed(message: message, reason: "error code \(value.rawValue) does not exist")
        }
        return code
    }

    func metrics(_ values: [ProtoMetric]) throws(WireError) -> [Metric] {
        var metrics: [Metric] = []
        for value in values {
            let name = try name(
                value.name,
                "the name of a metric",
                limit: "metricNameBytesMax",
                Limits.metricNameBytesMax
            )
            if let last = metrics.last, !last.name.utf8.lexicographicallyPrecedes(name.utf8) {
                throw .duplicateName(name)
            }
            guard value.value.isFinite else { throw .notFinite(name: name, element: 0) }
            metrics.append(Metric(name: name, value: value.value))
        }
        return metrics
    }

    private func bounded(_ value: String, limit: String, _ maximum: Int) throws(WireError) {
        guard value.utf8.count <= maximum else {
            throw .limitExceeded(limit: limit, value: value.utf8.count, maximum: maximum)
        }
    }
}
