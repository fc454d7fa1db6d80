internal import NIOCore

/// What one connection gives to its socket: notices when the socket takes it, and when it takes nothing.
///
/// It also bounds TLS's own answers, such as to key updates: while a peer does not take them, nothing more
/// is read from it.
final class Outflow {
    /// Bytes of TLS's own answers that may wait for the peer while reading goes on.
    static let answerBytesMax = 16_384

    /// Called when the socket has taken nothing at all for the send timeout.
    var whenStalled: ((TransportError) -> Void)?

    private let sendTimeout: Duration
    private let counter: TrafficCounter
    /// Bytes that the socket has not taken yet, and those of them that are TLS's own answers.
    private var pendingBytes = 0
    private var answerBytes = 0
    private var isReadHeld = false
    /// When the socket last took something.
    private var lastProgress = NIODeadline.uptimeNanoseconds(0)
    private var timer: Scheduled<Void>?

    init(sendTimeout: Duration, counter: TrafficCounter) {
        self.sendTimeout = sendTimeout
        self.counter = counter
    }

    /// Writes bytes; the caller flushes.
    func send(
        _ context: ChannelHandlerContext,
        _ output: ByteBuffer,
        _ promise: EventLoopPromise<Void>?,
        isAnswer: Bool = false
    ) {
        let count = output.readableBytes
        if pendingBytes == 0 {
            lastProgress = .now()
            watch(context.eventLoop, after: TimeAmount(sendTimeout))
        }
        pendingBytes += count
        if isAnswer { answerBytes += count }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let taken = context.eventLoop.makePromise(of: Void.self)
        taken.futureResult.whenComplete { result in
            let (outflow, context) = bound.value
            outflow.taken(context, count, isAnswer: isAnswer, result)
            promise?.completeWith(result)
        }
        context.write(NIOAny(output), promise: taken)
    }

    /// Asks the socket for bytes, at once or when the peer has taken TLS's own answers.
    func read(_ context: ChannelHandlerContext) {
        guard answerBytes <= Outflow.answerBytesMax else {
            isReadHeld = true
            return
        }
        context.read()
    }

    /// Watches no longer.
    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func taken(
        _ context: ChannelHandlerContext,
        _ count: Int,
        isAnswer: Bool,
        _ result: Result<Void, any Error>
    ) {
        pendingBytes -= count
        if isAnswer { answerBytes -= count }
        guard case .success = result else { return }
        counter.sent(bytes: count)
        lastProgress = .now()
        if pendingBytes == 0 { stop() }
        guard isReadHeld, answerBytes <= Outflow.answerBytesMax / 2 else { return }
        isReadHeld = false
        context.read()
    }

    private func watch(_ loop: any EventLoop, after delay: TimeAmount) {
        stop()
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(in: delay) {
            let outflow = bound.value
            guard outflow.pendingBytes > 0 else { return }
            let due = outflow.lastProgress + TimeAmount(outflow.sendTimeout)
            guard due <= .now() else { return outflow.watch(loop, after: due - .now()) }
            outflow.whenStalled?(.sendTimeout(outflow.sendTimeout))
        }
    }
}
