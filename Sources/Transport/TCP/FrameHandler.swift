internal import NIOCore
internal import Synchronization
internal import Wire

/// The last handler of a channel: cuts decrypted bytes into frames for the queue of a `TCPConnection`, and
/// stops reading while that queue is full.
///
/// It asks for one read after another, so what a connection holds is bounded by the queue's high mark, one
/// unfinished frame and one burst of reads. (When the peer has closed, the kernel's receive buffer, itself
/// bounded, is read out at once.)
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let own: PeerIdentity
    private let settings: TransportSettings
    private let counter: TrafficCounter
    private let queue: FrameQueue
    private let established: @Sendable (Result<TCPConnection, TransportError>) -> Void
    private let outcome = ConnectionOutcome()
    private var decoder: FrameDecoder
    private var hasAnswered = false
    /// Set after bytes that are no frame: the position in the stream is lost.
    private var isBroken = false
    private var isPaused = false

    /// - Parameter established: called once with the verified connection or with why there is none.
    init(
        own: PeerIdentity,
        settings: TransportSettings,
        counter: TrafficCounter,
        established: @escaping @Sendable (Result<TCPConnection, TransportError>) -> Void
    ) {
        self.own = own
        self.settings = settings
        self.counter = counter
        self.established = established
        queue = FrameQueue(high: settings.inboundBytesHigh, low: settings.inboundBytesLow)
        decoder = FrameDecoder(from: own.role == .coordinator ? .client : .coordinator)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? TLSEvent {
        case .established(let peer):
            hasAnswered = true
            established(
                .success(
                    TCPConnection(
                        channel: context.channel,
                        peer: peer,
                        queue: queue,
                        counter: counter,
                        outcome: outcome
                    )
                )
            )
            context.read()
        case .peerClosed:
            end(decoder.bufferedBytes > 0 ? .failure(truncated()) : .success(()))
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isBroken else { return }
        let bytes = unwrapInboundIn(data)
        bytes.withUnsafeReadableBytes { decoder.append($0.bindMemory(to: UInt8.self)) }
        var frames: [Frame] = []
        var fault: WireError?
        do throws(WireError) {
            while let frame = try decoder.next() {
                counter.received(frame.type, bytes: Frame.headerBytes + frame.body.count)
                frames.append(frame)
            }
        } catch {
            fault = error
        }
        if !queue.offer(frames) { isPaused = true }
        if let fault {
            isBroken = true
            queue.finish(.failure(fault))
        }
        if isPaused { resumeWhenDrained(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasAnswered, !isBroken, !isPaused { context.read() }
    }

    private func resumeWhenDrained(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        queue.whenDrained {
            loop.execute {
                let (handler, context) = bound.value
                guard handler.isPaused else { return }
                handler.isPaused = false
                if !handler.isBroken, context.channel.isActive { context.read() }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        var error = TransportError.connection(error)
        if error.code == .closedWithoutNotice, decoder.bufferedBytes > 0 { error = truncated() }
        end(.failure(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(.closed()))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(.failure(.closed())) }

    /// The first end counts, here and in the queue.
    private func end(_ result: Result<Void, TransportError>) {
        switch result {
        case .success:
            outcome.set(.closed())
            queue.finish(.success(()))
        case .failure(let error):
            outcome.set(error)
            queue.finish(.failure(error))
        }
        guard !hasAnswered else { return }
        hasAnswered = true
        established(.failure(outcome.error ?? .closed()))
    }

    private func truncated() -> TransportError {
        TransportError(
            .truncated,
            "the connection ended inside a frame, \(decoder.bufferedBytes) B into it",
            fix: "The peer or the network between has failed; reconnect."
        )
    }
}

/// Why a connection is over, for its senders; the first reason counts.
final class ConnectionOutcome: Sendable {
    private let first = Mutex<TransportError?>(nil)

    var error: TransportError? { first.withLock { $0 } }

    func set(_ error: TransportError) { first.withLock { if $0 == nil { $0 = error } } }
}
