internal import FoundationEssentials

/// What an operator asks a coordinator.
package struct Ask: Sendable, Equatable {
    /// What there is to ask.
    package enum What: String, Sendable, Hashable, CaseIterable {
        /// How the run goes.
        case status
        /// That the coordinator drains and ends.
        case stop
    }

    /// What is asked.
    package var what: What

    /// Makes a question.
    package init(_ what: What) { self.what = what }
}

/// How the run goes, for an operator.
package struct Report: Sendable, Equatable {
    /// The status, JSON in UTF-8: what `status.json` has.
    package var status: [UInt8]

    /// Makes a report.
    package init(status: [UInt8]) { self.status = status }
}

// MARK: - Protobuf

extension Ask: ProtobufConvertible {
    init(_ proto: ProtoAsk) throws(WireError) {
        switch proto.what {
        case .status: what = .status
        case .stop: what = .stop
        case .unspecified, .UNRECOGNIZED:
            throw .malformed(message: "ask", reason: "what is \(proto.what.rawValue)")
        }
    }

    var proto: ProtoAsk {
        var proto = ProtoAsk()
        switch what {
        case .status: proto.what = .status
        case .stop: proto.what = .stop
        }
        return proto
    }
}

extension Report: ProtobufConvertible {
    init(_ proto: ProtoReport) throws(WireError) {
        guard proto.status.count <= Limits.statusBytesMax else {
            throw .limitExceeded(
                limit: "statusBytesMax",
                value: proto.status.count,
                maximum: Limits.statusBytesMax
            )
        }
        status = Array(proto.status)
    }

    var proto: ProtoReport {
        var proto = ProtoReport()
        proto.status = Data(status)
        return proto
    }
}
