internal import Glibc

/// Reading and writing of certificate and key files: whole files, private where they must be, never half
/// written.
enum SecureFiles {
    /// No certificate, key or list is larger.
    static let fileBytesMax = 16 << 20

    /// Whether something is at the path.
    static func exists(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0
    }

    /// Reads a whole file.
    /// - Parameter isSecret: refuse a file that others than its owner can read, but for a group of this
    ///   process that may read it and no more, which is how Kubernetes mounts secrets (`fsGroup`).
    static func read(_ path: String, isSecret: Bool = false) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw readError(path, errno) }
        defer { Glibc.close(file) }
        var info = stat()
        guard fstat(file, &info) == 0 else { throw readError(path, errno) }
        guard info.st_mode & S_IFMT == S_IFREG, info.st_size <= fileBytesMax else {
            throw IdentityError(
                .unreadable,
                path: path,
                "\(path) is not a file of at most \(fileBytesMax) bytes",
                fix: "Put the PEM file there."
            )
        }
        let isOwnGroup = info.st_mode & 0o037 == 0 && groups.contains(info.st_gid)
        if isSecret, info.st_mode & 0o077 != 0, !isOwnGroup {
            let mode = String(info.st_mode & 0o777, radix: 8)
            throw IdentityError(
                .openPermissions,
                path: path,
                "\(path) has mode \(mode): others than its owner, or a group that is not this process's, can "
                    + "reach this private key",
                fix: "Run: chmod 600 \(path)"
            )
        }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(file, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw readError(path, errno) }
            if count == 0 { break }
            done += count
        }
        return Array(bytes.prefix(done))
    }

    /// The groups of this process.
    private static var groups: Set<gid_t> {
        var groups = [gid_t](repeating: 0, count: max(0, Int(getgroups(0, nil))))
        let count = getgroups(Int32(groups.count), &groups)
        return Set(groups.prefix(max(0, Int(count))) + [getegid()])
    }

    /// What changes when a file is replaced.
    static func stamp(_ path: String) -> String {
        var info = stat()
        guard stat(path, &info) == 0 else { return "absent" }
        return "\(info.st_ino) \(info.st_size) \(info.st_mtim.tv_sec) \(info.st_mtim.tv_nsec)"
    }

    /// Makes a folder with mode 0700, and those above it, where they are missing.
    static func makeDirectory(_ path: String) throws {
        guard !path.isEmpty, !exists(path) else { return }
        if let slash = path.lastIndex(of: "/") { try makeDirectory(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw writeError(path, errno) }
    }

    /// Writes a file that must not exist yet: it appears whole or not at all.
    static func create(_ path: String, _ bytes: [UInt8], mode: mode_t) throws {
        let temporary = try writeTemporary(path, bytes, mode: mode)
        defer { unlink(temporary) }
        // Unlike rename, link refuses to replace what is there.
        guard link(temporary, path) == 0 else {
            guard errno != EEXIST else {
                throw IdentityError(
                    .alreadyExists,
                    path: path,
                    "\(path) is there already",
                    fix: "Nothing was overwritten; move it away if it shall be made anew."
                )
            }
            throw writeError(path, errno)
        }
        try synchronise(directoryOf: path)
    }

    /// Writes a file, replacing one that is there in one step.
    static func replace(_ path: String, _ bytes: [UInt8], mode: mode_t) throws {
        let temporary = try writeTemporary(path, bytes, mode: mode)
        guard rename(temporary, path) == 0 else {
            let reason = errno
            unlink(temporary)
            throw writeError(path, reason)
        }
        try synchronise(directoryOf: path)
    }

    /// Removes a file if it is there.
    static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw writeError(path, errno) }
    }

    /// Runs `body` while no other process does so with the same lock file.
    static func withLock<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw writeError(path, errno) }
        defer { Glibc.close(file) }
        while flock(file, LOCK_EX) != 0 {
            guard errno == EINTR else { throw writeError(path, errno) }
        }
        return try body()
    }

    private static func writeTemporary(_ path: String, _ bytes: [UInt8], mode: mode_t) throws -> String {
        let temporary = "\(path).\(getpid()).new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw writeError(temporary, errno) }
        var reason: Int32 = 0
        // The umask may have taken bits that the mode asks for.
        if fchmod(file, mode) != 0 { reason = errno }
        var done = 0
        while reason == 0, done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count < 0, errno != EINTR { reason = errno }
            if count > 0 { done += count }
        }
        if reason == 0, fsync(file) != 0 { reason = errno }
        if Glibc.close(file) != 0, reason == 0 { reason = errno }
        guard reason == 0 else {
            unlink(temporary)
            throw writeError(path, reason)
        }
        return temporary
    }

    private static func synchronise(directoryOf path: String) throws {
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let file = open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw writeError(directory, errno) }
        defer { Glibc.close(file) }
        guard fsync(file) == 0 else { throw writeError(directory, errno) }
    }

    private static func readError(_ path: String, _ reason: Int32) -> IdentityError {
        if reason == ENOENT || reason == ENOTDIR {
            return IdentityError(
                .missingFile,
                path: path,
                "\(path) does not exist",
                fix: "Copy it from the folder that `tributary provision` made, or name the right folder."
            )
        }
        return IdentityError(
            .unreadable,
            path: path,
            "\(path) cannot be read: \(String(cString: strerror(reason)))",
            fix: "Make it readable for the user that runs this program."
        )
    }

    private static func writeError(_ path: String, _ reason: Int32) -> IdentityError {
        IdentityError(
            .unwritable,
            path: path,
            "\(path) cannot be written: \(String(cString: strerror(reason)))",
            fix: "Check the folder's owner and mode and the free space."
        )
    }
}
