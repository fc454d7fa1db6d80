import Foundation
import Rounds
import Synchronization
import Testing
import Transport
import Wire

@testable import Nodes

/// Reaching a coordinator past what is between.
@Suite struct ReachingTests {
    /// Fails some times before it dials.
    private final class Behind: Dialer, Sendable {
        private let errors: Mutex<[TransportError]>
        private let dialer: any Dialer

        init(_ errors: [TransportError], _ dialer: any Dialer) {
            self.errors = Mutex(errors)
            self.dialer = dialer
        }

        func connect() async throws -> any Connection {
            let error = errors.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let error { throw error }
            return try await dialer.connect()
        }
    }

    private static let page = TransportError(
        .notTLS,
        "the other side does not speak TLS (plain HTTP)",
        fix: ""
    )

    @Test(
        "a page of a load balancer, a certificate that is being renewed and a wrong clock are waited for",
        arguments: [
            page, TransportError(.ownCertificateExpired, "", fix: ""), TransportError(.expired, "", fix: ""),
            TransportError(.notYetValid, "", fix: ""), TransportError(.proxyUnavailable, "", fix: ""),
        ]
    )
    func transient(error: TransportError) async throws {
        let stage = try await Stage(
            Recipe(clients: ["ash"], rounds: 1, steps: 1, localPerPublic: "none"),
            in: Scratch()
        )
        let client = try await stage.client("ash", through: Behind([error, error], stage.dialer("ash")))

        #expect(try await stage.finish(with: [client]) == .completed)
    }

    @Test("an answer that is not a coordinator's ends the client once it has come for long")
    func lasting() async throws {
        let stage = try await Stage(
            Recipe(clients: ["ash"], rounds: 1, steps: 1, localPerPublic: "none"),
            in: Scratch()
        )
        let client = try await Client.make(
            stage.job,
            name: "ash",
            state: stage.layout.state(ofClient: "ash"),
            dataFile: nil,
            dialer: Behind(Array(repeating: Self.page, count: 9), stage.dialer("ash")),
            patience: .milliseconds(1),
            logger: quiet
        )

        await #expect(throws: Self.page) { _ = try await client.run() }
        try await stage.drain()
    }
}
