import Digest
import Contract
import FoundationEssentials
import Testing

@testable import Wire

/// The vectors in protocol/vectors, made by an encoder that shares nothing with this one.
@Suite struct VectorTests {
    struct FrameVector: Decodable {
        var name: String
        var from: String
        var hex: String
        var expect: String
        var decoded: [String]
    }

    struct BlobVector: Decodable {
        var name: String
        var kind: String
        var manifest: String
        var hex: String
        var expect: String
        var decoded: [String]
    }

    struct PackingVector: Decodable {
        var name: String
        var encoding: String
        var shape: [Int]
        var values: [UInt32]
        var packed: String
    }

    static func load<Vector: Decodable>(_ file: String) throws -> [Vector] {
        try JSONDecoder().decode([Vector].self, from: Repository.bytes("protocol/vectors/\(file)"))
    }

    @Test("every frame vector decodes to its fields or to its error code")
    func frames() throws {
        let vectors: [FrameVector] = try Self.load("frames.json")
        #expect(vectors.count > 100)
        for vector in vectors {
            let sender = try #require(Peer(rawValue: vector.from))
            var decoder = FrameDecoder(from: sender)
            decoder.append([UInt8](hex: vector.hex))
            var outcome = "ok"
            var decoded: [String] = []
            do throws(WireError) {
                while let frame = try decoder.next() {
                    switch sender {
                    case .client: decoded += FrameInspection.lines(of: try ClientMessage(frame: frame))
                    case .coordinator:
                        decoded += FrameInspection.lines(of: try CoordinatorMessage(frame: frame))
                    }
                }
                try decoder.finish()
            } catch {
                outcome = error.code.name
            }
            #expect(outcome == vector.expect, "\(vector.name)")
            #expect(decoded == vector.decoded, "\(vector.name)")
        }
    }

    @Test("every blob vector decodes to its content or to its error code")
    func blobs() throws {
        let vectors: [BlobVector] = try Self.load("blobs.json")
        #expect(vectors.count > 40)
        for vector in vectors {
            var outcome = "ok"
            var decoded: [String] = []
            do throws(WireError) {
                let head = [UInt8](hex: vector.manifest)
                let manifest = try Manifest(Body.parse(head, as: Manifest.self, name: "manifest"))
                let blob = try EncodedBlob(manifest: manifest, bytes: [UInt8](hex: vector.hex))
                decoded = try Self.lines(of: blob)
            } catch {
                outcome = error.code.name
            }
            #expect(outcome == vector.expect, "\(vector.name)")
            #expect(decoded == vector.decoded, "\(vector.name)")
        }
    }

    @Test("every packing vector packs to its bytes and comes back within its encoding")
    func packing() throws {
        let vectors: [PackingVector] = try Self.load("packing.json")
        #expect(vectors.count >= 6)
        for vector in vectors {
            let encoding = try #require(TensorEncoding(rawValue: vector.encoding))
            let values = vector.values.map { Float(bitPattern: $0) }
            let array = NamedArray(name: "w", shape: vector.shape, values: values)

            let packed = try TensorPacking.pack(array, as: encoding)

            #expect(packed == [UInt8](hex: vector.packed), "\(vector.name)")
            #expect(packed.count == TensorPacking.packedBytes(shape: vector.shape, as: encoding.elementType))
        }
    }

    private static func lines(of blob: EncodedBlob) throws(WireError) -> [String] {
        switch blob.manifest.kind {
        case .adapter, .update:
            return try BlobDecoder.adapter(from: blob).arrays.map { array in
                "\(array.name) \(array.shape): "
                    + array.values.map { hex($0.bitPattern) }.joined(separator: " ")
            }
        case .batch:
            let batch = try BlobDecoder.batch(from: blob)
            return ["round \(batch.round), step \(batch.step), \(batch.responsesPerItem) responses"]
                + batch.items.map { "\($0.id) \($0.topic) \(hex($0.payload))" }
        case .responses:
            return try BlobDecoder.responses(from: blob).map { "\($0.itemID) \($0.index) \(hex($0.payload))" }
        case .pool:
            let pool = try BlobDecoder.pool(from: blob)
            let head = "round \(pool.round), step \(pool.step)"
            return [head + (pool.merged.isEmpty ? "" : ", merged \(hex(pool.merged))")]
                + pool.groups.map { group in
                    "\(group.itemID) \(group.scores)"
                        + group.replacements.map { " \($0.index)<-\($0.score):\(hex($0.payload))" }.joined()
                        + (group.target.isEmpty ? "" : " target \(hex(group.target))")
                }
        }
    }

    private static func hex(_ bits: UInt32) -> String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
