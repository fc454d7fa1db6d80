import Foundation
import Testing

@testable import Transport

@Suite("Requests")
struct RequestTests {
    private let federation: TestFederation
    private var site: String { "\(federation.directory)/site" }

    init() throws { federation = try TestFederation(clients: []) }

    private func ask(_ role: PeerIdentity.Role = .client("zoe"), at folder: String? = nil) throws
        -> Provisioner.Request
    {
        try Provisioner.request(federation: "river", role: role, directory: folder ?? site)
    }

    private func sign(_ request: Provisioner.Request, as role: PeerIdentity.Role = .client("zoe")) throws
        -> ProvisioningSummary.Entry
    {
        try federation.provisioner.sign(request: request.path, expecting: role, now: Date())
    }

    private func install(_ role: PeerIdentity.Role = .client("zoe"), at folder: String? = nil) throws
        -> Identity
    {
        let reply = federation.provisioner.reply(to: role)
        return try Provisioner.install(reply: reply, directory: folder ?? site, now: Date()).identity
    }

    @Test("a site makes its key, only request and answer travel, and both sides see the same fingerprints")
    func signing() throws {
        let request = try ask()
        #expect(try ask().key == request.key)
        let mode = try FileManager.default.attributesOfItem(atPath: "\(site)/identity.key")[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(throws: IdentityError(.badRequest, "", fix: "")) { try sign(request, as: .client("ada")) }

        let entry = try sign(request)
        let reply = federation.provisioner.reply(to: .client("zoe"))
        let (identity, authority) = try Provisioner.install(reply: reply, directory: site, now: Date())

        #expect(entry.outcome == .signed && entry.key == request.key)
        #expect(try Provisioner.read(request: request.path).key == request.key)
        #expect(authority == (try federation.provisioner.authorityFingerprint(now: Date())))
        #expect(!FileManager.default.fileExists(atPath: "\(entry.directory)/identity.key"))
        #expect(identity.peer.clientName == "zoe")
        let summary = try federation.provisioner.provision(
            federation: "river",
            coordinatorNames: [],
            clients: ["zoe"],
            now: Date()
        )
        #expect(summary["zoe"]?.outcome == .kept)
        #expect(try federation.provisioner.revoke(.client("zoe"), now: Date()).count == 1)
    }

    @Test("an answer that was kept does not put an older revocation list back")
    func olderList() throws {
        _ = try sign(try ask())
        let kept = "\(federation.directory)/kept.pem"
        try FileManager.default.copyItem(
            atPath: federation.provisioner.reply(to: .client("zoe")),
            toPath: kept
        )
        _ = try install()
        let ada = try ask(.client("ada"), at: "\(federation.directory)/ada")
        _ = try sign(ada, as: .client("ada"))
        _ = try federation.provisioner.revoke(.client("ada"), now: Date().addingTimeInterval(60))
        let list = "\(federation.directory)/ca/crl.pem"
        let newest = try #require(FileManager.default.contents(atPath: list))
        try newest.write(to: URL(filePath: "\(site)/crl.pem"))

        let identity = try Provisioner.install(reply: kept, directory: site, now: Date()).identity

        #expect(identity.revokedSerials.count == 1)
        #expect(FileManager.default.contents(atPath: "\(site)/crl.pem") == newest)
    }

    @Test("coordinator and operator are signed like clients, each for its own part of a connection")
    func otherRoles() throws {
        let coordinator = try Provisioner.request(
            federation: "lake",
            role: .coordinator,
            coordinatorNames: ["c.example.org", "10.0.0.7", "2001:db8::7"],
            directory: site
        )
        let asked = try Provisioner.read(request: coordinator.path)
        #expect(asked.hosts(besides: ["C.example.org", "10.0.0.7", "2001:DB8:0::7"]) == [])
        #expect(asked.hosts(besides: ["10.0.0.8"]).count == 3)
        let lake = Provisioner(directory: "\(federation.directory)/lake")
        _ = try lake.makeAuthority(federation: "lake", now: Date())
        _ = try lake.sign(request: coordinator.path, expecting: .coordinator, now: Date())
        let identity = try Provisioner.install(
            reply: lake.reply(to: .coordinator),
            directory: site,
            now: Date()
        ).identity
        #expect(identity.peer.role == .coordinator)
        #expect(identity.chain[0].names.contains(host: "c.example.org"))
        #expect(identity.chain[0].names.contains(host: "10.0.0.7"))

        _ = try sign(ask(.operator("kim"), at: "\(site)-kim"), as: .operator("kim"))
        #expect(try install(.operator("kim"), at: "\(site)-kim").peer.uri == "tributary://river/operator/kim")
    }

    @Test("an answer for another key, another name or of another authority is not installed")
    func foreignAnswers() throws {
        _ = try sign(ask())
        _ = try ask(at: "\(site)-2")
        #expect(throws: IdentityError(.keyMismatch, "", fix: "")) { try install(at: "\(site)-2") }
        #expect(throws: IdentityError(.missingFile, "", fix: "")) { try install(at: "\(site)-3") }
        try FileManager.default.moveItem(atPath: "\(site)/zoe.csr", toPath: "\(site)/zed.csr")
        #expect(throws: IdentityError(.wrongIdentity, "", fix: "")) { try install() }
        try FileManager.default.moveItem(atPath: "\(site)/zed.csr", toPath: "\(site)/zoe.csr")
        let other = try TestFederation(clients: [])
        try FileManager.default.copyItem(atPath: "\(other.directory)/ca/ca.crt", toPath: "\(site)/ca.crt")
        #expect(throws: IdentityError(.wrongAuthority, "", fix: "")) { try install() }
        #expect(!FileManager.default.fileExists(atPath: "\(site)/identity.crt"))
        #expect(throws: IdentityError(.unreadable, "", fix: "")) {
            try Provisioner.install(reply: "\(site)/zoe.csr", directory: site, now: Date())
        }
    }

    @Test("a request for the same key renews, one for another key waits until the old one is revoked")
    func again() throws {
        let first = try sign(ask())
        let second = try sign(ask())
        #expect(second.outcome == .renewed && second.serial != first.serial && second.key == first.key)

        let other = try ask(at: "\(site)-2")
        #expect(throws: IdentityError(.alreadyExists, "", fix: "")) { try sign(other) }
        try federation.provisioner.revoke(.client("zoe"), now: Date())
        #expect(throws: IdentityError(.revoked, "", fix: "")) { try sign(ask()) }
        #expect(try sign(other).key == other.key)
        #expect(try install(at: "\(site)-2").peer.clientName == "zoe")
    }

    @Test("a renewal at the authority writes the answer anew, and the site installs it")
    func renewal() throws {
        _ = try sign(ask())
        let old = try install()
        try FileManager.default.removeItem(atPath: "\(site)/zoe.csr")

        _ = try federation.provisioner.renew(.client("zoe"), now: Date())

        #expect(try install().peer.serial != old.peer.serial)
    }

    @Test("roles are written as people write them, and nothing else is one")
    func roles() {
        for name in ["coordinator", "zoe", "operator/kim"] {
            #expect(PeerIdentity.Role(name: name)?.name == name)
        }
        #expect(PeerIdentity.Role(name: "operator/kim")?.fileName == "operator-kim")
        for name in ["", "operator/", "operator/a/b", "client/zoe", "Zoe", "../x"] {
            #expect(PeerIdentity.Role(name: name) == nil)
        }
    }
}
