import Randomness
import Testing

@testable import Wire

@Suite struct FrameDecoderTests {
    private func capture() throws -> (frames: [Frame], bytes: [UInt8]) {
        let frames = try Sample.clientMessages().map { try $0.frame() }
        return (frames, frames.flatMap(FrameEncoder.encode))
    }

    private func decode(_ pieces: [ArraySlice<UInt8>]) throws -> [Frame] {
        var decoder = FrameDecoder(from: .client)
        var frames: [Frame] = []
        for piece in pieces {
            decoder.append(piece)
            while let frame = try decoder.next() { frames.append(frame) }
        }
        try decoder.finish()
        return frames
    }

    @Test("bytes one by one, all at once and frame by frame give the same frames")
    func cuts() throws {
        let (frames, bytes) = try capture()

        let atOnce = try decode([bytes[...]])
        let oneByOne = try decode(bytes.indices.map { bytes[$0...$0] })
        let byFrame = try decode(frames.map { FrameEncoder.encode($0)[...] })

        #expect(atOnce == frames)
        #expect(oneByOne == frames)
        #expect(byFrame == frames)
    }

    @Test("random cuts give the same frames")
    func randomCuts() throws {
        let (frames, bytes) = try capture()
        for seed in 0..<50 {
            var stream = RandomStream(seed: UInt64(seed), "cuts")
            var pieces: [ArraySlice<UInt8>] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + stream.below(200))
                pieces.append(bytes[start..<end])
                start = end
            }
            #expect(try decode(pieces) == frames, "seed \(seed)")
        }
    }

    @Test("the header and the body written apart are the frame")
    func headerApart() throws {
        let frame = try ClientMessage.bye(Bye(reason: "x")).frame()
        #expect(FrameEncoder.header(of: frame).count == Frame.headerBytes)
        #expect(FrameEncoder.header(of: frame) + frame.body == FrameEncoder.encode(frame))
    }

    @Test("a chunk of the largest size passes")
    func largestChunk() throws {
        let chunk = Chunk(
            transfer: Sample.digest,
            index: 511,
            bytes: [UInt8](repeating: 7, count: Limits.chunkBytesMax)[...]
        )
        let frame = try ClientMessage.chunk(chunk).frame()
        #expect(frame.body.count == MessageType.chunk.bodyBytesMax)
        let decoded = try decode([FrameEncoder.encode(frame)[...]])
        #expect(try ClientMessage(frame: decoded[0]) == .chunk(chunk))
    }

    @Test("a length over the limit is refused by the header alone, for each type")
    func limits() throws {
        for type in MessageType.allCases {
            for (length, isAllowed) in [
                (type.bodyBytesMax, true), (type.bodyBytesMax + 1, false), (Int(UInt32.max), false),
            ] {
                var decoder = FrameDecoder(from: nil)
                decoder.append(FrameHeader.bytes(type: type, bodyBytes: length))
                if isAllowed {
                    #expect(try decoder.next() == nil)
                } else {
                    #expect(
                        throws: WireError.frameTooLarge(type: type, bytes: length, limit: type.bodyBytesMax)
                    ) {
                        try decoder.next()
                    }
                    #expect(decoder.bufferedBytes == 0)
                }
            }
        }
    }

    @Test("after an error every call throws the same error and nothing is kept")
    func poisoned() throws {
        var decoder = FrameDecoder(from: .client)
        decoder.append([UInt8](repeating: 0, count: 100))
        #expect(throws: WireError.badMagic(found: 0)) { try decoder.next() }
        decoder.append([UInt8](repeating: 1, count: 1000))
        #expect(decoder.bufferedBytes == 0)
        #expect(throws: WireError.badMagic(found: 0)) { try decoder.next() }
        #expect(throws: WireError.badMagic(found: 0)) { try decoder.finish() }
    }

    @Test("a type that the side may not send is refused before its body")
    func direction() throws {
        var decoder = FrameDecoder(from: .coordinator)
        decoder.append(FrameHeader.bytes(type: .offerUpdate, bodyBytes: 200_000))
        #expect(throws: WireError.unexpectedMessage(type: .offerUpdate, from: .coordinator)) {
            try decoder.next()
        }
    }

    @Test("many frames through one decoder leave nothing behind")
    func compaction() throws {
        let bytes = FrameEncoder.encode(
            try ClientMessage.bye(Bye(reason: String(repeating: "x", count: 900))).frame()
        )
        var decoder = FrameDecoder(from: .client)
        decoder.append(bytes.prefix(10))
        for _ in 0..<500 {
            decoder.append(bytes.dropFirst(10))
            #expect(try decoder.next() != nil)
            decoder.append(bytes.prefix(10))
            #expect(try decoder.next() == nil)
        }
        #expect(decoder.bufferedBytes == 10)
    }
}
