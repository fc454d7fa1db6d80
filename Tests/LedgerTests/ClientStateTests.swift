import Digest
import Foundation
import Testing

@testable import Ledger

@Suite("A client's state")
struct ClientStateTests {
    @Test("snapshot and pending upload are there after reopening, until the receipt")
    func roundTrip() throws {
        let scratch = try Scratch()
        let snapshot = ClientSnapshot(progress: [1], trainer: Array(repeating: 2, count: 100_000))
        let pending = PendingUpload(header: [3], payload: [4, 5])
        do {
            let state = try ClientState.open(scratch.state, identity: clientIdentity)
            #expect(try state.snapshot() == nil && state.pendingUpload() == nil)
            try state.save(ClientSnapshot(progress: [], trainer: []))
            try state.save(snapshot)
            try state.keep(pending)
        }

        let state = try ClientState.open(scratch.state, identity: clientIdentity)
        #expect(try state.snapshot() == snapshot)
        #expect(try state.pendingUpload() == pending)
        try state.confirm(SHA256Digest(of: [9]))
        #expect(try state.pendingUpload() == pending)
        try state.confirm(SHA256Digest(of: [4, 5]))
        #expect(try state.pendingUpload() == nil)
        try state.reset()
        #expect(try state.snapshot() == nil)
        #expect(scratch.files() == ["identity"])
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
        for damaged in [Data(), whole.dropLast(), whole + [0], whole.prefix(20)] {
            try Data(damaged).write(to: url)
            #expect(code { _ = try state.snapshot() } == .corrupt)
        }
    }

    @Test("sealed lengths that lead outside of the file are refused although the digest fits")
    func lyingLengths() throws {
        let magic = Array("TRIBUTARY1".utf8)
        for length in [UInt64.max, 1 << 40, 2] {
            let body = magic + withUnsafeBytes(of: length.littleEndian) { Array($0) } + [1]
            let file = body + SHA256Digest(of: body).bytes
            #expect(throws: LedgerError.self) { try SealedFile.open(file, sections: 1, path: "x") }
        }
    }
}
