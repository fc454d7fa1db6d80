import Foundation
import Testing

@testable import Ledger

@Suite("Who has a state directory open")
struct LockHolderTests {
    private func scratch() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tributary-lock-\(UUID())").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test("the holder is found while it holds, and a number that is somebody else's is left alone")
    func holder() throws {
        let folder = try scratch()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(LockHolder(of: folder) == nil && !LockHolder.isLocked(folder))
        let lock = try DirectoryLock(directory: folder)
        #expect(LockHolder(of: folder)?.process == getpid())

        // The parent of this process is at work as well, but has not the lock open.
        try "\(getppid())\n".write(toFile: folder + "/lock", atomically: false, encoding: .utf8)
        #expect(LockHolder(of: folder)?.terminate() == .another)
        try "4194303\n".write(toFile: folder + "/lock", atomically: false, encoding: .utf8)
        #expect(LockHolder(of: folder)?.terminate() == .unseen)
        for text in ["", "1\n", "-1\n", "x\n", "99999999999\n"] {
            try text.write(toFile: folder + "/lock", atomically: false, encoding: .utf8)
            #expect(LockHolder(of: folder) == nil, "'\(text)'")
            #expect(LockHolder.isLocked(folder))
        }
        withExtendedLifetime(lock) {}
    }
}
