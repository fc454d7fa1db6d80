/// Everything that the coordinator sends.
package enum CoordinatorMessage: WireMessage {
    case welcome(Welcome)
    case refused(Refused)
    case roundStart(RoundStart)
    case batch(Batch)
    case pool(Pool)
    case stepSkipped(StepSkipped)
    case accepted(Accepted)
    case rejected(Rejected)
    case finished(Finished)
    case drain(Drain)
    case report(Report)
    case `continue`(Continue)
    case chunk(Chunk)
    case heartbeat

    /// The coordinator.
    package static var sender: Peer { .coordinator }

    /// The type of the frame.
    package var type: MessageType {
        switch self {
        case .welcome: .welcome
        case .refused: .refused
        case .roundStart: .roundStart
        case .batch: .batch
        case .pool: .pool
        case .stepSkipped: .stepSkipped
        case .accepted: .accepted
        case .rejected: .rejected
        case .finished: .finished
        case .drain: .drain
        case .report: .report
        case .continue: .continue
        case .chunk: .chunk
        case .heartbeat: .heartbeat
        }
    }

    /// Parses and checks the body of a frame; throws `unexpectedMessage` for a type that only a
    /// client sends.
    package init(frame: Frame) throws(WireError) {
        switch frame.type {
        case .welcome: self = .welcome(try Body.decode(frame))
        case .refused: self = .refused(try Body.decode(frame))
        case .roundStart: self = .roundStart(try Body.decode(frame))
        case .batch: self = .batch(try Body.decode(frame))
        case .pool: self = .pool(try Body.decode(frame))
        case .stepSkipped: self = .stepSkipped(try Body.decode(frame))
        case .accepted: self = .accepted(try Body.decode(frame))
        case .rejected: self = .rejected(try Body.decode(frame))
        case .finished: self = .finished(try Body.decode(frame))
        case .drain: self = .drain(try Body.decode(frame))
        case .report: self = .report(try Body.decode(frame))
        case .continue: self = .continue(try Body.decode(frame))
        case .chunk: self = .chunk(try Chunk(body: frame.body))
        case .heartbeat: self = try Body.heartbeat(frame, .heartbeat)
        case .hello, .fetchRound, .fetchBatch, .offerResponses, .fetchPool, .offerUpdate, .progress, .bye,
            .ask:
            throw .unexpectedMessage(type: frame.type, from: .coordinator)
        }
    }

    /// Encodes the message; throws what the receiver would throw.
    package func frame() throws(WireError) -> Frame {
        switch self {
        case .welcome(let message): try Body.encode(message, as: type)
        case .refused(let message): try Body.encode(message, as: type)
        case .roundStart(let message): try Body.encode(message, as: type)
        case .batch(let message): try Body.encode(message, as: type)
        case .pool(let message): try Body.encode(message, as: type)
        case .stepSkipped(let message): try Body.encode(message, as: type)
        case .accepted(let message): try Body.encode(message, as: type)
        case .rejected(let message): try Body.encode(message, as: type)
        case .finished(let message): try Body.encode(message, as: type)
        case .drain(let message): try Body.encode(message, as: type)
        case .report(let message): try Body.encode(message, as: type)
        case .continue(let message): try Body.encode(message, as: type)
        case .chunk(let message): Frame(type: .chunk, body: try message.body())
        case .heartbeat: Frame(type: .heartbeat, body: [])
        }
    }
}
