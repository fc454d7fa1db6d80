internal import NIOCore

/// What the TLS handler tells the handlers behind it, beside decrypted bytes.
enum TLSEvent: Sendable {
    /// The handshake is over and the peer verified.
    case established(PeerIdentity)
    /// The peer has closed in order.
    case peerClosed
}

/// Asks the TLS handler to cut the connection without close_notify.
struct TLSAbort: Sendable {
    /// Why, for the handlers behind; nil when they know.
    var reason: TransportError?
}

/// TLS over a channel whose reads are asked for one by one (`autoRead` off).
///
/// Until the handshake is over, and again while closing, this handler asks for reads itself; between the
/// two the handler behind it does, which is the back-pressure. No reads are passed on while the peer does
/// not take what TLS itself has answered, so that a peer which never reads cannot make the answers pile up.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// The channel is not connected yet.
        case idle
        /// Waiting for the peer until the timer fires.
        case handshaking(Scheduled<Void>)
        case active
        /// close_notify is sent; waiting for the peer's until the timer fires.
        case closing(Scheduled<Void>)
        /// A failure is told to the peer; its bytes are thrown away until the timer fires, because closing
        /// a socket with unread bytes would reset it before the peer reads the alert.
        case failing(Scheduled<Void>)
        case closed
    }

    /// Largest piece that is encrypted and written at once: one TLS record. Small pieces show on a slow link
    /// that the peer takes something, long before a whole frame is through.
    private static let pieceBytesMax = 16_384
    /// How long a peer has to read the alert that refuses it.
    private static let alertTimeout = TimeAmount.seconds(2)

    private let connection: TLSConnection
    private let settings: TransportSettings
    private let counter: TrafficCounter
    private var state = State.idle
    private var waiting: [(ByteBuffer, EventLoopPromise<Void>?)] = []
    private var waitingBytes = 0
    private var closePromises: [EventLoopPromise<Void>] = []
    private let outflow: Outflow

    init(_ connection: TLSConnection, settings: TransportSettings, counter: TrafficCounter) {
        self.connection = connection
        self.settings = settings
        self.counter = counter
        outflow = Outflow(sendTimeout: settings.sendTimeout, counter: counter)
    }

    // MARK: - Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard case .idle = state else { return }
        let timer = schedule(context, TimeAmount(settings.handshakeTimeout)) { handler, context in
            guard case .handshaking = handler.state else { return }
            handler.fail(
                context,
                .handshakeTimeout(
                    handler.settings.handshakeTimeout,
                    bytesIn: handler.counter.snapshot.bytesIn
                )
            )
        }
        state = .handshaking(timer)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        outflow.whenStalled = { error in
            let (handler, context) = bound.value
            handler.becomeClosed()
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
        handshake(context)
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let old = state
        becomeClosed()
        switch old {
        case .idle, .closing, .failing, .closed: break
        case .handshaking: context.fireErrorCaught(closedInHandshake())
        case .active:
            context.fireErrorCaught(
                TransportError(
                    .closedWithoutNotice,
                    "the connection ended without close_notify",
                    fix: "The peer or the network between has failed; reconnect."
                )
            )
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch state {
        case .closing, .failing, .closed: context.close(promise: nil)
        case .handshaking where connection.isServer && counter.snapshot.bytesIn == 0:
            becomeClosed()
            context.fireErrorCaught(closedInHandshake())
            context.close(promise: nil)
        case .idle, .handshaking, .active:
            becomeClosed()
            context.fireErrorCaught(TransportError.connection(error))
            context.close(promise: nil)
        }
    }

    /// A peer that goes away before it has said anything is how health probes look.
    private func closedInHandshake() -> TransportError {
        guard connection.isServer, counter.snapshot.bytesIn == 0 else {
            return TransportError(
                .handshakeFailed,
                "the other side closed the connection during the TLS handshake",
                fix: "Look at its log; it may be busy, restarting, or no Tributary program."
            )
        }
        return TransportError(
            .probe,
            "the other side connected and left without a word",
            fix: "Nothing is wrong if a load balancer or a monitor probes this port."
        )
    }

    func handlerRemoved(context: ChannelHandlerContext) { becomeClosed() }

    private func becomeClosed() {
        switch state {
        case .handshaking(let timer), .closing(let timer), .failing(let timer): timer.cancel()
        case .idle, .active, .closed: break
        }
        state = .closed
        outflow.stop()
        let dropped = waiting
        waiting = []
        waitingBytes = 0
        for (_, promise) in dropped { promise?.fail(TransportError.closed()) }
        outflow.whenStalled = nil
        let promises = closePromises
        closePromises = []
        for promise in promises { promise.succeed() }
    }

    // MARK: - From the network

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        counter.received(bytes: bytes.readableBytes)
        switch state {
        case .idle, .failing, .closed: return
        case .handshaking, .active, .closing: break
        }
        bytes.withUnsafeReadableBytes { connection.receive($0) }
        if case .handshaking = state { handshake(context) }
        switch state {
        case .active, .closing: decrypt(context, capacity: bytes.readableBytes)
        case .idle, .handshaking, .failing, .closed: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch state {
        case .handshaking, .closing, .failing: read(context: context)
        case .idle, .active, .closed: break
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) { outflow.read(context) }

    private func handshake(_ context: ChannelHandlerContext) {
        let outcome = connection.handshake()
        sendOutput(context)
        switch outcome {
        case .incomplete: break
        case .failed(let error): fail(context, error)
        case .complete(let peer):
            guard case .handshaking(let timer) = state else { return }
            timer.cancel()
            state = .active
            context.fireUserInboundEventTriggered(TLSEvent.established(peer))
            let ready = waiting
            waiting = []
            waitingBytes = 0
            for (bytes, promise) in ready { encrypt(context, bytes, promise) }
            context.flush()
        }
    }

    private func decrypt(_ context: ChannelHandlerContext, capacity: Int) {
        // One record more than can come out, which is what the last, empty read asks for.
        var plain = context.channel.allocator.buffer(capacity: capacity + 16_384)
        let outcome = connection.read(into: &plain)
        // Reading may answer a key update.
        sendOutput(context)
        if plain.readableBytes > 0, case .active = state { context.fireChannelRead(wrapInboundOut(plain)) }
        switch outcome {
        case .incomplete: break
        case .failed(let error): fail(context, error)
        case .closeNotify:
            if case .active = state {
                connection.sendCloseNotify()
                sendOutput(context)
                context.fireUserInboundEventTriggered(TLSEvent.peerClosed)
            }
            becomeClosed()
            context.close(promise: nil)
        }
    }

    /// Gives up: the alert, if there is one, goes out, and the handlers behind learn why.
    private func fail(_ context: ChannelHandlerContext, _ error: TransportError) {
        if case .closing = state {
            becomeClosed()
            context.close(promise: nil)
            return
        }
        becomeClosed()
        context.fireErrorCaught(error)
        guard context.channel.isActive, error.code != .handshakeTimeout else {
            context.close(promise: nil)
            return
        }
        let timer = schedule(context, TLSHandler.alertTimeout) { _, context in context.close(promise: nil) }
        state = .failing(timer)
        context.close(mode: .output, promise: nil)
        context.read()
    }

    // MARK: - To the network

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        switch state {
        case .active: encrypt(context, bytes, promise)
        case .idle, .handshaking:
            guard waitingBytes + bytes.readableBytes <= settings.bytesBeforeHandshakeMax else {
                promise?.fail(
                    TransportError(
                        .tooMuchBeforeHandshake,
                        "\(waitingBytes + bytes.readableBytes) B to send before the TLS handshake > limit "
                            + "\(settings.bytesBeforeHandshakeMax) B",
                        fix: "Send after the connection is established."
                    )
                )
                return
            }
            waitingBytes += bytes.readableBytes
            waiting.append((bytes, promise))
        case .closing, .failing, .closed: promise?.fail(TransportError.closed())
        }
    }

    private func encrypt(
        _ context: ChannelHandlerContext,
        _ bytes: ByteBuffer,
        _ promise: EventLoopPromise<Void>?
    ) {
        var failure: TransportError?
        var pieces: [ByteBuffer] = []
        bytes.withUnsafeReadableBytes { all in
            var start = 0
            while start < all.count, failure == nil {
                let end = min(start + TLSHandler.pieceBytesMax, all.count)
                failure = connection.write(UnsafeRawBufferPointer(rebasing: all[start..<end]))
                // What TLS adds to a record, and some for a key update before it.
                var output = context.channel.allocator.buffer(capacity: end - start + 128)
                connection.takeOutput(into: &output)
                if output.readableBytes > 0 { pieces.append(output) }
                start = end
            }
        }
        for (index, piece) in pieces.enumerated() {
            let isLast = failure == nil && index == pieces.count - 1
            outflow.send(context, piece, isLast ? promise : nil)
        }
        if let failure {
            context.flush()
            promise?.fail(failure)
            fail(context, failure)
        } else if pieces.isEmpty {
            promise?.succeed()
        }
    }

    private func sendOutput(_ context: ChannelHandlerContext) {
        var output = context.channel.allocator.buffer(capacity: 0)
        connection.takeOutput(into: &output)
        guard output.readableBytes > 0 else { return }
        outflow.send(context, output, nil, isAnswer: true)
        context.flush()
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard let abort = event as? TLSAbort else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        becomeClosed()
        if let reason = abort.reason { context.fireErrorCaught(reason) }
        context.close(promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        switch state {
        case .idle, .handshaking:
            becomeClosed()
            context.close(promise: promise)
        case .closed: context.close(promise: promise)
        case .closing, .failing: if let promise { closePromises.append(promise) }
        case .active:
            if let promise { closePromises.append(promise) }
            let timer = schedule(context, TimeAmount(settings.closeTimeout)) { handler, context in
                handler.becomeClosed()
                context.close(promise: nil)
            }
            state = .closing(timer)
            connection.sendCloseNotify()
            sendOutput(context)
            // What the peer still sends is read and dropped, so that its close_notify can be seen.
            read(context: context)
        }
    }

    private func schedule(
        _ context: ChannelHandlerContext,
        _ delay: TimeAmount,
        _ action: @escaping @Sendable (TLSHandler, ChannelHandlerContext) -> Void
    ) -> Scheduled<Void> {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: delay) {
            let (handler, context) = bound.value
            action(handler, context)
        }
    }
}
