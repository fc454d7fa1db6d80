internal import Glibc

/// Keeps a second process out of a state directory. The kernel drops the lock when the process ends,
/// however it ends.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    private static func owner(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = max(0, pread(descriptor, &bytes, bytes.count, 0))
        let owner = String(decoding: bytes[..<count].filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return owner.isEmpty ? "(unknown)" : owner
    }

    /// Takes the lock at once or fails; the file names the process that has it. The directory has to be there.
    ///
    /// - Throws: `LedgerError` with `inUse` if another process has it.
    package init(directory: String) throws(LedgerError) {
        let path = directory + "/lock"
        let descriptor = try Files.open(path, O_RDWR | O_CREAT)
        // Whoever only looks whether the directory is locked has it for an instant.
        for _ in 0..<10 where flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
            usleep(10_000)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            let owner = DirectoryLock.owner(descriptor)
            close(descriptor)
            guard number == EWOULDBLOCK else { throw .system("lock", path, number) }
            throw LedgerError(
                .inUse,
                "'\(directory)' is in use by process \(owner): "
                    + "stop that one, or choose another directory"
            )
        }
        self.descriptor = descriptor
        // The number only helps people; without room for it the lock still holds.
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    // The lock is given back by name: a process that is being started at this moment has the descriptor as well, and
    // would keep a lock that closing alone gives back.
    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
