internal import Ledger
internal import Transport
internal import Wire

/// Why a node cannot go on.
///
/// Errors of other modules (topology, ledger, transport, checkpoint) pass through as they are; this one is for
/// what only the node can see. Two are equal if their kinds are.
package struct NodeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Kind: Sendable, Equatable {
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
    package let kind: Kind
    /// What happened and what to do about it.
    package let description: String

    /// The error behind it, which decides the exit code; nil if this one is all there is.
    package let underlying: (any Error)?

    /// Makes an error.
    package init(_ kind: Kind, _ description: String, underlying: (any Error)? = nil) {
        self.underlying = underlying
        self.kind = kind
        self.description = description
    }

    /// Compares the kinds alone.
    package static func == (left: NodeError, right: NodeError) -> Bool { left.kind == right.kind }
}

extension PeerIdentity {
    /// Refuses an identity that is not the one this node needs.
    ///
    /// - Parameters:
    ///   - expected: Federation and role of the node.
    ///   - folder: Where the identity was read from, for the error.
    /// - Throws: `NodeError` naming both.
    func require(_ expected: PeerIdentity, folder: String) throws {
        guard uri == expected.uri else {
            throw NodeError(
                .configuration,
                "\(folder) holds the identity \(uri), expected \(expected.uri); use the folder that "
                    + "`tributary provision` made for this node"
            )
        }
    }
}

/// Says of a file of the state that cannot be read or written what the ledger says of its own.
func faultOfState(_ error: any Error) -> any Error {
    guard case .fileFault(let path, let number)? = error as? WireError else { return error }
    return LedgerError.system("read or write", path, number)
}

/// Runs what reads and writes files of the state.
func onDisk<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw faultOfState(error)
    }
}
