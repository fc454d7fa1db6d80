import Digest
import Testing

@Suite("SHA-256") struct SHA256Tests {
    /// FIPS 180-4 examples.
    @Test(
        "gives the known answers",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ]
    )
    func knownAnswers(text: String, expected: String) {
        #expect(SHA256Digest(of: Array(text.utf8)).description == expected)
    }

    @Test("of pieces is that of the whole, and a finished hash starts anew")
    func pieces() {
        let data = (0..<1000).map { UInt8($0 & 255) }
        let hash = SHA256()
        for start in stride(from: 0, to: 1000, by: 77) { hash.update(data[start..<min(start + 77, 1000)]) }
        #expect(hash.finish() == SHA256Digest(of: data))
        hash.update(data.reversed())
        #expect(hash.finish() == SHA256Digest(of: Array(data.reversed())))
        data.withUnsafeBytes { hash.update($0) }
        #expect(hash.finish() == SHA256Digest(of: data))
    }

    @Test("survives the way to hexadecimal and back, in either case")
    func hexadecimal() {
        let digest = SHA256Digest(of: Array("abc".utf8))
        #expect(SHA256Digest(hex: digest.description) == digest)
        #expect(SHA256Digest(hex: digest.description.uppercased()) == digest)
        #expect(SHA256Digest(bytes: digest.bytes) == digest)
    }

    @Test("refuses text and bytes of another length, and digits that are none")
    func malformed() {
        let hex = SHA256Digest(of: Array("abc".utf8)).description
        #expect(SHA256Digest(hex: String(hex.dropLast())) == nil)
        #expect(SHA256Digest(hex: hex + "0") == nil)
        #expect(SHA256Digest(hex: "g" + hex.dropFirst()) == nil)
        #expect(SHA256Digest(bytes: [UInt8](repeating: 0, count: 31)) == nil)
    }
}
