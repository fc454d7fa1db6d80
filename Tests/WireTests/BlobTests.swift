import Contract
import Digest
import Foundation
import Randomness
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
            #expect(blob.manifest.layout == adapter.layout)
            try blob.manifest.checkLayout(adapter.layout)
            try blob.manifest.checkEncoding(encoding, adapter.layout)
        }
    }

    @Test(
        "a blob that is written array by array into a file, and received into one, is the same as in memory"
    )
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/tributary-blobs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let adapter = Sample.mixedAdapter()
        let inMemory = try BlobEncoder.encode(adapter, as: .update, encoding: .bf16)

        var writer = try BlobWriter(.update, encoding: .bf16, file: folder + "/sent", expectedBytes: 1 << 20)
        let received = try adapter.arrays.map { try writer.append($0) }
        let written = try writer.finish()
        #expect(written == inMemory)
        #expect(try written.bytes == inMemory.bytes)
        #expect(try Data(contentsOf: URL(filePath: folder + "/sent")) == Data(inMemory.bytes))

        let assembler = try BlobAssembler(manifest: written.manifest, file: folder + "/received")
        for index in 0..<written.chunks.count { try assembler.accept(written.chunk(index)) }
        let reader = try BlobReader(assembler.finish())
        for index in adapter.arrays.indices.reversed() {
            #expect(try reader.array(at: index).values == received[index])
        }
        try FileManager.default.removeItem(atPath: folder + "/received")
        #expect(try reader.array(at: 0).values == received[0])
        #expect(throws: WireError.fileFault(path: folder + "/received", number: ENOENT)) {
            try BlobFile(reading: folder + "/received")
        }
        try Data(inMemory.bytes.dropLast()).write(to: URL(filePath: folder + "/short"))
        #expect(
            wireError {
                _ = try EncodedBlob(verified: written.manifest, file: BlobFile(reading: folder + "/short"))
            }?.code == .sizeMismatch
        )
    }

    @Test("counters travel exactly beside arrays of any encoding, without their parts")
    func counters() throws {
        let adapter = Sample.mixedAdapter()
        for encoding in TensorEncoding.allCases {
            let blob = try BlobEncoder.encode(adapter, as: .update, encoding: encoding)
            let back = try BlobDecoder.adapter(from: blob)

            #expect(
                blob.manifest.entries.map(\.elementType)
                    == adapter.arrays.map { $0.part == .summed ? .f32 : encoding.elementType }
            )
            #expect(back.arrays.allSatisfy { $0.part == .averaged })
            #expect(back["counts.seen"]?.values == [16_777_215] && back["visits"]?.values == [1, 0, 4_097])
            let known = try adapter.layout.apply(to: back)
            #expect(known == (try BlobEncoder.roundTripped(adapter, encoding: encoding)))
            try blob.manifest.checkEncoding(encoding, adapter.layout)
        }
    }

    @Test("an array in another encoding than its part asks for is named")
    func mixedEncodings() throws {
        let adapter = Sample.mixedAdapter()
        let packed = try BlobEncoder.encode(adapter, as: .update, encoding: .bf16).manifest
        #expect(throws: WireError.wrongEncoding(name: "lora_A.weight", found: "bf16", expected: "int8")) {
            try packed.checkEncoding(.int8, adapter.layout)
        }
        // Whoever takes the counters for ordinary arrays packs them like those.
        let naive = AdapterWeights(
            adapter.arrays.map { NamedArray(name: $0.name, shape: $0.shape, values: $0.values) }
        )
        let wrong = try BlobEncoder.encode(naive, as: .update, encoding: .bf16).manifest
        #expect(throws: WireError.wrongEncoding(name: "counts.seen", found: "bf16", expected: "f32")) {
            try wrong.checkEncoding(.bf16, adapter.layout)
        }
        let exact = try BlobEncoder.encode(naive, as: .update, encoding: .f32).manifest
        try exact.checkEncoding(.f32, adapter.layout)
    }

    @Test("a local array is not expected to travel, and traps where it would")
    func localArrays() async throws {
        let adapter = Sample.adapter()
        let critic = NamedArray(name: "critic", shape: [1], values: [2], part: .local)
        let layout = AdapterWeights(adapter.arrays + [critic]).layout
        try BlobEncoder.encode(adapter, as: .update, encoding: .f32).manifest.checkLayout(layout)

        await #expect(processExitsWith: .failure) {
            let critic = NamedArray(name: "critic", shape: [1], values: [2], part: .local)
            _ = try BlobEncoder.encode(AdapterWeights([critic]), as: .update, encoding: .f32)
        }
    }

    @Test("two names that Unicode takes for one are one name twice, wherever they stand")
    func equivalentNames() {
        let names = ["e\u{301}", "f", "\u{E9}"]
        let entries = names.map {
            ManifestEntry(
                name: $0,
                elementType: .f32,
                compression: .stored,
                shape: [1],
                rawBytes: 4,
                encodedBytes: 4
            )
        }
        #expect(throws: WireError.duplicateName("\u{E9}")) {
            try Manifest(kind: .update, entries: entries, digest: Sample.digest)
        }
    }

    @Test("eight responses of 7 MiB of noise go through chunks; one of 8 MiB and a byte is refused")
    func largeResponses() throws {
        var stream = RandomStream(seed: 5, "noise")
        let size = 7 << 20
        let words = (0..<size / 8).map { _ in stream.next() }
        let noise = words.withUnsafeBytes { Array($0) }
        let responses = (0..<8).map { index in
            Response(itemID: "q", index: index, payload: [UInt8(index)] + noise.dropFirst())
        }

        let blob = try BlobEncoder.encode(responses)
        var assembler = BlobAssembler(manifest: blob.manifest)
        for index in 0..<blob.chunks.count { try assembler.accept(blob.chunk(index)) }
        let received = try BlobDecoder.responses(from: assembler.finish())

        #expect(blob.chunks.count == 897)
        #expect(received == responses)
        let tooLong = Response(itemID: "q", index: 0, payload: noise + noise.prefix((1 << 20) + 1))
        #expect(
            throws: WireError.limitExceeded(limit: "responseBytesMax", value: 8_388_609, maximum: 8_388_608)
        ) { try BlobEncoder.encode([tooLong]) }
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
                try blob.manifest.checkLayout(expected.layout)
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
        #expect(throws: WireError.wrongEncoding(name: "lora_A.weight", found: "f32", expected: "int8")) {
            try blob.manifest.checkEncoding(.int8, expected.layout)
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
                wireError { _ = try decompressor.content(of: good.dropLast(4), rawBytes: 5000) }
                    != nil
            )
            let back = try decompressor.content(of: good[...], rawBytes: 5000)
            #expect(back == [UInt8](repeating: 3, count: 5000))
        }
    }

    @Test("a single-segment frame larger than the window comes back, and is held to its size")
    func singleSegment() throws {
        // Three MiB and five bytes in RLE blocks of 128 KiB; the descriptor says: single segment, four bytes
        // of content size, no window.
        func frame(declaring size: Int, content: Int) -> [UInt8] {
            var bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xA0]
            LittleEndian.append32(UInt32(size), to: &bytes)
            for start in stride(from: 0, to: content, by: 131_072) {
                let count = min(131_072, content - start)
                let header = UInt32(count) << 3 | 1 << 1 | (start + count == content ? 1 : 0)
                bytes += [UInt8(header & 255), UInt8(header >> 8 & 255), UInt8(header >> 16 & 255), 9]
            }
            return bytes
        }
        let size = (3 << 20) + 5
        let decompressor = ZstdDecompressor()
        let good = frame(declaring: size, content: size)

        #expect(
            try decompressor.content(of: good[...], rawBytes: size)
                == [UInt8](repeating: 9, count: size)
        )
        func code(_ bytes: [UInt8]) -> ErrorCode? {
            wireError { _ = try decompressor.content(of: bytes[...], rawBytes: size) }?.code
        }
        #expect(code(frame(declaring: size, content: size + 1)) == .decompressionFailed)
        #expect(code(frame(declaring: size, content: size - 1)) == .decompressionFailed)
        #expect(code(frame(declaring: size + 1, content: size + 1)) == .sizeMismatch)
        #expect(code(good.dropLast()) == .decompressionFailed)
        #expect(code(good + [0]) == .sizeMismatch)
        #expect(code(good + good) == .sizeMismatch)
    }

    @Test("content larger than the window and than one step comes back")
    func largeContent() throws {
        let raw = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 / 1000) }
        let frame = ZstdCompressor().compress(raw, planes: [1, 4_000_000, 999_999])
        #expect(try ZstdDecompressor().content(of: frame[...], rawBytes: raw.count) == raw)
    }
}

extension ZstdDecompressor {
    /// The content of a frame in an array.
    borrowing fileprivate func content(of frame: ArraySlice<UInt8>, rawBytes: Int) throws -> [UInt8] {
        try frame.withUnsafeBytes { try decompress($0, rawBytes: rawBytes, name: "w") }
    }
}
