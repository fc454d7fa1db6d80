import Digest
import Exchange
import Testing

@testable import Wire

@Suite struct BlobTests {
    @Test("an adapter comes back as the sender says it will, in every encoding")
    func adapters() throws {
        for encoding in TensorEncoding.allCases {
            let adapter = Sample.adapter(seed: 9)
            let blob = try BlobEncoder.encode(adapter, as: .update, encoding: encoding)
            let back = try BlobDecoder.adapter(from: blob)
            #expect(back == (try BlobEncoder.roundTripped(adapter, encoding: encoding)))
            #expect(back.hasSameLayout(as: adapter))
            #expect(blob.manifest.encoding == encoding)
            try blob.manifest.checkLayout(of: adapter)
            try blob.manifest.checkEncoding(encoding)
        }
    }

    @Test("batches, responses and pools come back, also large enough to be compressed")
    func payloads() throws {
        #expect(try BlobDecoder.batch(from: BlobEncoder.encode(Sample.batch)) == Sample.batch)
        #expect(try BlobDecoder.responses(from: BlobEncoder.encode(Sample.responses)) == Sample.responses)
        #expect(try BlobDecoder.responses(from: BlobEncoder.encode([Response]())) == [])
        #expect(try BlobDecoder.pool(from: BlobEncoder.encode(Sample.pool)) == Sample.pool)
        let many = (0..<2000).map {
            Response(itemID: "q\($0 / 8)", index: $0 % 8, payload: [UInt8](repeating: 5, count: 64))
        }
        let blob = try BlobEncoder.encode(many)
        #expect(blob.manifest.entries[0].compression == .zstd)
        #expect(try BlobDecoder.responses(from: blob) == many)
    }

    @Test("a payload that the receiver would refuse is not encoded")
    func payloadChecks() {
        var batch = Sample.batch
        batch.items.append(batch.items[0])
        #expect(throws: WireError.duplicateName("q1")) { try BlobEncoder.encode(batch) }
        let long = [UInt8](repeating: 0, count: Limits.responseBytesMax + 1)
        #expect(
            wireError { _ = try BlobEncoder.encode([Response(itemID: "q", index: 0, payload: long)]) }?.code
                == .limitExceeded
        )
        #expect(
            wireError {
                _ = try BlobEncoder.encode([Response(itemID: "q", index: 0, payload: long.dropLast())])
            } == nil
        )
        var pool = Sample.pool
        pool.groups[0].replacements[0].score = .infinity
        #expect(throws: WireError.notFinite(name: "q1", element: 0)) { try BlobEncoder.encode(pool) }
    }

    @Test("a pool may hold as many replacements as a response set may hold responses, not one more")
    func replacementLimit() throws {
        let full = (0..<256).map { Replacement(index: $0, score: 1, payload: []) }
        var groups = (0..<256).map { PooledGroup(itemID: "q\($0)", scores: [], replacements: full) }
        _ = try BlobEncoder.encode(ResponsePool(round: 0, step: 0, groups: groups))
        groups.append(PooledGroup(itemID: "more", scores: [], replacements: [full[0]]))
        let error = wireError { _ = try BlobEncoder.encode(ResponsePool(round: 0, step: 0, groups: groups)) }
        #expect(error == .limitExceeded(limit: "responsesMax", value: 65_537, maximum: 65_536))
    }

    @Test("a blob of one kind is not read as another")
    func kinds() throws {
        let batch = try BlobEncoder.encode(Sample.batch)
        #expect(wireError { _ = try BlobDecoder.pool(from: batch) }?.code == .badManifest)
        #expect(wireError { _ = try BlobDecoder.adapter(from: batch) }?.code == .badManifest)
        let update = try BlobEncoder.encode(Sample.adapter(), as: .update, encoding: .f32)
        #expect(wireError { _ = try BlobDecoder.responses(from: update) }?.code == .badManifest)
    }

    @Test("another name, shape, count or encoding is refused by the manifest alone")
    func layout() throws {
        let expected = Sample.adapter()
        func error(_ arrays: [NamedArray]) -> WireError? {
            wireError {
                let blob = try BlobEncoder.encode(AdapterWeights(arrays), as: .update, encoding: .f32)
                try blob.manifest.checkLayout(of: expected)
            }
        }
        var renamed = expected.arrays
        renamed[0].name = "lora_C.weight"
        #expect(error(renamed)?.code == .wrongShape)
        var reshaped = expected.arrays
        reshaped[0].shape = [32, 4]
        #expect(error(reshaped)?.code == .wrongShape)
        #expect(error(Array(expected.arrays.dropLast()))?.code == .wrongShape)
        #expect(
            error(expected.arrays + [NamedArray(name: "z", shape: [1], values: [0])])?.code == .wrongShape
        )
        #expect(error(expected.arrays) == nil)
        let blob = try BlobEncoder.encode(expected, as: .update, encoding: .f32)
        #expect(throws: WireError.wrongEncoding(found: "f32", expected: "int8")) {
            try blob.manifest.checkEncoding(.int8)
        }
    }

    @Test("a stored blob comes back, and damage to it is found")
    func serialized() throws {
        let blob = try BlobEncoder.encode(Sample.adapter(), as: .adapter, encoding: .int8)
        var bytes = try blob.serialized()
        #expect(try EncodedBlob(serialized: bytes) == blob)
        for count in [0, 3, 4, 50, bytes.count - 1] {
            #expect(
                wireError { _ = try EncodedBlob(serialized: Array(bytes.prefix(count))) } != nil,
                "\(count) bytes"
            )
        }
        bytes[bytes.count - 1] ^= 1
        #expect(wireError { _ = try EncodedBlob(serialized: bytes) }?.code == .digestMismatch)
    }

    @Test("a bomb is refused before its content is made, whatever it declares")
    func bomb() throws {
        // A frame without single segment: 64 MiB of zeros in 128 KiB RLE blocks; it declares 64 MiB or 512 B.
        var blocks: [UInt8] = []
        for index in 0..<512 {
            let header = UInt32(131_072) << 3 | 1 << 1 | (index == 511 ? 1 : 0)
            blocks += [UInt8(header & 255), UInt8(header >> 8 & 255), UInt8(header >> 16 & 255), 0]
        }
        func update(declaring size: UInt32) throws -> EncodedBlob {
            var bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x80, 0x58]
            LittleEndian.append32(size, to: &bytes)
            bytes += blocks
            let entry = ManifestEntry(
                name: "w",
                elementType: .f32,
                compression: .zstd,
                shape: [1024],
                rawBytes: 4096,
                encodedBytes: bytes.count
            )
            let manifest = try Manifest(kind: .update, entries: [entry], digest: SHA256Digest(of: bytes))
            return try EncodedBlob(manifest: manifest, bytes: bytes)
        }
        let honest = wireError { _ = try BlobDecoder.adapter(from: update(declaring: 64 << 20)) }
        #expect(honest == .sizeMismatch(name: "w", bytes: 64 << 20, expected: 4096))
        let lying = wireError { _ = try BlobDecoder.adapter(from: update(declaring: 4096)) }
        #expect(
            lying?.code == .decompressionFailed
                || lying == .sizeMismatch(name: "w", bytes: 4097, expected: 4096)
        )
    }

    @Test("a decompressor goes on after an error")
    func decompressorReset() throws {
        let good = ZstdCompressor().compress([UInt8](repeating: 3, count: 5000), planes: [5000])
        let decompressor = ZstdDecompressor()
        for _ in 0..<3 {
            #expect(
                wireError { _ = try decompressor.decompress(good.dropLast(4), rawBytes: 5000, name: "w") }
                    != nil
            )
            let back = try decompressor.decompress(good[...], rawBytes: 5000, name: "w")
            #expect(back == [UInt8](repeating: 3, count: 5000))
        }
    }

    @Test("content larger than the window and than the growing step comes back")
    func largeContent() throws {
        let raw = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 / 1000) }
        let frame = ZstdCompressor().compress(raw, planes: [1, 4_000_000, 999_999])
        #expect(try ZstdDecompressor().decompress(frame[...], rawBytes: raw.count, name: "w") == raw)
    }
}
