/// Which end of a connection a frame comes from.
package enum Peer: String, Sendable, Hashable {
    case client
    case coordinator
}

/// What a frame carries; the number is the header's type byte.
package enum MessageType: UInt8, Sendable, Hashable, CaseIterable {
    // From the client
    case hello = 1
    case fetchRound = 2
    case fetchBatch = 3
    case offerResponses = 4
    case fetchPool = 5
    case offerUpdate = 6
    case progress = 7
    case bye = 8
    case ask = 9

    // From the coordinator
    case welcome = 33
    case refused = 34
    case roundStart = 35
    case batch = 36
    case pool = 37
    case stepSkipped = 38
    case accepted = 39
    case rejected = 40
    case finished = 41
    case drain = 42
    case report = 43

    // From either
    case `continue` = 65
    case chunk = 66
    case heartbeat = 67

    /// The most bytes a body of this type may have.
    package var bodyBytesMax: Int {
        switch self {
        case .roundStart, .batch, .pool, .offerResponses, .offerUpdate, .report:
            Limits.offerBodyBytesMax
        case .chunk:
            Chunk.headerBytes + Limits.chunkBytesMax
        case .hello, .fetchRound, .fetchBatch, .fetchPool, .progress, .bye, .ask, .welcome, .refused,
            .stepSkipped, .accepted, .rejected, .finished, .drain, .continue, .heartbeat:
            Limits.controlBodyBytesMax
        }
    }

    /// Whether that end may send this type at all.
    package func mayCome(from peer: Peer) -> Bool {
        switch self {
        case .hello, .fetchRound, .fetchBatch, .offerResponses, .fetchPool, .offerUpdate, .progress, .bye,
            .ask:
            peer == .client
        case .welcome, .refused, .roundStart, .batch, .pool, .stepSkipped, .accepted, .rejected, .finished,
            .drain, .report:
            peer == .coordinator
        case .continue, .chunk, .heartbeat:
            true
        }
    }
}

/// A message of one direction: what the two message enums have in common.
package protocol WireMessage: Sendable, Equatable {
    /// Who sends messages of this type.
    static var sender: Peer { get }
    /// The type of the frame.
    var type: MessageType { get }
    /// Parses and checks the body of a frame.
    init(frame: Frame) throws(WireError)
    /// Encodes the message; throws what the receiver would throw, so that nothing is sent that
    /// would be refused.
    func frame() throws(WireError) -> Frame
}

extension WireMessage {
    /// The messages of frames up to the first that is none, and what is wrong with that one.
    package static func read(_ frames: [Frame]) -> (messages: [Self], fault: WireError?) {
        var messages: [Self] = []
        do throws(WireError) {
            for frame in frames { messages.append(try Self(frame: frame)) }
            return (messages, nil)
        } catch {
            return (messages, error)
        }
    }
}
