internal import NIOCore

/// Opens a tunnel through an HTTP proxy, then gives its place to TLS.
final class ProxyHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// No proxy says more before its empty line.
    private static let answerBytesMax = 16_384

    /// Called once if there is no tunnel.
    var whenFailed: ((any Error) -> Void)?

    private let proxy: HTTPProxy
    private let target: (host: String, port: Int)
    private let timeout: Duration
    private let handlers: [any ChannelHandler]
    private var answer = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var isDone = false

    /// - Parameter behind: what takes over once the tunnel is there.
    init(
        _ proxy: HTTPProxy,
        target: (host: String, port: Int),
        timeout: Duration,
        behind handlers: [any ChannelHandler]
    ) {
        self.proxy = proxy
        self.target = target
        self.timeout = timeout
        self.handlers = handlers
    }

    /// The channel is connected when this handler comes.
    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            let (handler, context) = bound.value
            handler.fail(context, handler.unavailable("did not answer within \(handler.timeout)"))
        }
        let request = proxy.request(host: target.host, port: target.port)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        answer.writeBuffer(&bytes)
        guard let end = endOfHead else {
            if answer.readableBytes > ProxyHandler.answerBytesMax {
                fail(context, unavailable("answered \(answer.readableBytes) B without an end"))
            }
            return
        }
        let head = answer.readString(length: end) ?? ""
        if let error = judge(head) { return fail(context, error) }
        isDone = true
        timer?.cancel()
        do {
            try context.pipeline.syncOperations.addHandlers(handlers)
        } catch {
            return fail(context, error)
        }
        if answer.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(answer)) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isDone { context.fireChannelReadComplete() } else { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone { fail(context, unavailable("closed the connection")) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isDone { return context.fireErrorCaught(error) }
        fail(context, unavailable("broke the connection: \(error)"))
    }

    /// How many bytes the head of the answer has, its empty line included.
    private var endOfHead: Int? {
        let bytes = answer.readableBytesView
        let end: [UInt8] = [13, 10, 13, 10]
        return bytes.indices.first { bytes[$0...].starts(with: end) }
            .map { bytes.distance(from: bytes.startIndex, to: $0) + end.count }
    }

    /// Why the answer opens no tunnel; nil if it does.
    private func judge(_ head: String) -> TransportError? {
        let line = head.prefix { $0 != "\r\n" && $0 != "\n" }
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3,
            let status = Int(words[1])
        else { return unavailable("gave no HTTP answer") }
        let text = line.unicodeScalars.prefix(120).filter { $0.value >= 32 && $0.value != 127 }
        let said = "said '\(String(String.UnicodeScalarView(text)))'"
        switch status {
        case 200...299: return nil
        case 401, 407:
            return TransportError(
                .proxyAuthentication,
                "the proxy \(proxy) wants a password: it \(said)",
                fix: "Give user and password in HTTPS_PROXY; Basic authentication is supported."
            )
        case 400...499 where status != 408 && status != 429:
            return TransportError(
                .proxyForbids,
                "the proxy \(proxy) opens no way to \(target.host):\(target.port): it \(said)",
                fix: "Ask its operator to allow CONNECT to that host and port, or name the host in NO_PROXY."
            )
        default: return unavailable(said)
        }
    }

    private func unavailable(_ what: String) -> TransportError {
        TransportError(
            .proxyUnavailable,
            "the proxy \(proxy) \(what), asked for \(target.host):\(target.port)",
            fix: "Check the proxy, HTTPS_PROXY and NO_PROXY, and that the coordinator is up."
        )
    }

    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        timer?.cancel()
        guard let whenFailed else { return }
        self.whenFailed = nil
        whenFailed(error)
        context.close(promise: nil)
    }
}
