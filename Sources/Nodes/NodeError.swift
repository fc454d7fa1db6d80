/// Why a node cannot go on.
///
/// Errors of other modules (topology, ledger, transport, checkpoint) pass through as they are; this one is for
/// what only the node can see. Two are equal if their kinds are.
public struct NodeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Kind: Sendable, Equatable {
        /// Topology, settings or identity do not fit together.
        case configuration
        /// A file that is needed is not there.
        case input
        /// A file or a message does not hold what it should.
        case data
        /// The other side refuses this one for good.
        case refused
        /// The other side cannot be reached.
        case unavailable
        /// Anything else.
        case failed
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// What happened and what to do about it.
    public let description: String

    /// Makes an error.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// Compares the kinds alone.
    public static func == (left: NodeError, right: NodeError) -> Bool { left.kind == right.kind }
}
