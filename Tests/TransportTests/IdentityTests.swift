import Foundation
import Testing

@testable import Transport

@Suite("Identity folders")
struct IdentityTests {
    private func expect(_ code: IdentityError.Code, in directory: String, now: Date = Date()) {
        #expect(throws: IdentityError(code, "", fix: "")) {
            try Identity.load(directory: directory, now: now)
        }
    }

    @Test("a provisioned folder loads and says who it is")
    func loads() throws {
        let federation = try TestFederation()

        let client = try Identity.load(directory: federation.clientDirectory("ada"), now: Date())
        let coordinator = try Identity.load(directory: federation.coordinatorDirectory, now: Date())

        #expect(client.peer.uri == "tributary://river/client/ada" && client.revokedSerials == nil)
        #expect(coordinator.peer.role == .coordinator && coordinator.revokedSerials == [])
        #expect(client.peer.serial.count == 32)
        #expect(abs(client.notAfter.timeIntervalSinceNow - 365 * 86_400) < 60)
    }

    @Test("a missing file is named", arguments: ["identity.crt", "identity.key", "ca.crt"])
    func missing(file: String) throws {
        let federation = try TestFederation()
        let directory = federation.clientDirectory("ada")
        try FileManager.default.removeItem(atPath: "\(directory)/\(file)")

        let error = #expect(throws: IdentityError.self) {
            try Identity.load(directory: directory, now: Date())
        }

        #expect(error?.code == .missingFile && error?.path == "\(directory)/\(file)")
    }

    @Test(
        "garbage is unreadable, whichever file it is in",
        arguments: ["identity.crt", "identity.key", "ca.crt"]
    )
    func garbage(file: String) throws {
        let federation = try TestFederation()
        let directory = federation.clientDirectory("ada")
        for bytes in [Data(), Data("hello".utf8), Data((0..<255).map { UInt8($0) })] {
            try SecureFiles.replace("\(directory)/\(file)", Array(bytes), mode: 0o600)

            expect(.unreadable, in: directory)
        }
    }

    @Test(
        "a key that its group or others can read is refused with the command that mends it",
        arguments: [
            0o640, 0o604, 0o666, 0o610,
        ]
    )
    func openKey(mode: Int) throws {
        let federation = try TestFederation()
        let directory = federation.clientDirectory("ada")
        let key = "\(directory)/identity.key"
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: key)

        let error = #expect(throws: IdentityError.self) {
            try Identity.load(directory: directory, now: Date())
        }

        #expect(error?.code == .openPermissions && error?.fix.contains("chmod 600 \(key)") == true)
    }

    @Test("another's key does not match")
    func otherKey() throws {
        let federation = try TestFederation()
        let other = try SecureFiles.read("\(federation.clientDirectory("bob"))/identity.key")
        try SecureFiles.replace("\(federation.clientDirectory("ada"))/identity.key", other, mode: 0o600)

        expect(.keyMismatch, in: federation.clientDirectory("ada"))
    }

    @Test("another federation's authority is told")
    func otherAuthority() throws {
        let federation = try TestFederation()
        let lake = try TestFederation("lake")
        let other = try SecureFiles.read("\(lake.directory)/ca/ca.crt")
        try SecureFiles.replace("\(federation.coordinatorDirectory)/ca.crt", other, mode: 0o644)
        try SecureFiles.replace("\(federation.clientDirectory("ada"))/ca.crt", other, mode: 0o644)

        expect(.wrongAuthority, in: federation.clientDirectory("ada"))
        expect(.wrongAuthority, in: federation.coordinatorDirectory)
    }

    @Test("a certificate outside its time is refused")
    func time() throws {
        let federation = try TestFederation()
        let directory = federation.clientDirectory("ada")

        expect(.expired, in: directory, now: Date().addingTimeInterval(366 * 86_400))
        expect(.notYetValid, in: directory, now: Date().addingTimeInterval(-3600))
    }

    @Test(
        "a certificate without an identity is refused",
        arguments: [
            "https://example.org", "tributary://river", "tributary://river/authority",
        ]
    )
    func noIdentity(uri: String) throws {
        let federation = try TestFederation()

        expect(.wrongIdentity, in: try federation.forge("forged", uri: uri))
    }

    @Test("two identities in one certificate are no identity")
    func twoIdentities() throws {
        let federation = try TestFederation()
        let directory = try federation.forge(
            "forged",
            uri: "tributary://river/client/ada",
            hosts: "URI:tributary://river/coordinator"
        )

        expect(.wrongIdentity, in: directory)
    }

    @Test("reloading takes over a new revocation list and keeps the old one when the new is bad")
    func reload() throws {
        let federation = try TestFederation()
        let context = try federation.coordinator()
        let ada = try federation.client().identity.peer
        let list = "\(federation.coordinatorDirectory)/crl.pem"

        try federation.provisioner.revoke(.client("ada"), now: Date())
        #expect(!context.isRevoked(ada))
        try context.reload(now: Date())
        #expect(context.isRevoked(ada))

        let lake = try TestFederation("lake")
        let foreign = try SecureFiles.read("\(lake.directory)/ca/crl.pem")
        try SecureFiles.replace(list, foreign, mode: 0o644)
        #expect(throws: IdentityError(.wrongAuthority, "", fix: "")) { try context.reload(now: Date()) }
        try FileManager.default.removeItem(atPath: list)
        #expect(throws: IdentityError(.missingFile, "", fix: "")) { try context.reload(now: Date()) }
        #expect(context.isRevoked(ada))
    }
}
