internal import Digest
internal import FoundationEssentials
internal import SwiftProtobuf

/// A value whose encoded form is a generated protobuf message. The conversion from protobuf is
/// where every field is checked.
protocol ProtobufConvertible {
    associatedtype Proto: SwiftProtobuf.Message
    /// How often each repeated field may occur, checked before the parse.
    static var census: [Census] { get }
    init(_ proto: Proto) throws(WireError)
    var proto: Proto { get }
}

extension ProtobufConvertible {
    static var census: [Census] { [] }
}

/// The bodies of control messages.
enum Body {
    static func decode<Value: ProtobufConvertible>(_ frame: Frame) throws(WireError) -> Value {
        try Value(parse(frame.body, as: Value.self, name: "\(frame.type)"))
    }

    /// Encodes, and parses what was encoded: what the receiver would refuse, or read as something
    /// else, is never sent.
    static func encode<Value: ProtobufConvertible & Equatable>(
        _ value: Value,
        as type: MessageType
    ) throws(WireError) -> Frame {
        let body = try serialize(value, name: "\(type)")
        guard body.count <= type.bodyBytesMax else {
            throw .frameTooLarge(type: type, bytes: body.count, limit: type.bodyBytesMax)
        }
        let frame = Frame(type: type, body: body)
        let received: Value = try decode(frame)
        guard received == value else {
            throw .malformed(message: "\(type)", reason: "a number does not fit its field")
        }
        return frame
    }

    /// A heartbeat has no body.
    static func heartbeat<Message>(_ frame: Frame, _ message: Message) throws(WireError) -> Message {
        guard frame.body.isEmpty else {
            throw .malformed(message: "heartbeat", reason: "the body is not empty")
        }
        return message
    }

    static func serialize<Value: ProtobufConvertible>(
        _ value: Value,
        name: String
    ) throws(WireError) -> [UInt8] {
        do {
            return try value.proto.serializedBytes()
        } catch {
            throw .malformed(message: name, reason: "cannot be encoded")
        }
    }

    static func parse<Value: ProtobufConvertible>(
        _ body: [UInt8],
        as type: Value.Type,
        name: String
    ) throws(WireError) -> Value.Proto {
        try Census.check(body[...], Value.census, name: name)
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = Limits.messageDepthMax
        options.discardUnknownFields = true
        do {
            return try Value.Proto(serializedBytes: body, options: options)
        } catch {
            throw .malformed(message: name, reason: "the body is not the protobuf message it should be")
        }
    }
}
