internal import Synchronization
package import Wire

/// How much has gone over a connection, in bytes.
package struct Traffic: Sendable, Hashable {
    /// How many frames of one type, and their size on the wire before encryption.
    package struct Count: Sendable, Hashable {
        /// Number of frames.
        package var frames = 0
        /// Bytes of the frames, headers included.
        package var bytes = 0

        /// Nothing yet.
        package init() {}
    }

    /// Bytes read from the socket, encryption and handshake included.
    package var bytesIn = 0
    /// Bytes given to the socket, encryption and handshake included.
    package var bytesOut = 0
    /// Frames received, by type.
    package var framesIn: [MessageType: Count] = [:]
    /// Frames sent, by type.
    package var framesOut: [MessageType: Count] = [:]

    /// Nothing yet.
    package init() {}

    /// Adds what went over another connection.
    package mutating func add(_ other: Traffic) {
        bytesIn += other.bytesIn
        bytesOut += other.bytesOut
        framesIn.merge(other.framesIn, uniquingKeysWith: Traffic.sum)
        framesOut.merge(other.framesOut, uniquingKeysWith: Traffic.sum)
    }

    private static func sum(_ one: Count, _ two: Count) -> Count {
        var sum = one
        sum.frames += two.frames
        sum.bytes += two.bytes
        return sum
    }
}

/// The counters of one connection, written by its event loop and its senders.
final class TrafficCounter: Sendable {
    private let traffic = Mutex(Traffic())

    var snapshot: Traffic { traffic.withLock { $0 } }

    func received(bytes: Int) { traffic.withLock { $0.bytesIn += bytes } }

    func sent(bytes: Int) { traffic.withLock { $0.bytesOut += bytes } }

    func received(_ type: MessageType, bytes: Int) {
        traffic.withLock { traffic in
            traffic.framesIn[type, default: Traffic.Count()].frames += 1
            traffic.framesIn[type, default: Traffic.Count()].bytes += bytes
        }
    }

    func sent(_ type: MessageType, bytes: Int) {
        traffic.withLock { traffic in
            traffic.framesOut[type, default: Traffic.Count()].frames += 1
            traffic.framesOut[type, default: Traffic.Count()].bytes += bytes
        }
    }
}
