internal import Synchronization
package import Wire

/// What the two ends of a loopback connection share.
final class LoopbackLink: Sendable {
    let client: PeerIdentity
    let coordinator: PeerIdentity
    let number: Int
    let faults: (@Sendable (LoopbackNetwork.FaultPoint) -> LoopbackNetwork.Fault)?
    /// What each end receives.
    let toClient: FrameQueue
    let toCoordinator: FrameQueue
    let clientTraffic = TrafficCounter()
    let coordinatorTraffic = TrafficCounter()
    private let ends = Mutex<[Peer: TransportError]>([:])
    private let sent = Mutex<[Peer: Int]>([:])

    init(
        client: PeerIdentity,
        coordinator: PeerIdentity,
        number: Int,
        settings: TransportSettings,
        faults: (@Sendable (LoopbackNetwork.FaultPoint) -> LoopbackNetwork.Fault)?
    ) {
        self.client = client
        self.coordinator = coordinator
        self.number = number
        self.faults = faults
        toClient = FrameQueue(high: settings.inboundBytesHigh, low: settings.inboundBytesLow)
        toCoordinator = FrameQueue(high: settings.inboundBytesHigh, low: settings.inboundBytesLow)
    }

    func queue(of side: Peer) -> FrameQueue { side == .client ? toClient : toCoordinator }

    func traffic(of side: Peer) -> TrafficCounter { side == .client ? clientTraffic : coordinatorTraffic }

    /// Why a side can send no more.
    func end(of side: Peer) -> TransportError? { ends.withLock { $0[side] } }

    /// What becomes of the next frame of a side.
    func fault(_ side: Peer, _ type: MessageType) -> LoopbackNetwork.Fault {
        let index = sent.withLock { sent in
            let index = sent[side, default: 0]
            sent[side] = index + 1
            return index
        }
        return faults?(
            LoopbackNetwork.FaultPoint(
                client: client.shortName,
                connection: number,
                sender: side,
                index: index,
                type: type
            )
        ) ?? .none
    }

    /// One side closes: it drops what waits for it, the other still gets what was sent.
    func close(_ side: Peer) {
        finish(.closed())
        queue(of: side).finish(.success(()), dropping: true)
        queue(of: side.other).finish(.success(()))
    }

    /// The connection breaks under both.
    func cut() {
        let error = TransportError(
            .reset,
            "the connection broke",
            fix: "The peer or the network between has failed; reconnect."
        )
        finish(error)
        toClient.finish(.failure(error))
        toCoordinator.finish(.failure(error))
    }

    private func finish(_ error: TransportError) {
        ends.withLock { ends in
            for side in [Peer.client, .coordinator] where ends[side] == nil { ends[side] = error }
        }
    }
}

/// One end of a connection in memory.
package final class LoopbackConnection: Connection {
    private let link: LoopbackLink
    private let side: Peer

    init(link: LoopbackLink, side: Peer) {
        self.link = link
        self.side = side
    }

    deinit { link.close(side) }

    /// Who the peer has proven to be.
    package var peer: PeerIdentity { side == .client ? link.coordinator : link.client }

    /// The peer's address, for logs.
    package var remoteAddress: String { "loopback:\(peer.shortName)" }

    /// What has gone over this connection until now.
    package var traffic: Traffic { link.traffic(of: side).snapshot }

    /// The frames from the peer, in order; one consumer.
    package var inbound: InboundFrames { InboundFrames(queue: link.queue(of: side)) }

    /// Sends one frame; waits for a peer that reads slowly.
    package func send(_ frame: Frame) async throws {
        try Task.checkCancellation()
        if let error = link.end(of: side) { throw error }
        let fault = link.fault(side, frame.type)
        guard fault != .cutBefore else {
            link.cut()
            throw link.end(of: side) ?? TransportError.closed()
        }
        let bytes = FrameEncoder.encode(frame)
        count(frame.type, bytes.count)
        let queue = link.queue(of: side.other)
        var decoder = FrameDecoder(from: side)
        decoder.append(bytes)
        do throws(WireError) {
            while let received = try decoder.next() { _ = queue.offer([received]) }
        } catch {
            queue.finish(.failure(error))
        }
        if fault == .cutAfter { link.cut() }
        // The peer has the frame; waiting here is what makes a fast sender wait for a slow reader.
        let drained = Completion<Void>()
        queue.whenDrained { drained.finish(.success(())) }
        try await drained.value()
    }

    private func count(_ type: MessageType, _ bytes: Int) {
        let mine = link.traffic(of: side)
        mine.sent(bytes: bytes)
        mine.sent(type, bytes: bytes)
        let other = link.traffic(of: side.other)
        other.received(bytes: bytes)
        other.received(type, bytes: bytes)
    }

    /// Closes in order: sends what was sent, says so to the peer, and waits a bounded time for it.
    package func close() async { link.close(side) }

    /// Cuts the connection at once.
    package func abort() { link.cut() }
}

extension Peer {
    /// The other end.
    fileprivate var other: Peer { self == .client ? .coordinator : .client }
}
