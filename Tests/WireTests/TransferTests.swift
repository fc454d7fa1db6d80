import Digest
import Contract
import Testing

@testable import Wire

@Suite struct TransferTests {
    private func largeBlob() throws -> EncodedBlob {
        let values = Sample.gaussian(700_000, seed: 4)
        let adapter = AdapterWeights([NamedArray(name: "w", shape: [700, 1000], values: values)])
        return try BlobEncoder.encode(adapter, as: .update, encoding: .f32)
    }

    @Test("chunks cover a blob without gap or overlap")
    func plan() {
        for bytes in [
            0, 1, Limits.chunkBytesMax - 1, Limits.chunkBytesMax, Limits.chunkBytesMax + 1, 3_500_000,
        ] {
            let plan = ChunkPlan(byteCount: bytes)
            let ranges = (0..<plan.count).map { plan.range(of: $0) }
            #expect(ranges.reduce(0) { $0 + $1.count } == bytes)
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            #expect(ranges.allSatisfy { !$0.isEmpty && $0.count <= Limits.chunkBytesMax })
        }
    }

    @Test("an interrupted transfer goes on at the next chunk and ends with the same blob")
    func resume() throws {
        let blob = try largeBlob()
        #expect(blob.chunks.count >= 2)
        var assembler = BlobAssembler(manifest: blob.manifest)
        try assembler.accept(blob.chunk(0))
        #expect(throws: WireError.self) { try assembler.finish() }

        for index in assembler.nextChunk..<blob.chunks.count { try assembler.accept(blob.chunk(index)) }

        #expect(assembler.isComplete)
        #expect(assembler.receivedBytes == blob.manifest.encodedBytes)
        #expect(try assembler.finish() == blob)
    }

    @Test("chunks out of order, twice, of another size or of another transfer change nothing")
    func refusals() throws {
        let blob = try largeBlob()
        var assembler = BlobAssembler(manifest: blob.manifest)
        try assembler.accept(blob.chunk(0))
        var short = try blob.chunk(1)
        short.bytes.removeLast()
        var long = try blob.chunk(1)
        long.bytes.append(0)
        var foreign = try blob.chunk(1)
        foreign.transfer = Sample.digest
        for chunk in try [blob.chunk(0), blob.chunk(2), short, long, foreign] {
            #expect(wireError { try assembler.accept(chunk) }?.code == .badChunk)
        }
        #expect(assembler.nextChunk == 1)
        for index in 1..<blob.chunks.count { try assembler.accept(blob.chunk(index)) }
        var extra = try blob.chunk(0)
        extra.index = blob.chunks.count
        #expect(wireError { try assembler.accept(extra) }?.code == .badChunk)
        #expect(try assembler.finish() == blob)
    }

    @Test("a blob whose bytes were changed on the way is found at the end")
    func damaged() throws {
        let blob = try BlobEncoder.encode(Sample.adapter(), as: .update, encoding: .bf16)
        var chunk = try blob.chunk(0)
        chunk.bytes[chunk.bytes.startIndex + 3] ^= 1
        var assembler = BlobAssembler(manifest: blob.manifest)
        try assembler.accept(chunk)
        #expect(wireError { _ = try assembler.finish() }?.code == .digestMismatch)
    }

    @Test("an adapter of SmolLM2's 420 arrays and a larger one fit into an offer")
    func manifestSize() throws {
        func arrays(layers: Int) -> AdapterWeights {
            let modules =
                ["mlp.down_proj", "mlp.gate_proj", "mlp.up_proj"]
                + ["k", "o", "q", "v"].map { "self_attn.\($0)_proj" }
            return AdapterWeights(
                (0..<layers).flatMap { layer in
                    modules.flatMap { module in
                        ["A", "B"].map { factor in
                            NamedArray(
                                name:
                                    "base_model.model.model.layers.\(layer).\(module).lora_\(factor).weight",
                                shape: [8, 16],
                                values: [Float](repeating: 0.5, count: 128)
                            )
                        }
                    }
                }
            )
        }
        let small = try BlobEncoder.encode(arrays(layers: 30), as: .update, encoding: .int8)
        #expect(small.manifest.entries.count == 420)
        let offer = OfferUpdate(round: 0, manifest: small.manifest, examples: 1, metrics: [])
        let frame = try ClientMessage.offerUpdate(offer).frame()
        #expect(frame.body.count < Limits.controlBodyBytesMax)
        let large = try BlobEncoder.encode(arrays(layers: 126), as: .adapter, encoding: .f32)
        let start = try CoordinatorMessage.roundStart(RoundStart(round: 0, manifest: large.manifest)).frame()
        #expect(start.body.count < Limits.offerBodyBytesMax)
        // The sizes that SPEC.md states.
        #expect((32_000...34_000).contains(frame.body.count))
        #expect((136_000...141_000).contains(start.body.count))
    }
}
