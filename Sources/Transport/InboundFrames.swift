public import Wire

/// The frames that come in over a connection, as an asynchronous sequence for one consumer.
public struct InboundFrames: AsyncSequence, Sendable {
    /// One frame.
    public typealias Element = Frame
    /// `TransportError`, `WireError` or `CancellationError`.
    public typealias Failure = any Error

    let queue: FrameQueue

    /// The iterator; all iterators of one connection take from the same queue.
    public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

    /// Takes frames one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: FrameQueue

        /// The next frame; nil when the connection has ended in order.
        public mutating func next() async throws -> Frame? { try await queue.next() }

        /// The next frame; nil when the connection has ended in order.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Frame? {
            try await queue.next()
        }
    }
}
