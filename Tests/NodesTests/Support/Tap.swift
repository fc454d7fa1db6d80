import Synchronization
import Transport
import Wire

/// Everything that went over some connections, in the order in which one side sent it.
final class Tap: Sendable {
    private let state = Mutex<(up: [Frame], down: [Frame])>(([], []))

    var up: [Frame] { state.withLock { $0.up } }
    var down: [Frame] { state.withLock { $0.down } }

    fileprivate func sent(_ frame: Frame) { state.withLock { $0.up.append(frame) } }
    fileprivate func received(_ frame: Frame) { state.withLock { $0.down.append(frame) } }

    /// Makes connections that are listened to.
    func dialer(_ dialer: any Dialer) -> any Dialer { TappedDialer(tap: self, dialer: dialer) }
}

private struct TappedDialer: Dialer {
    let tap: Tap
    let dialer: any Dialer

    func connect() async throws -> any Connection {
        let connection = try await dialer.connect()
        // A second loopback connection passes everything on: `inbound` cannot be made elsewhere.
        let relay = LoopbackNetwork(logger: quiet)
        let listener = try relay.listen(as: connection.peer)
        let client = PeerIdentity(federation: connection.peer.federation, role: .client("tapped"))
        let near = try relay.connect(port: listener.port, as: client)
        Task {
            try await listener.serve { far in
                await listener.close()
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await pass(from: far, to: connection) { self.tap.sent($0) } }
                    group.addTask { await pass(from: connection, to: far) { self.tap.received($0) } }
                }
            }
        }
        return near
    }
}

/// Passes frames on until the source ends, then ends the target.
private func pass(from source: any Connection, to target: any Connection, _ record: @Sendable (Frame) -> Void)
    async
{
    do {
        for try await frame in source.inbound {
            record(frame)
            try await target.send(frame)
        }
        await target.close()
    } catch {
        target.abort()
    }
}
