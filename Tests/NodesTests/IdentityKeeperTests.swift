import Foundation
import Logging
import Testing
import Transport

@testable import Nodes

@Suite struct IdentityKeeperTests {
    private func provision(_ scratch: Scratch, from start: Double, to end: Double) throws -> Provisioner {
        let provisioner = Provisioner(directory: scratch.path)
        _ = try provisioner.provision(
            federation: "test",
            coordinatorNames: ["localhost"],
            clients: ["ash"],
            now: Date(),
            lifetime: CertificateLifetime(
                notBefore: Date().addingTimeInterval(start),
                notAfter: Date().addingTimeInterval(end)
            )
        )
        return provisioner
    }

    private func context(_ provisioner: Provisioner) throws -> TLSContext {
        let folder = provisioner.directory(of: .client("ash"))
        return try TLSContext(directory: folder, now: Date(), checksTime: false)
    }

    @Test("a program whose certificate has expired waits until a renewed one is there")
    func renewal() async throws {
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        let provisioner = try provision(scratch, from: -200, to: -100)
        let context = try context(provisioner)
        let keeper = IdentityKeeper(context, logger: quiet, interval: .milliseconds(20))
        let waiting = Task { try await keeper.waitUntilValid(isStopping: { false }) }
        try await Task.sleep(for: .milliseconds(100))
        #expect(context.timeFault(at: Date()) != nil)

        _ = try provisioner.renew(.client("ash"), now: Date())

        #expect(try await waiting.value)
        #expect(context.timeFault(at: Date()) == nil)
    }

    @Test("a certificate that is valid a moment from now, as with a clock that is behind, is waited for")
    func clock() async throws {
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        let provisioner = try provision(scratch, from: 1, to: 86_400)
        let keeper = IdentityKeeper(try context(provisioner), logger: quiet, interval: .milliseconds(20))

        #expect(try await keeper.waitUntilValid(isStopping: { false }))
    }

    @Test("who is asked to stop while waiting, stops")
    func stopping() async throws {
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        let provisioner = try provision(scratch, from: -200, to: -100)
        let keeper = IdentityKeeper(try context(provisioner), logger: quiet, interval: .milliseconds(20))

        #expect(try await !keeper.waitUntilValid(isStopping: { true }))
    }

    @Test("certificates that end within weeks are in the status, own and peers', and others are not")
    func due() throws {
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        let keeper = IdentityKeeper(try context(provision(scratch, from: -5, to: 20 * 86_400)), logger: quiet)
        let peer = { (name: String, days: Double) in
            let end = Date().addingTimeInterval(days * 86_400)
            return PeerIdentity(federation: "test", role: .client(name), serial: name, notAfter: end)
        }

        let due = keeper.certificates(with: [peer("far", 300), peer("near", 3), peer("past", -3)]).due

        #expect(due.map(\.name) == ["ash", "near", "past"])
        #expect(due.allSatisfy { $0.notAfter.hasSuffix("Z") })
    }
}
