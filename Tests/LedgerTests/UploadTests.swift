import Digest
import Foundation
import Testing

@testable import Ledger

@Suite("Uploads that arrive in chunks")
struct UploadTests {
    private let bytes = (0..<25).map { UInt8($0) }

    private func upload(_ client: String = "a") -> Upload {
        Upload(client: client, digest: SHA256Digest(of: bytes), bytes: bytes.count, chunkBytes: 10)
    }

    private func chunk(_ index: Int) -> ArraySlice<UInt8> { bytes[index * 10..<min(25, index * 10 + 10)] }

    @Test("an interrupted upload goes on at a chunk boundary after reopening")
    func resume() throws {
        let scratch = try Scratch()
        var ledger: Ledger? = try Ledger.open(scratch.state, identity: identity)
        #expect(try ledger?.resumeUpload(upload()) == 0)
        try ledger?.append(chunk(0), index: 0, to: upload())
        try ledger?.append(chunk(1), index: 1, to: upload())
        ledger = nil
        // A crash in the middle of the second chunk.
        let part = scratch.state + "/uploads/a.\(upload().digest).part"
        let handle = try #require(FileHandle(forUpdatingAtPath: part))
        try handle.truncate(atOffset: 17)
        try handle.close()

        let again = try Ledger.open(scratch.state, identity: identity)
        #expect(try again.resumeUpload(upload()) == 1)
        for index in 1...2 { try again.append(chunk(index), index: index, to: upload()) }
        #expect(try again.resumeUpload(upload()) == 3)
        try again.completeUpload(upload())

        #expect(try again.bytes(of: upload().digest) == bytes)
        #expect(try again.resumeUpload(upload()) == 3)
        try again.completeUpload(upload())
        #expect(scratch.files().count == 1)
    }

    @Test("chunks out of order, of the wrong size or past the end are refused and leave no trace")
    func wrongChunks() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        try ledger.append(chunk(0), index: 0, to: upload())

        #expect(code { try ledger.append(chunk(0), index: 0, to: upload()) } == .badChunk)
        #expect(code { try ledger.append(chunk(2), index: 2, to: upload()) } == .badChunk)
        #expect(code { try ledger.append(chunk(1) + [0], index: 1, to: upload()) } == .badChunk)
        #expect(code { try ledger.append([], index: 1, to: upload()) } == .badChunk)
        #expect(code { try ledger.append(chunk(0), index: 3, to: upload()) } == .badChunk)
        #expect(code { try ledger.append(chunk(0), index: -1, to: upload()) } == .badChunk)
        #expect(
            message { try ledger.append(chunk(2), index: 2, to: upload()) }?.contains("expected chunk 1 of 3")
                == true
        )
        #expect(code { try ledger.completeUpload(upload()) } == .corrupt)
        #expect(try ledger.resumeUpload(upload()) == 1)
    }

    @Test("an upload with another digest than offered is dropped")
    func wrongDigest() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        for index in 0...2 { try ledger.append(chunk(index).map { $0 ^ 1 }[...], index: index, to: upload()) }

        #expect(code { try ledger.completeUpload(upload()) } == .corrupt)
        #expect(!ledger.contains(upload().digest))
        #expect(scratch.files() == [])
    }

    @Test("a new upload of a client drops what is left of its last one, not of others")
    func oneEach() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        try ledger.append(chunk(0), index: 0, to: upload("a"))
        try ledger.append(chunk(0), index: 0, to: upload("b"))
        let next = Upload(client: "a", digest: SHA256Digest(of: [7]), bytes: 1, chunkBytes: 10)

        #expect(try ledger.resumeUpload(next) == 0)
        try ledger.append([7], index: 0, to: next)
        try ledger.completeUpload(next)

        #expect(try ledger.resumeUpload(upload("a")) == 0)
        #expect(try ledger.resumeUpload(upload("b")) == 1)
        try ledger.discardUpload(upload("b"))
        #expect(try ledger.resumeUpload(upload("b")) == 0)
    }

    @Test("an empty upload is complete at once")
    func empty() throws {
        let scratch = try Scratch()
        let ledger = try Ledger.open(scratch.state, identity: identity)
        let nothing = Upload(client: "a", digest: SHA256Digest(of: []), bytes: 0, chunkBytes: 10)

        #expect(try ledger.resumeUpload(nothing) == 0)
        try ledger.completeUpload(nothing)
        #expect(try ledger.bytes(of: nothing.digest) == [])
    }
}
