import Testing
import Wire
import Transport

@Suite("Peer identity")
struct PeerIdentityTests {
    @Test(
        "the URI forms are read and written",
        arguments: [
            "tributary://river/coordinator", "tributary://river-basin-2/client/ada1",
            "tributary://river/operator/kim",
        ]
    )
    func roundTrip(uri: String) throws {
        let identity = try #require(PeerIdentity(uri: uri))

        #expect(identity.uri == uri)
    }

    @Test(
        "anything else is no identity",
        arguments: [
            "", "tributary://", "tributary://river", "tributary://river/", "tributary://river/client",
            "tributary://river/client/", "tributary://river/client/ada/x", "tributary://river/coordinator/",
            "tributary://river/server", "https://river/coordinator", "tributary:///coordinator",
            "tributary://ri ver/coordinator", "tributary://river/client/../x",
            "tributary://river/client/ada\u{0}",
            "Tributary://river/coordinator", "tributary://river/client/.hidden",
        ]
    )
    func refused(uri: String) {
        #expect(PeerIdentity(uri: uri) == nil)
    }

    @Test("names have 1 to 63 characters that are safe in paths")
    func names() {
        #expect(NodeName.isValid(String(repeating: "a", count: 63)))
        #expect(!NodeName.isValid(String(repeating: "a", count: 64)))
        #expect(!NodeName.isValid(""))
        #expect(!NodeName.isValid("-a"))
        #expect(!NodeName.isValid("a/b"))
        #expect(!NodeName.isValid("é"))
        #expect(!NodeName.isValid("A"))
        #expect(!NodeName.isValid("a.b"))
        #expect(NodeName.isValid("0"))
    }
}
