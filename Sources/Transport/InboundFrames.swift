package import Wire

/// The frames that come in over a connection, as an asynchronous sequence for one consumer.
package struct InboundFrames: AsyncSequence, Sendable {
    /// One frame.
    package typealias Element = Frame
    /// `TransportError`, `WireError` or `CancellationError`.
    package typealias Failure = any Error

    let queue: FrameQueue

    /// All frames that wait, at least one; nil when the connection has ended in order.
    package func nextBatch() async throws -> [Frame]? { try await queue.next(atMost: .max) }

    /// The iterator; all iterators of one connection take from the same queue.
    package func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

    /// Takes frames one by one.
    package struct Iterator: AsyncIteratorProtocol {
        let queue: FrameQueue

        /// The next frame; nil when the connection has ended in order.
        package mutating func next() async throws -> Frame? { try await queue.next(atMost: 1)?.first }

        /// The next frame; nil when the connection has ended in order.
        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> Frame? {
            try await queue.next(atMost: 1)?.first
        }
    }
}
