import Digest
import Contract
import Randomness
import Testing

@testable import Wire

/// Seeded damage: whatever the bytes, the answer is a value or a typed error.
@Suite struct MutationTests {
    @Test("mutated and cut frames never crash")
    func frames() throws {
        let clean = try Sample.clientMessages().map { FrameEncoder.encode(try $0.frame()) }
        var refused = 0
        for seed in 0..<4000 {
            var stream = RandomStream(seed: UInt64(seed), "frames")
            var bytes = clean[stream.below(clean.count)]
            Self.damage(&bytes, &stream)
            var decoder = FrameDecoder(from: .client)
            decoder.append(bytes)
            if wireError({
                while let frame = try decoder.next() { _ = try ClientMessage(frame: frame) }
                try decoder.finish()
            }) != nil {
                refused += 1
            }
            #expect(decoder.bufferedBytes <= bytes.count)
        }
        #expect(refused > 2000)
    }

    @Test("mutated bodies behind a sound header never crash")
    func bodies() throws {
        let clean =
            try Sample.clientMessages().map { try $0.frame() }
            + Sample.coordinatorMessages().map { try $0.frame() }
        for seed in 0..<4000 {
            var stream = RandomStream(seed: UInt64(seed), "bodies")
            var frame = clean[stream.below(clean.count)]
            Self.damage(&frame.body, &stream)
            _ = wireError { _ = try FrameInspection.describe(frame) }
        }
    }

    @Test("mutated blobs with a fitting digest never crash and never give a value that is not finite")
    func blobs() throws {
        for encoding in TensorEncoding.allCases {
            let zeros = NamedArray(
                name: "zeros",
                shape: [64, 64],
                values: [Float](repeating: 0, count: 4096)
            )
            let adapter = AdapterWeights(Sample.adapter().arrays + [zeros])
            let clean = try BlobEncoder.encode(adapter, as: .update, encoding: encoding)
            for seed in 0..<700 {
                var stream = RandomStream(seed: UInt64(seed), "blobs", encoding.rawValue)
                var bytes = try clean.bytes
                for _ in 0...stream.below(4) { bytes[stream.below(bytes.count)] = UInt8(stream.below(256)) }
                _ = wireError {
                    let manifest = try Manifest(
                        kind: .update,
                        entries: clean.manifest.entries,
                        digest: SHA256Digest(of: bytes)
                    )
                    let decoded = try BlobDecoder.adapter(from: EncodedBlob(manifest: manifest, bytes: bytes))
                    #expect(decoded.arrays.allSatisfy { $0.values.allSatisfy(\.isFinite) }, "seed \(seed)")
                }
            }
        }
    }

    @Test("mutated payloads never crash")
    func payloads() throws {
        let raw = try [
            Body.serialize(PublicBatchPayload(batch: Sample.batch), name: "batch"),
            Body.serialize(ResponseSetPayload(responses: Sample.responses), name: "responses"),
            Body.serialize(ResponsePoolPayload(pool: Sample.pool), name: "pool"),
        ]
        for seed in 0..<3000 {
            var stream = RandomStream(seed: UInt64(seed), "payloads")
            var bytes = raw[seed % 3]
            Self.damage(&bytes, &stream)
            _ = wireError {
                switch seed % 3 {
                case 0:
                    _ = try PublicBatchPayload(Body.parse(bytes, as: PublicBatchPayload.self, name: "batch"))
                case 1:
                    _ = try ResponseSetPayload(
                        Body.parse(bytes, as: ResponseSetPayload.self, name: "responses")
                    )
                default:
                    _ = try ResponsePoolPayload(Body.parse(bytes, as: ResponsePoolPayload.self, name: "pool"))
                }
            }
        }
    }

    private static func damage(_ bytes: inout [UInt8], _ stream: inout RandomStream) {
        guard !bytes.isEmpty else { return }
        for _ in 0...stream.below(3) {
            let place = stream.below(bytes.count)
            switch stream.below(5) {
            case 0: bytes[place] ^= UInt8(1 << stream.below(8))
            case 1: bytes[place] = UInt8(stream.below(256))
            case 2: bytes.insert(UInt8(stream.below(256)), at: place)
            case 3: bytes.removeLast(min(bytes.count - 1, stream.below(20)))
            default: bytes += bytes[place...].prefix(30)
            }
        }
    }
}
