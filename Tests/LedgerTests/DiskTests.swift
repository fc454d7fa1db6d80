import Digest
import Foundation
import Testing

@testable import Ledger

/// A small file system of its own; nil where this user may not mount one.
final class SmallDisk: Sendable {
    let path: String

    init?(kilobytes: Int) throws {
        path = FileManager.default.temporaryDirectory.path + "/tributary-disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
            try FileManager.default.removeItem(atPath: path)
            return nil
        }
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        try? FileManager.default.removeItem(atPath: path)
    }

    func makeReadOnly() -> Bool {
        mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT) | UInt(MS_RDONLY), nil) == 0
    }

    /// Whether this user may mount, which these tests need.
    static let isPossible = (try? SmallDisk(kilobytes: 64)) != nil
}

@Suite(
    "Full and read-only disks",
    .enabled(if: SmallDisk.isPossible, "run as root: they mount a small tmpfs")
)
struct DiskTests {
    private func files(_ path: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return all.filter { $0.hasSuffix(".tmp") || $0.hasSuffix(".part") || $0.utf8.count > 64 }
    }

    @Test("a blob that does not fit is a clear error and leaves no half file")
    func fullForBlob() throws {
        let disk = try #require(try SmallDisk(kilobytes: 1024))
        let ledger = try Ledger.open(disk.path + "/state", identity: identity)
        _ = try ledger.beginRound(0, atMs: 1)
        let large = [UInt8](repeating: 7, count: 2 << 20)

        #expect(code { _ = try ledger.accept(update("a", large), bytes: large) } == .diskFull)
        #expect(message { _ = try ledger.store(large) }?.contains("nothing was recorded") == true)

        #expect(files(disk.path) == [])
        #expect(try ledger.updates(round: 0) == [])
        #expect(try ledger.accept(update("a", [1]), bytes: [1]) == .new)
    }

    @Test("facts that do not fit are a clear error, and go in once there is room")
    func fullForFacts() throws {
        let disk = try #require(try SmallDisk(kilobytes: 1024))
        let ledger = try Ledger.open(disk.path + "/state", identity: identity)
        _ = try ledger.store([1])
        let filler = disk.path + "/filler"
        _ = FileManager.default.createFile(atPath: filler, contents: nil)
        let handle = try #require(FileHandle(forWritingAtPath: filler))
        for size in [65536, 4096] { while (try? handle.write(contentsOf: Data(count: size))) != nil {} }
        try handle.close()

        var logged = 0
        let failure = code {
            for _ in 0..<1000 {
                _ = try ledger.log(
                    EventRecord(atMs: 1, name: "x", detail: [UInt8](repeating: 1, count: 4096))
                )
                logged += 1
            }
        }
        #expect(failure == .diskFull)
        #expect(try ledger.eventCount(named: "x") == logged)

        try FileManager.default.removeItem(atPath: filler)
        #expect(try ledger.log(EventRecord(atMs: 1, name: "x")) == Int64(logged + 1))
    }

    @Test("an upload chunk that does not fit leaves the chunks before it")
    func fullForUpload() throws {
        let disk = try #require(try SmallDisk(kilobytes: 1024))
        let ledger = try Ledger.open(disk.path + "/state", identity: identity)
        let chunk = [UInt8](repeating: 1, count: 1 << 19)[...]
        let upload = Upload(client: "a", digest: SHA256Digest(of: [1]), bytes: 4 << 19, chunkBytes: 1 << 19)
        try ledger.append(chunk, index: 0, to: upload)

        #expect(
            code { for index in 1...3 { try ledger.append(chunk, index: index, to: upload) } } == .diskFull
        )
        #expect(try ledger.resumeUpload(upload) == 1)
    }

    @Test("a client's snapshot that does not fit leaves the one before it")
    func fullForSnapshot() throws {
        let disk = try #require(try SmallDisk(kilobytes: 256))
        let state = try ClientState.open(disk.path + "/state", identity: clientIdentity)
        let old = ClientSnapshot(progress: [1], trainer: [1])
        try state.save(old)

        let large = ClientSnapshot(progress: [2], trainer: [UInt8](repeating: 2, count: 1 << 20))
        #expect(code { try state.save(large) } == .diskFull)
        #expect(try state.snapshot() == old)
        #expect(files(disk.path) == [])
    }

    @Test("a read-only file system is a clear error, for new state and for old")
    func readOnly() throws {
        let disk = try #require(try SmallDisk(kilobytes: 1024))
        do {
            let ledger = try Ledger.open(disk.path + "/state", identity: identity)
            _ = try ledger.store([1])
            _ = try ClientState.open(disk.path + "/client", identity: clientIdentity)
        }
        try #require(disk.makeReadOnly())

        #expect(code { _ = try Ledger.open(disk.path + "/other", identity: identity) } == .readOnly)
        #expect(code { _ = try Ledger.open(disk.path + "/state", identity: identity) } == .readOnly)
        #expect(
            code { _ = try ClientState.open(disk.path + "/client", identity: clientIdentity) } == .readOnly
        )
    }
}
