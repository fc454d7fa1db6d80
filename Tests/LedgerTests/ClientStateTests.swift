import Digest
import Foundation
import Testing

@testable import Ledger

@Suite("A client's state")
struct ClientStateTests {
    /// Keeps bytes as a blob.
    private func adopt(_ bytes: [UInt8], in state: ClientState) throws -> SHA256Digest {
        let (digest, draft) = (SHA256Digest(of: bytes), state.draft())
        try Data(bytes).write(to: URL(filePath: draft))
        try state.adopt(draft, as: digest)
        return digest
    }

    @Test("snapshot, blobs and pending upload are there after reopening, until the receipt")
    func roundTrip() throws {
        let scratch = try Scratch()
        var snapshot = ClientSnapshot(progress: [1], trainer: Array(repeating: 2, count: 100_000))
        let pending: PendingUpload
        do {
            let state = try ClientState.open(scratch.state, identity: clientIdentity)
            #expect(try state.snapshot() == nil && state.pendingUpload() == nil)
            try state.save(ClientSnapshot(progress: [], trainer: []))
            snapshot.blobs = [try adopt([6, 7], in: state)]
            try state.save(snapshot)
            pending = PendingUpload(header: [3], blob: try adopt([4, 5], in: state))
            try state.keep(pending)
        }

        let state = try ClientState.open(scratch.state, identity: clientIdentity)
        #expect(try state.snapshot() == snapshot)
        #expect(try state.pendingUpload() == pending)
        #expect(try Data(contentsOf: URL(filePath: state.file(of: pending.blob))) == Data([4, 5]))
        try state.confirm(SHA256Digest(of: [9]))
        #expect(try state.pendingUpload() == pending)
        try state.confirm(pending.blob)
        #expect(try state.pendingUpload() == nil)
        #expect(scratch.files().contains("blob.\(pending.blob)") == false)
        try state.reset()
        #expect(try state.snapshot() == nil)
        #expect(scratch.files() == ["identity"])
    }

    @Test(
        "a snapshot without a trainer's state keeps that of the one before, and what nothing names is removed"
    )
    func unchangedTrainer() throws {
        let scratch = try Scratch()
        let state = try ClientState.open(scratch.state, identity: clientIdentity)
        let (first, second) = (try adopt([1], in: state), try adopt([2], in: state))
        try state.save(ClientSnapshot(progress: [1], trainer: [7, 7], blobs: [first, second]))
        try state.save(ClientSnapshot(progress: [2], trainer: nil, blobs: [second]))

        let expected = ClientSnapshot(progress: [2], trainer: [7, 7], blobs: [second])
        #expect(try state.snapshot() == expected)
        #expect(scratch.files() == ["blob.\(second)", "identity", "snapshot", "trainer.1"])
        try state.save(ClientSnapshot(progress: [3], trainer: [8], blobs: []))
        #expect(scratch.files() == ["identity", "snapshot", "trainer.2"])
    }

    @Test(
        "a directory of another client or run says which field differs",
        arguments: ["federation", "client", "fingerprint", "seed", "topology digest"]
    )
    func otherIdentity(field: String) throws {
        let scratch = try Scratch()
        do { _ = try ClientState.open(scratch.state, identity: clientIdentity) }
        var other = clientIdentity
        switch field {
        case "federation": other.federation = "other"
        case "client": other.client = "dec"
        case "fingerprint": other.fingerprint = SHA256Digest(of: [9])
        case "seed": other.seed = 8
        default: other.topology = SHA256Digest(of: [9])
        }

        let text = message { _ = try ClientState.open(scratch.state, identity: other) }
        #expect(text?.contains("its \(field) is") == true)
    }

    @Test("one process at a time")
    func locked() throws {
        let scratch = try Scratch()
        let state = try ClientState.open(scratch.state, identity: clientIdentity)

        #expect(code { _ = try ClientState.open(scratch.state, identity: clientIdentity) } == .inUse)
        try state.save(ClientSnapshot(progress: [], trainer: []))
    }

    @Test("any changed, missing or added byte of a snapshot is found out")
    func damage() throws {
        let scratch = try Scratch()
        let state = try ClientState.open(scratch.state, identity: clientIdentity)
        try state.save(ClientSnapshot(progress: [1, 2], trainer: [3]))
        let url = URL(fileURLWithPath: scratch.state + "/snapshot")
        let whole = try Data(contentsOf: url)

        for index in whole.indices {
            var changed = whole
            changed[index] ^= 0x10
            try changed.write(to: url)
            #expect(code { _ = try state.snapshot() } == .corrupt)
        }
        try whole.write(to: url)
        let trainer = URL(fileURLWithPath: scratch.state + "/trainer.1")
        let sealed = try Data(contentsOf: trainer)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 0x10
            try changed.write(to: trainer)
            #expect(code { _ = try state.snapshot() } == .corrupt)
        }
        for damaged in [Data(), whole.dropLast(), whole + [0], whole.prefix(20)] {
            try Data(damaged).write(to: url)
            #expect(code { _ = try state.snapshot() } == .corrupt)
        }
    }

    @Test("sealed lengths that lead outside of the file are refused although the checksum fits")
    func lyingLengths() throws {
        let magic = Array("TRIBUTARY2".utf8)
        for length in [UInt64.max, 1 << 40, 2] {
            let body = magic + withUnsafeBytes(of: length.littleEndian) { Array($0) } + [1]
            let file =
                body
                + SealedFile.checksum(of: [
                    magic[...], body[magic.count..<magic.count + 8], body[(magic.count + 8)...],
                ])
            #expect(throws: LedgerError.self) { try SealedFile.open(file, sections: 1, path: "x") }
        }
    }
}
