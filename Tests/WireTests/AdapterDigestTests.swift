import Contract
import Digest
import Testing

@testable import Wire

@Suite struct AdapterDigestTests {
    @Test("an adapter's digest is SHA-256 of its values by name, row-major, in little-endian binary32")
    func values() {
        let adapter = AdapterWeights([
            NamedArray(name: "b", shape: [1, 2], values: [1, -2]),
            NamedArray(name: "a", shape: [], values: [0.5]),
        ])
        let bytes: [UInt8] = [0, 0, 0, 0x3F, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
        #expect(adapter.digest == SHA256Digest(of: bytes))
    }

    @Test("neither what stays with a client nor how the blob was compressed changes an adapter's digest")
    func packing() throws {
        let zeros = [Float](repeating: 0, count: 100_000)
        let adapter = AdapterWeights([NamedArray(name: "w", shape: [zeros.count], values: zeros)])
        let own = NamedArray(name: "head", shape: [1], values: [3], part: .local)

        let travelled = try BlobDecoder.adapter(
            from: BlobEncoder.encode(adapter, as: .adapter, encoding: .f32)
        )

        #expect(travelled.digest == adapter.digest)
        #expect(AdapterWeights(adapter.arrays + [own]).digest == adapter.digest)
        #expect(adapter.digest == SHA256Digest(of: [UInt8](repeating: 0, count: 400_000)))
    }
}
