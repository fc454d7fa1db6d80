/// A message of one direction: what the two message enums have in common.
public protocol WireMessage: Sendable, Equatable {
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
