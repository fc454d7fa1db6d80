import Foundation
import Testing
import Wire

@testable import Transport

extension SocketTests {
    @Suite("Certificates that are refused, with a reason on both sides")
    struct Refusals {
        /// Both sides' codes when a client with this folder connects.
        private func codes(
            _ federation: TestFederation,
            _ context: TLSContext
        ) async throws -> (client: TransportError.Code?, server: String) {
            var client: TransportError.Code?
            var server = ""
            try await Station.run(federation) { station in
                client = try await station.refusal(of: context)?.code
                server = await station.log.refusal()
            }
            return (client, server)
        }

        @Test("an expired client")
        func expired() async throws {
            let federation = try TestFederation(clients: [])
            let past = CertificateLifetime(
                notBefore: Date().addingTimeInterval(-7200),
                notAfter: Date().addingTimeInterval(-3600)
            )
            _ = try federation.provisioner.add(.client("old"), now: Date(), lifetime: past)
            let context = try federation.client("old", now: Date().addingTimeInterval(-5400))

            let codes = try await codes(federation, context)

            #expect(codes.client == .ownCertificateExpired && codes.server == "expired")
        }

        @Test("a client whose time has not come")
        func notYetValid() async throws {
            let federation = try TestFederation(clients: [])
            let future = CertificateLifetime(
                notBefore: Date().addingTimeInterval(3600),
                notAfter: Date().addingTimeInterval(7200)
            )
            _ = try federation.provisioner.add(.client("new"), now: Date(), lifetime: future)
            let context = try federation.client("new", now: Date().addingTimeInterval(5400))

            let codes = try await codes(federation, context)

            #expect(codes.client == .ownCertificateBad && codes.server == "notYetValid")
        }

        @Test("a client of another authority that has the same names")
        func wrongAuthority() async throws {
            let federation = try TestFederation()
            let twin = try TestFederation()
            // The twin's client trusts our authority, so that only the coordinator objects.
            let ours = try SecureFiles.read("\(federation.directory)/ca/ca.crt")
            let path = "\(twin.clientDirectory("ada"))/ca.crt"
            let both = try ours + SecureFiles.read(path)
            try SecureFiles.replace(path, both, mode: 0o644)
            let list = "\(twin.clientDirectory("ada"))/crl.pem"
            let lists = try SecureFiles.read("\(federation.directory)/ca/crl.pem") + SecureFiles.read(list)
            try SecureFiles.replace(list, lists, mode: 0o644)

            let codes = try await codes(federation, try twin.client())

            #expect(codes.client == .ownAuthorityUnknown && codes.server == "unknownAuthority")
        }

        @Test("a coordinator of another authority")
        func wrongServerAuthority() async throws {
            let federation = try TestFederation()
            let twin = try TestFederation()

            let codes = try await codes(federation, try twin.client())

            #expect(codes.client == .unknownAuthority && codes.server == "ownAuthorityUnknown")
        }

        @Test("a coordinator of another federation under the same authority")
        func wrongServerFederation() async throws {
            let federation = try TestFederation()
            let folder = try federation.forge("x", uri: "tributary://lake/client/ada")

            let codes = try await codes(federation, try TLSContext(directory: folder, now: Date()))

            #expect(codes.client == .wrongFederation && codes.server == "ownIdentityRefused")
        }

        @Test("a host that the coordinator's certificate does not name")
        func wrongHost() async throws {
            let federation = try TestFederation(hosts: ["coordinator.example"])

            let codes = try await codes(federation, try federation.client())

            #expect(codes.client == .hostNameMismatch && codes.server == "ownCertificateBad")
        }

        @Test("a revoked client, from the moment the list is read again")
        func revoked() async throws {
            let federation = try TestFederation()
            let context = try federation.client()
            try await Station.run(federation) { station in
                let before = try await station.connect(context)
                try await before.send(.heartbeat)
                try federation.provisioner.revoke(.client("ada"), now: Date())
                try station.context.reload(now: Date())

                #expect(try await station.refusal(of: context)?.code == .ownCertificateRevoked)
                #expect(await station.log.refusal() == "revoked")
                let line = try #require(station.log.lines.first { $0.message == "connection refused" })
                #expect(line.metadata["reason"]?.contains("tributary://river/client/ada") == true)
                #expect(line.metadata["reason"]?.contains(context.identity.peer.serial) == true)
                // The old session lives; the node asks about its peer.
                try await before.send(.heartbeat)
                #expect(station.context.isRevoked(context.identity.peer))
                let bob = try await station.connect(try federation.client("bob"))
                try await bob.send(.heartbeat)
                await bob.close()
                await before.close()
            }
        }

        @Test("a renewed client gets in with the old certificate and with the new")
        func renewed() async throws {
            let federation = try TestFederation()
            let old = try federation.client()
            _ = try federation.provisioner.renew(.client("ada"), now: Date())
            try await Station.run(federation) { station in
                for context in [old, try federation.client()] {
                    let connection = try await station.connect(context)
                    try await connection.send(.heartbeat)
                    var frames = connection.inbound.makeAsyncIterator()
                    #expect(try await frames.next() == .heartbeat)
                    await connection.close()
                }
            }
        }

        @Test("after a refusal send and inbound keep telling the same reason")
        func reasonStays() async throws {
            let federation = try TestFederation()
            try federation.provisioner.revoke(.client("ada"), now: Date())
            let context = try federation.client()
            try await Station.run(federation) { station in
                let connection = try await station.connect(context)
                for _ in 0..<2 {
                    await #expect(throws: TransportError.of(.ownCertificateRevoked)) {
                        for try await _ in connection.inbound {}
                    }
                }
                await #expect(throws: TransportError.of(.ownCertificateRevoked)) {
                    try await connection.send(.heartbeat)
                }
            }
        }

        @Test("a listener survives a storm of refused clients")
        func storm() async throws {
            let federation = try TestFederation()
            let twin = try TestFederation().client()
            try await Station.run(federation) { station in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<40 { group.addTask { _ = try? await station.refusal(of: twin) } }
                }
                let good = try await station.connect(try federation.client())
                try await good.send(.chunk(5))
                var frames = good.inbound.makeAsyncIterator()
                #expect(try await frames.next()?.body.count == 5)
                await good.close()
            }
        }
    }
}
