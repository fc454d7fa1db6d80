/// Everything that a client or an operator sends.
package enum ClientMessage: WireMessage {
    case hello(Hello)
    case fetchRound(FetchRound)
    case fetchBatch(FetchBatch)
    case offerResponses(OfferResponses)
    case fetchPool(FetchPool)
    case offerUpdate(OfferUpdate)
    case progress(StepProgress)
    case bye(Bye)
    case ask(Ask)
    case `continue`(Continue)
    case chunk(Chunk)
    case heartbeat

    /// The client.
    package static var sender: Peer { .client }

    /// The type of the frame.
    package var type: MessageType {
        switch self {
        case .hello: .hello
        case .fetchRound: .fetchRound
        case .fetchBatch: .fetchBatch
        case .offerResponses: .offerResponses
        case .fetchPool: .fetchPool
        case .offerUpdate: .offerUpdate
        case .progress: .progress
        case .bye: .bye
        case .ask: .ask
        case .continue: .continue
        case .chunk: .chunk
        case .heartbeat: .heartbeat
        }
    }

    /// Parses and checks the body of a frame; throws `unexpectedMessage` for a type that only the
    /// coordinator sends.
    package init(frame: Frame) throws(WireError) {
        switch frame.type {
        case .hello: self = .hello(try Body.decode(frame))
        case .fetchRound: self = .fetchRound(try Body.decode(frame))
        case .fetchBatch: self = .fetchBatch(try Body.decode(frame))
        case .offerResponses: self = .offerResponses(try Body.decode(frame))
        case .fetchPool: self = .fetchPool(try Body.decode(frame))
        case .offerUpdate: self = .offerUpdate(try Body.decode(frame))
        case .progress: self = .progress(try Body.decode(frame))
        case .bye: self = .bye(try Body.decode(frame))
        case .ask: self = .ask(try Body.decode(frame))
        case .continue: self = .continue(try Body.decode(frame))
        case .chunk: self = .chunk(try Chunk(body: frame.body))
        case .heartbeat: self = try Body.heartbeat(frame, .heartbeat)
        case .welcome, .refused, .roundStart, .batch, .pool, .stepSkipped, .accepted, .rejected, .finished,
            .drain, .report:
            throw .unexpectedMessage(type: frame.type, from: .client)
        }
    }

    /// Encodes the message; throws what the receiver would throw.
    package func frame() throws(WireError) -> Frame {
        switch self {
        case .hello(let message): try Body.encode(message, as: type)
        case .fetchRound(let message): try Body.encode(message, as: type)
        case .fetchBatch(let message): try Body.encode(message, as: type)
        case .offerResponses(let message): try Body.encode(message, as: type)
        case .fetchPool(let message): try Body.encode(message, as: type)
        case .offerUpdate(let message): try Body.encode(message, as: type)
        case .progress(let message): try Body.encode(message, as: type)
        case .bye(let message): try Body.encode(message, as: type)
        case .ask(let message): try Body.encode(message, as: type)
        case .continue(let message): try Body.encode(message, as: type)
        case .chunk(let message): Frame(type: .chunk, body: try message.body())
        case .heartbeat: Frame(type: .heartbeat, body: [])
        }
    }
}
