internal import FoundationEssentials
internal import Glibc

/// The process that has a state directory open.
package struct LockHolder: Sendable, Equatable {
    /// Its number.
    package let process: Int32
    private let directory: String

    /// Finds the process that has a directory locked; nil if none has, or its number is not there.
    package init?(of directory: String) {
        guard Self.isLocked(directory),
            let text = try? String(contentsOf: URL(filePath: directory + "/lock"), encoding: .utf8),
            let process = Int32(text.prefix { $0 != "\n" }), process > 1
        else { return nil }
        self.process = process
        self.directory = directory
    }

    /// Whether a process has a directory locked.
    package static func isLocked(_ directory: String) -> Bool {
        let file = open(directory + "/lock", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        guard flock(file, LOCK_SH | LOCK_NB) != 0 else {
            flock(file, LOCK_UN)
            return false
        }
        return errno == EWOULDBLOCK
    }

    /// What came of asking a process to end.
    package enum Termination: Sendable, Hashable {
        /// It was asked.
        case asked
        /// This user may not ask it.
        case notPermitted
        /// The process does not have the lock open: the number is another process's, which is left alone.
        case another
        /// There is no such process here: the directory is locked from another container or host.
        case unseen
    }

    /// Asks the process to drain (SIGTERM). The number alone is not believed: the process must have the directory's lock
    /// open.
    package func terminate() -> Termination {
        guard kill(process, 0) == 0 || errno != ESRCH else { return .unseen }
        guard let isHolder else { return .notPermitted }
        guard isHolder else { return .another }
        return kill(process, SIGTERM) == 0 ? .asked : errno == ESRCH ? .asked : .notPermitted
    }

    /// Whether the process has the lock open; nil if this user may not know.
    private var isHolder: Bool? {
        var lock = stat()
        guard stat(directory + "/lock", &lock) == 0 else { return false }
        let folder = "/proc/\(process)/fd"
        guard let entries = opendir(folder) else { return errno == ENOENT ? false : nil }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var file = stat()
            if stat("\(folder)/\(name)", &file) == 0, file.st_dev == lock.st_dev, file.st_ino == lock.st_ino {
                return true
            }
        }
        return false
    }
}
