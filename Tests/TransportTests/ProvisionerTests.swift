import Foundation
import Testing

@testable import Transport

@Suite("Provisioning")
struct ProvisionerTests {
    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    private func contents(_ directory: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            found[name] = FileManager.default.contents(atPath: "\(directory)/\(name)")
        }
        return found
    }

    @Test("a second run changes no file and reports everything as kept")
    func idempotent() throws {
        let federation = try TestFederation()
        let before = try contents(federation.directory)

        let summary = try federation.provisioner.provision(
            federation: "river",
            coordinatorNames: ["localhost", "127.0.0.1"],
            clients: ["ada", "bob"],
            now: Date()
        )

        #expect(summary.entries.map(\.name) == ["authority", "coordinator", "ada", "bob"])
        #expect(summary.entries.allSatisfy { $0.outcome == .kept })
        #expect(try contents(federation.directory) == before)
        #expect(before.keys.contains("ca/crl.pem") && before.keys.contains("coordinator/crl.pem"))
    }

    @Test("keys are readable by their owner alone, and so are the folders")
    func modes() throws {
        let federation = try TestFederation()

        for key in ["ca/ca.key", "coordinator/identity.key", "clients/ada/identity.key"] {
            #expect(try mode("\(federation.directory)/\(key)") == 0o600)
        }
        for folder in ["ca", "coordinator", "clients", "clients/ada"] {
            #expect(try mode("\(federation.directory)/\(folder)") == 0o700)
        }
    }

    @Test("new clients are added beside those that are kept")
    func grows() throws {
        let federation = try TestFederation(clients: ["ada"])

        let summary = try federation.provisioner.provision(
            federation: "river",
            coordinatorNames: ["127.0.0.1"],
            clients: ["ada", "eve"],
            now: Date()
        )

        #expect(summary["ada"]?.outcome == .kept)
        #expect(summary["eve"]?.outcome == .created)
        #expect(try federation.client("eve").identity.peer.clientName == "eve")
        #expect(throws: IdentityError(.alreadyExists, "", fix: "")) {
            try federation.provisioner.add(.client("ada"), now: Date())
        }
    }

    @Test("a new coordinator name reissues the certificate for the same key and keeps the old names")
    func newCoordinatorName() throws {
        let federation = try TestFederation(hosts: ["127.0.0.1"])
        let key = FileManager.default.contents(atPath: "\(federation.coordinatorDirectory)/identity.key")

        let summary = try federation.provisioner.provision(
            federation: "river",
            coordinatorNames: ["c.example.org", "2001:db8::7"],
            clients: [],
            now: Date()
        )

        #expect(summary["coordinator"]?.outcome == .renewed)
        #expect(
            FileManager.default.contents(atPath: "\(federation.coordinatorDirectory)/identity.key") == key
        )
        let names = try federation.coordinator().identity.chain[0].names
        #expect(names.contains(host: "127.0.0.1") && names.contains(host: "C.example.org"))
        #expect(names.contains(host: "2001:db8:0:0:0:0:0:7"))
    }

    @Test("an authority is never overwritten, not even for another federation")
    func authorityIsKept() throws {
        let federation = try TestFederation()
        let key = FileManager.default.contents(atPath: "\(federation.directory)/ca/ca.key")

        #expect(throws: IdentityError(.alreadyExists, "", fix: "")) {
            try federation.provisioner.provision(
                federation: "lake",
                coordinatorNames: [],
                clients: [],
                now: Date()
            )
        }
        #expect(throws: IdentityError(.alreadyExists, "", fix: "")) {
            try CertificateAuthority.create(
                directory: "\(federation.directory)/ca",
                federation: "river",
                now: Date()
            )
        }
        #expect(FileManager.default.contents(atPath: "\(federation.directory)/ca/ca.key") == key)
    }

    @Test("a half-made authority is an error and not a reason to make a new one")
    func halfAuthority() throws {
        let federation = try TestFederation()
        try FileManager.default.removeItem(atPath: "\(federation.directory)/ca/ca.crt")

        #expect(throws: IdentityError(.missingFile, "", fix: "")) {
            try federation.provisioner.provision(
                federation: "river",
                coordinatorNames: [],
                clients: [],
                now: Date()
            )
        }
    }

    @Test("an authority that a crash left as its key alone is finished with that key")
    func authorityAfterCrash() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let key = try PrivateKey.generate()
        try SecureFiles.makeDirectory("\(directory)/ca")
        try SecureFiles.create("\(directory)/ca/ca.key", key.pem(), mode: 0o600)
        let provisioner = Provisioner(directory: directory)

        let first = try provisioner.provision(
            federation: "river",
            coordinatorNames: ["h"],
            clients: [],
            now: Date()
        )
        try FileManager.default.removeItem(atPath: "\(directory)/ca/crl.pem")
        let second = try provisioner.provision(
            federation: "river",
            coordinatorNames: ["h"],
            clients: [],
            now: Date()
        )

        #expect(first["authority"]?.outcome == .created && second["authority"]?.outcome == .kept)
        #expect(try CertificateAuthority.load(directory: "\(directory)/ca").certificate.matches(key))
        #expect(FileManager.default.fileExists(atPath: "\(directory)/ca/crl.pem"))
    }

    @Test("a key without certificate, as a crash leaves it, gets its certificate")
    func afterCrash() throws {
        let federation = try TestFederation(clients: ["ada"])
        let folder = federation.clientDirectory("ada")
        let key = FileManager.default.contents(atPath: "\(folder)/identity.key")
        try FileManager.default.removeItem(atPath: "\(folder)/identity.crt")

        let summary = try federation.provisioner.provision(
            federation: "river",
            coordinatorNames: [],
            clients: ["ada"],
            now: Date()
        )

        #expect(summary["ada"]?.outcome == .created)
        #expect(FileManager.default.contents(atPath: "\(folder)/identity.key") == key)
        _ = try federation.client("ada")
    }

    @Test(
        "names that are unsafe in paths or certificates are refused before anything is made",
        arguments: [
            "../evil", "a/b", "", "a b", "URI:x", "a,DNS:b", String(repeating: "x", count: 65),
        ]
    )
    func badNames(name: String) throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let provisioner = Provisioner(directory: "\(directory)/new")

        for (federation, host, client) in [(name, "h", "c"), ("f", "h", name), ("f", "\(name),", "c")] {
            #expect(throws: IdentityError(.badName, "", fix: "")) {
                try provisioner.provision(
                    federation: federation,
                    coordinatorNames: [host],
                    clients: [client],
                    now: Date()
                )
            }
        }
        #expect(!FileManager.default.fileExists(atPath: "\(directory)/new"))
    }

    @Test("renewing keeps the key and the old certificate valid; revoking afterwards names both")
    func renewThenRevoke() throws {
        let federation = try TestFederation()
        let old = try federation.client().identity

        let entry = try federation.provisioner.renew(.client("ada"), now: Date())
        let new = try federation.client().identity
        #expect(entry.outcome == .renewed && entry.serial == new.peer.serial)
        #expect(new.peer.serial != old.peer.serial && new.chain[0].matches(old.key))
        #expect(try federation.coordinator().isRevoked(old.peer) == false)

        let serials = try federation.provisioner.revoke(.client("ada"), now: Date())
        #expect(Set(serials) == [old.peer.serial, new.peer.serial])
        let coordinator = try federation.coordinator()
        #expect(coordinator.isRevoked(old.peer) && coordinator.isRevoked(new.peer))
        #expect(try federation.provisioner.revoke(.client("ada"), now: Date()) == [])
        #expect(throws: IdentityError(.revoked, "", fix: "")) {
            try federation.provisioner.renew(.client("ada"), now: Date())
        }
    }

    @Test("a revoked client that is added anew has a new key and serial")
    func addAfterRevoke() throws {
        let federation = try TestFederation()
        let old = try federation.client().identity
        try federation.provisioner.revoke(.client("ada"), now: Date())

        let summary = try federation.provisioner.provision(
            federation: "river",
            coordinatorNames: [],
            clients: ["ada"],
            now: Date()
        )
        #expect(summary["ada"]?.outcome == .revoked)
        let entry = try federation.provisioner.add(.client("ada"), now: Date())

        let new = try federation.client().identity
        #expect(entry.outcome == .created && !new.chain[0].matches(old.key))
        let coordinator = try federation.coordinator()
        #expect(coordinator.isRevoked(old.peer) && !coordinator.isRevoked(new.peer))
    }

    @Test("revoking a name that was never issued is an error")
    func revokeUnknown() throws {
        let federation = try TestFederation()

        #expect(throws: IdentityError(.missingFile, "", fix: "")) {
            try federation.provisioner.revoke(.client("nobody"), now: Date())
        }
    }

    @Test("an expired certificate is reported and not replaced")
    func expired() throws {
        let federation = try TestFederation(clients: [])
        let past = CertificateLifetime(
            notBefore: Date().addingTimeInterval(-7200),
            notAfter: Date().addingTimeInterval(-3600)
        )
        _ = try federation.provisioner.add(.client("old"), now: Date(), lifetime: past)

        let summary = try federation.provisioner.provision(
            federation: "river",
            coordinatorNames: [],
            clients: ["old"],
            now: Date()
        )

        #expect(summary["old"]?.outcome == .expired)
        _ = try federation.provisioner.renew(.client("old"), now: Date())
        _ = try federation.client("old")
    }

    @Test("a key that was revoked is never certified again, whoever asks and whatever a crash has left")
    func revokedKey() throws {
        let federation = try TestFederation()
        let files = FileManager.default
        let folder = federation.clientDirectory("ada")
        let site = "\(federation.directory)/site"
        let request = try Provisioner.request(federation: "river", role: .client("zoe"), directory: site).path
        let signed = try federation.provisioner.sign(request: request, expecting: .client("zoe"), now: Date())
        try federation.provisioner.revoke(.client("ada"), now: Date())
        try federation.provisioner.revoke(.client("zoe"), now: Date())

        // What a crash between the two removals of an earlier version left: the key without its certificate.
        try files.removeItem(atPath: "\(folder)/identity.crt")
        #expect(throws: IdentityError(.revoked, "", fix: "")) {
            try federation.provisioner.add(.client("ada"), now: Date())
        }
        // What one of this version leaves.
        try files.removeItem(atPath: "\(folder)/identity.key")
        #expect(try federation.provisioner.add(.client("ada"), now: Date()).outcome == .created)
        // The same request once more, after the operator has made room for it.
        try files.removeItem(atPath: signed.directory)
        #expect(throws: IdentityError(.revoked, "", fix: "")) {
            try federation.provisioner.sign(request: request, expecting: .client("zoe"), now: Date())
        }
    }

    @Test("every identity gets the revocation list, and every revocation reaches all of them")
    func lists() throws {
        let federation = try TestFederation()
        let list = { (folder: String) in try SecureFiles.read("\(federation.directory)/\(folder)/crl.pem") }
        let before = try list("ca")
        #expect(try ["coordinator", "clients/ada", "clients/bob"].allSatisfy { try list($0) == before })

        try federation.provisioner.revoke(.client("ada"), now: Date())

        #expect(try list("ca") != before)
        #expect(try ["coordinator", "clients/ada", "clients/bob"].allSatisfy { try list($0) == list("ca") })
    }

    @Test("a request that was changed on its way is refused")
    func forgedRequest() throws {
        let federation = try TestFederation(clients: [])
        let path = try Provisioner.request(
            federation: "river",
            role: .client("zoe"),
            directory: "\(federation.directory)/site"
        ).path
        var text = try String(contentsOfFile: path, encoding: .utf8)
        let middle = text.index(text.startIndex, offsetBy: text.count / 2)
        text.replaceSubrange(middle...middle, with: text[middle] == "A" ? "B" : "A")
        try text.write(toFile: path, atomically: true, encoding: .utf8)

        #expect(throws: IdentityError(.badRequest, "", fix: "")) {
            try federation.provisioner.sign(request: path, expecting: .client("zoe"), now: Date())
        }
    }

    @Test("a folder that cannot be written is told by name")
    func unwritable() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Data().write(to: URL(fileURLWithPath: "\(directory)/file"))

        #expect(throws: IdentityError(.unwritable, "", fix: "")) {
            try Provisioner(directory: "\(directory)/file").provision(
                federation: "river",
                coordinatorNames: [],
                clients: [],
                now: Date()
            )
        }
    }

    @Test(
        "OpenSSL's own verifier accepts what was issued and sees what was revoked",
        .enabled(if: isInstalled("openssl"), "install openssl")
    )
    func openSSLVerify() async throws {
        let federation = try TestFederation()
        let folder = federation.directory
        let verify = ["openssl", "verify", "-x509_strict", "-CAfile", "\(folder)/ca/ca.crt"]

        let server = try await run(
            verify + [
                "-purpose", "sslserver", "-verify_ip", "127.0.0.1", "\(folder)/coordinator/identity.crt",
            ]
        )
        let client = try await run(verify + ["-purpose", "sslclient", "\(folder)/clients/ada/identity.crt"])
        try federation.provisioner.revoke(.client("ada"), now: Date())
        let list = ["-crl_check", "-CRLfile", "\(folder)/ca/crl.pem"]
        let revoked = try await run(verify + list + ["\(folder)/clients/ada/identity.crt"])
        let other = try await run(verify + list + ["\(folder)/clients/bob/identity.crt"])

        #expect(server.status == 0, "\(server.output)")
        #expect(client.status == 0, "\(client.output)")
        #expect(revoked.status != 0 && revoked.output.contains("revoked"), "\(revoked.output)")
        #expect(other.status == 0, "\(other.output)")
    }
}
