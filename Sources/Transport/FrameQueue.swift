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
        var consumer: Consumer?
        var drained: [@Sendable () -> Void] = []
    }

    /// Who waits for frames, and for how many at most.
    private typealias Consumer = (continuation: CheckedContinuation<[Frame]?, any Error>, count: Int)

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

    /// Adds frames; false when the producer should stop until `whenDrained` calls back.
    /// Frames after the end are dropped.
    func offer(_ frames: [Frame]) -> Bool {
        let (consumer, taken, goOn) = state.withLock { state -> (Consumer?, [Frame], Bool) in
            guard state.end == nil, !frames.isEmpty else { return (nil, [], true) }
            state.frames += frames
            state.bytes += frames.reduce(0) { $0 + $1.body.count + FrameQueue.bytesPerFrame }
            let consumer = state.consumer
            state.consumer = nil
            let taken = consumer.map { pop($0.count, &state) } ?? []
            if state.bytes >= high { state.isFull = true }
            return (consumer, taken, !state.isFull)
        }
        consumer?.continuation.resume(returning: taken)
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
            state -> (Consumer?, [@Sendable () -> Void]) in
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
        consumer?.continuation.resume(with: end.map { nil })
        for callback in drained { callback() }
    }

    /// The next frames, at least one and no more than asked for; nil at an orderly end.
    func next(atMost count: Int) async throws -> [Frame]? {
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in take(count, continuation) }
        } onCancel: {
            let consumer = state.withLock { state in
                defer { state.consumer = nil }
                return state.consumer
            }
            consumer?.continuation.resume(throwing: CancellationError())
        }
    }

    private func take(_ count: Int, _ continuation: CheckedContinuation<[Frame]?, any Error>) {
        // The cancellation handler may have run before the continuation is stored; asking again under the
        // lock closes that gap.
        let (answer, drained) = state.withLock {
            state -> (Result<[Frame]?, any Error>?, [@Sendable () -> Void]) in
            precondition(state.consumer == nil, "a connection's frames have one consumer")
            if state.head < state.frames.count {
                let frames = pop(count, &state)
                guard state.isFull, state.bytes <= low else { return (.success(frames), []) }
                state.isFull = false
                defer { state.drained = [] }
                return (.success(frames), state.drained)
            }
            if let end = state.end { return (end.map { nil }, []) }
            if Task.isCancelled { return (.failure(CancellationError()), []) }
            state.consumer = (continuation, count)
            return (nil, [])
        }
        if let answer { continuation.resume(with: answer) }
        for callback in drained { callback() }
    }

    private func pop(_ count: Int, _ state: inout State) -> [Frame] {
        let end = state.head + min(count, state.frames.count - state.head)
        let frames = Array(state.frames[state.head..<end])
        state.bytes -= frames.reduce(0) { $0 + $1.body.count + FrameQueue.bytesPerFrame }
        if end == state.frames.count {
            state.frames.removeAll(keepingCapacity: end <= 1024)
            state.head = 0
        } else {
            for index in state.head..<end { state.frames[index].body = [] }
            state.head = end
            if end >= 1024, end * 2 >= state.frames.count {
                state.frames.removeFirst(end)
                state.head = 0
            }
        }
        return frames
    }
}
