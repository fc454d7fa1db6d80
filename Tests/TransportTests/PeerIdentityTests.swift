import Testing
import Transport

@Suite("Peer identity")
struct PeerIdentityTests {
    @Test(
        "the two URI forms are read and written",
        arguments: [
            "tributary://river/coordinator", "tributary://river.basin-2/client/ada_1",
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

    @Test("names have 1 to 64 characters that are safe in paths")
    func names() {
        #expect(PeerIdentity.isName(String(repeating: "a", count: 64)))
        #expect(!PeerIdentity.isName(String(repeating: "a", count: 65)))
        #expect(!PeerIdentity.isName(""))
        #expect(!PeerIdentity.isName("-a"))
        #expect(!PeerIdentity.isName("a/b"))
        #expect(!PeerIdentity.isName("é"))
        #expect(PeerIdentity.isName("0"))
    }
}
