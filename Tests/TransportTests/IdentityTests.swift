import Foundation
import Glibc
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

        #expect(client.peer.uri == "tributary://river/client/ada" && client.revokedSerials == [])
        #expect(coordinator.peer.role == .coordinator && coordinator.revokedSerials == [])
        #expect(client.peer.serial.count == 32)
        #expect(abs(client.notAfter.timeIntervalSinceNow - 365 * 86_400) < 60)
    }

    @Test("a missing file is named", arguments: ["identity.crt", "identity.key", "ca.crt", "crl.pem"])
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
        arguments: ["identity.crt", "identity.key", "ca.crt", "crl.pem"]
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
        "a key that others can read, or a group write or run, is refused with the command that mends it",
        arguments: [
            0o660, 0o604, 0o666, 0o610, 0o444,
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

    @Test("a key that one of this process's own groups can read is accepted, as Kubernetes mounts secrets")
    func ownGroup() throws {
        let federation = try TestFederation()
        let directory = federation.clientDirectory("ada")
        let key = "\(directory)/identity.key"
        for mode in [0o440, 0o640, 0o400] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: key)
            #expect(try Identity.load(directory: directory, now: Date()).peer.clientName == "ada")
        }
        // Only root may give a file to a group that it is not in.
        guard getuid() == 0 else { return }
        #expect(chown(key, 0, 54_321) == 0)
        try FileManager.default.setAttributes([.posixPermissions: 0o440], ofItemAtPath: key)
        expect(.openPermissions, in: directory)
    }

    @Test("an identity outside its time can be read, to wait for a clock or a renewal")
    func waiting() throws {
        let federation = try TestFederation()
        let directory = federation.clientDirectory("ada")
        let late = Date().addingTimeInterval(366 * 86_400)

        let context = try TLSContext(directory: directory, now: late, checksTime: false)

        #expect(context.timeFault(at: late)?.code == .expired)
        #expect(context.timeFault(at: Date().addingTimeInterval(-3600))?.code == .notYetValid)
        #expect(context.timeFault(at: Date()) == nil)
        #expect(!context.hasChanged)
        _ = try federation.provisioner.renew(.client("ada"), now: late)
        #expect(context.hasChanged)
        try context.reload(now: late)
        #expect(context.timeFault(at: late) == nil && !context.hasChanged)
    }

    @Test("ends are due weeks ahead: of the certificate, the authority and the list")
    func expiries() throws {
        let federation = try TestFederation()
        let context = try federation.client()
        let day = 86_400.0
        func due(inDays days: Double) -> [String] {
            context.expiries.filter { $0.isDue(at: Date().addingTimeInterval(days * day)) }.map(\.name)
        }

        #expect(due(inDays: 0).isEmpty && due(inDays: 334).isEmpty)
        #expect(due(inDays: 336) == ["ada"] && due(inDays: 400) == ["ada"])
        #expect(due(inDays: 3630) == ["ada", "authority", "revocation list"])
    }

    @Test("an older revocation list, such as a restored copy, does not take the place of a newer one")
    func rollback() throws {
        let federation = try TestFederation()
        let list = "\(federation.coordinatorDirectory)/crl.pem"
        let old = try SecureFiles.read(list)
        try federation.provisioner.revoke(.client("ada"), now: Date().addingTimeInterval(60))
        let context = try federation.coordinator()
        let ada = try federation.client().identity.peer

        try SecureFiles.replace(list, old, mode: 0o644)

        #expect(throws: IdentityError(.unreadable, "", fix: "")) { try context.reload(now: Date()) }
        #expect(context.isRevoked(ada))
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
