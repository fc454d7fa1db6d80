import Contract
import Testing
import Wire

@testable import Nodes

@Suite("What a connection has to send")
struct OutboxTests {
    /// A blob of so many chunks.
    private func blob(chunks: Int) throws -> EncodedBlob {
        var noise: UInt64 = 7
        let values = (0..<(chunks - 1) * Limits.chunkBytesMax / 4 + 100).map { _ -> Float in
            noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(bitPattern: UInt32(truncatingIfNeeded: noise >> 32) & 0xBFFF_FFFF)
        }
        let weights = AdapterWeights([NamedArray(name: "a", shape: [values.count], values: values)])
        return try BlobEncoder.encode(weights, as: .adapter, encoding: .f32)
    }

    private func text(_ item: Outbox<String>.Item?) -> String {
        switch item {
        case .message(let message): message
        case .chunk(let index, _): "chunk \(index)"
        case nil: "end"
        }
    }

    @Test("a message waits for one chunk at most, messages keep their order, and the end comes last")
    func messagesFirst() async throws {
        let outbox = Outbox<String>()
        let blob = try blob(chunks: 4)
        let last = blob.chunks.count - 1
        var sent: [String] = []
        outbox.post("manifest")
        outbox.post(chunksOf: blob, from: 0)
        for _ in 0..<3 { sent.append(text(await outbox.next())) }

        outbox.post("heartbeat")
        outbox.post("progress")
        for _ in 0..<last + 1 { sent.append(text(await outbox.next())) }
        outbox.post("bye")
        outbox.finish()
        outbox.post("too late")
        for _ in 0..<2 { sent.append(text(await outbox.next())) }

        let rest = (2...last).map { "chunk \($0)" }
        #expect(sent == ["manifest", "chunk 0", "chunk 1", "heartbeat", "progress"] + rest + ["bye", "end"])
    }

    @Test("what is resumed begins at its chunk; a newer blob, a stop and the end drop the rest")
    func dropping() async throws {
        let outbox = Outbox<String>()
        let blob = try blob(chunks: 4)
        outbox.post(chunksOf: blob, from: 2)
        #expect(text(await outbox.next()) == "chunk 2")
        outbox.post(chunksOf: blob, from: 0)
        #expect(text(await outbox.next()) == "chunk 0")
        outbox.stopChunks()
        outbox.post("x")
        #expect(text(await outbox.next()) == "x")
        outbox.post(chunksOf: blob, from: blob.chunks.count)
        outbox.post(chunksOf: blob, from: 1)
        outbox.finish()
        #expect(text(await outbox.next()) == "end")
    }

    @Test("who waits is woken by a message, by a blob, by the end and by cancellation")
    func waking() async throws {
        let outbox = Outbox<String>()
        async let first = outbox.next()
        outbox.post("one")
        #expect(text(await first) == "one")
        async let second = outbox.next()
        outbox.post(chunksOf: try blob(chunks: 1), from: 0)
        #expect(text(await second) == "chunk 0")
        let waiting = Task { await outbox.next() }
        waiting.cancel()
        #expect(text(await waiting.value) == "end")
    }
}
