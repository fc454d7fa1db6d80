internal import Synchronization
internal import Wire

/// A queue of received frames between a producer that never blocks and one consumer.
///
/// The producer learns from `offer` that the queue is full and from `whenDrained` when to go on, so the
/// queue holds at most the high mark and one burst.
final class FrameQueue: Sendable {
    private struct State {
        var frames: [Frame] = []
        /// Index of the next frame to hand out; frames before it are gone.
        var head = 0
        var bytes = 0
        var isFull = false
        var end: Result<Void, any Error>?
        var consumer: CheckedContinuation<Frame?, any Error>?
        var drained: [@Sendable () -> Void] = []
    }

    /// What a queued frame costs beside its body, so that empty frames cannot pile up unseen.
    static let bytesPerFrame = 128

    private let state = Mutex(State())
    private let high: Int
    private let low: Int

    init(high: Int, low: Int) {
        precondition(low >= 0 && low < high, "low mark \(low) must be below high mark \(high)")
        self.high = high
        self.low = low
    }

    /// Bytes that wait to be taken.
    var bytesWaiting: Int { state.withLock { $0.bytes } }

    /// Adds a frame; false when the producer should stop until `whenDrained` calls back.
    /// A frame after the end is dropped.
    func offer(_ frame: Frame) -> Bool {
        let (consumer, goOn) = state.withLock { state -> (CheckedContinuation<Frame?, any Error>?, Bool) in
            guard state.end == nil else { return (nil, true) }
            if let consumer = state.consumer {
                state.consumer = nil
                return (consumer, true)
            }
            state.frames.append(frame)
            state.bytes += frame.body.count + FrameQueue.bytesPerFrame
            if state.bytes >= high { state.isFull = true }
            return (nil, !state.isFull)
        }
        consumer?.resume(returning: frame)
        return goOn
    }

    /// Calls back once when the queue has drained to the low mark or has ended; at once if it is not full.
    func whenDrained(_ callback: @escaping @Sendable () -> Void) {
        let now = state.withLock { state -> Bool in
            guard state.isFull, state.end == nil else { return true }
            state.drained.append(callback)
            return false
        }
        if now { callback() }
    }

    /// Ends the queue; the first end counts. Frames that wait are still handed out unless `dropping`.
    func finish(_ end: Result<Void, any Error>, dropping: Bool = false) {
        let (consumer, drained) = state.withLock {
            state -> (CheckedContinuation<Frame?, any Error>?, [@Sendable () -> Void]) in
            if dropping {
                state.frames = []
                state.head = 0
                state.bytes = 0
            }
            guard state.end == nil else { return (nil, []) }
            state.end = end
            defer {
                state.consumer = nil
                state.drained = []
            }
            return (state.consumer, state.drained)
        }
        consumer?.resume(with: end.map { nil })
        for callback in drained { callback() }
    }

    /// The next frame; nil at an orderly end.
    func next() async throws -> Frame? {
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in take(continuation) }
        } onCancel: {
            let consumer = state.withLock { state in
                defer { state.consumer = nil }
                return state.consumer
            }
            consumer?.resume(throwing: CancellationError())
        }
    }

    private func take(_ continuation: CheckedContinuation<Frame?, any Error>) {
        // The cancellation handler may have run before the continuation is stored; asking again under the
        // lock closes that gap.
        let (answer, drained) = state.withLock {
            state -> (Result<Frame?, any Error>?, [@Sendable () -> Void]) in
            precondition(state.consumer == nil, "a connection's frames have one consumer")
            if let frame = pop(&state) {
                guard state.isFull, state.bytes <= low else { return (.success(frame), []) }
                state.isFull = false
                defer { state.drained = [] }
                return (.success(frame), state.drained)
            }
            if let end = state.end { return (end.map { nil }, []) }
            if Task.isCancelled { return (.failure(CancellationError()), []) }
            state.consumer = continuation
            return (nil, [])
        }
        if let answer { continuation.resume(with: answer) }
        for callback in drained { callback() }
    }

    private func pop(_ state: inout State) -> Frame? {
        guard state.head < state.frames.count else { return nil }
        let frame = state.frames[state.head]
        state.frames[state.head].body = []
        state.head += 1
        state.bytes -= frame.body.count + FrameQueue.bytesPerFrame
        if state.head == state.frames.count {
            state.frames.removeAll(keepingCapacity: state.head <= 1024)
            state.head = 0
        } else if state.head >= 1024, state.head * 2 >= state.frames.count {
            state.frames.removeFirst(state.head)
            state.head = 0
        }
        return frame
    }
}
