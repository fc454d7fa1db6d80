internal import FoundationEssentials
package import Logging
internal import Transport
internal import Wire

/// An operator's connection to a coordinator: asks how the run goes, and asks it to stop.
package final class OperatorLink: Sendable {
    private let transport: TCPTransport
    private let connection: any Connection

    /// Connects with an operator's identity.
    ///
    /// - Parameters:
    ///   - host: The coordinator's host.
    ///   - port: Its port.
    ///   - identity: The folder of the operator's identity.
    ///   - environment: The variables of the process: `HTTPS_PROXY` and `NO_PROXY` count.
    ///   - logger: The log.
    /// - Throws: `IdentityError`, `TransportError`.
    package init(
        host: String,
        port: Int,
        identity: String,
        environment: [String: String],
        logger: Logger
    ) async throws {
        let context = try TLSContext(directory: identity, now: Date(), checksTime: true)
        let peer = context.identity.peer
        guard case .operator = peer.role else {
            throw IdentityError(
                .wrongIdentity,
                path: identity,
                "\(identity) is the identity of '\(peer)', not of an operator",
                fix: "Ask for one with `tributary provision request --name operator/NAME`."
            )
        }
        let proxy = try HTTPProxy.from(environment: environment, target: host, port: port)
        let transport = TCPTransport(logger: logger)
        do {
            connection = try await transport.connect(host: host, port: port, context: context, proxy: proxy)
        } catch {
            await transport.shutdown()
            throw error
        }
        self.transport = transport
    }

    /// Asks, and waits for the status that answers.
    ///
    /// - Throws: `NodeError` with `refused` if the coordinator will not say, `TransportError` if the
    ///   connection breaks.
    package func ask(stop: Bool) async throws -> RunStatus {
        try await connection.send(ClientMessage.ask(Ask(stop ? .stop : .status)).frame())
        for try await frame in connection.inbound {
            let message = try CoordinatorMessage(frame: frame)
            if case .refused(let refused) = message {
                throw NodeError(.refused, "\(refused.code.name): \(refused.message)")
            }
            // A heartbeat is no answer.
            guard case .report(let report) = message else { continue }
            let status = try? JSONDecoder().decode(RunStatus.self, from: Data(report.status))
            guard let status else {
                throw NodeError(
                    .data,
                    "the coordinator's status cannot be read: it may be of another version"
                )
            }
            return status
        }
        throw TransportError(
            .closed,
            "the coordinator closed the connection without an answer",
            fix: "It may have ended just now: ask again, or look at its log."
        )
    }

    /// Leaves.
    package func close() async {
        await connection.close()
        await transport.shutdown()
    }
}
