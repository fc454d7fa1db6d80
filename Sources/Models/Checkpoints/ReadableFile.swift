internal import Glibc

/// A regular file opened for reads at any offset; the weights of a base model are mapped instead (``FileMapping``).
package final class ReadableFile {
    /// The path as it was given, for error messages.
    let path: String
    /// The size in bytes when it was opened.
    let size: Int
    private let descriptor: CInt
    /// What the system said of the file when it was opened.
    private let opened: stat
    private var mapped: FileMapping?

    /// Opens a file; throws when it cannot be opened or is not a regular file.
    init(path: String) throws(CheckpointError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .inaccessible(file: path, reason: String(cString: strerror(errno)))
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .inaccessible(file: path, reason: "not a regular file")
        }
        self.path = path
        opened = status
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Throws `.truncated` unless `count` bytes lie at `offset`; `what` is their name in the error.
    func require(_ count: Int, at offset: Int, for what: String) throws(CheckpointError) {
        guard count >= 0, offset >= 0, offset <= size, count <= size - offset else {
            throw .truncated(file: path, what: what, offset: offset, needed: count, size: size)
        }
    }

    /// The whole file in memory, mapped once.
    func mapping() throws(CheckpointError) -> FileMapping {
        if let mapped { return mapped }
        let mapping = try FileMapping(descriptor: descriptor, count: size, path: path)
        mapped = mapping
        return mapping
    }

    /// Throws when the file was written to or shortened since it was opened.
    func requireUnchanged() throws(CheckpointError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .inaccessible(file: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_size == opened.st_size, status.st_mtim.tv_sec == opened.st_mtim.tv_sec,
            status.st_mtim.tv_nsec == opened.st_mtim.tv_nsec
        else { throw .inaccessible(file: path, reason: "was changed while it was read") }
    }

    /// Fills `buffer` with the bytes at `offset`.
    func read(
        at offset: Int,
        into buffer: UnsafeMutableRawBufferPointer,
        for what: String
    ) throws(CheckpointError) {
        try require(buffer.count, at: offset, for: what)
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw .inaccessible(file: path, reason: String(cString: strerror(errno)))
            }
            guard count > 0 else {
                throw .truncated(file: path, what: what, offset: offset, needed: buffer.count, size: size)
            }
            done += count
        }
    }

    /// The `count` bytes at `offset`.
    func bytes(_ count: Int, at offset: Int, for what: String) throws(CheckpointError) -> [UInt8] {
        try require(count, at: offset, for: what)
        return try [UInt8](unsafeUninitializedCapacity: count) {
            (buffer, initialized) throws(CheckpointError) in
            try read(
                at: offset,
                into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])),
                for: what
            )
            initialized = count
        }
    }

    /// All bytes of a file of at most `limit` bytes.
    static func contents(of path: String, limit: Int) throws(CheckpointError) -> [UInt8] {
        let file = try ReadableFile(path: path)
        guard file.size <= limit else {
            throw .overLimit(file: path, what: "file size", value: UInt64(file.size), limit: UInt64(limit))
        }
        return try file.bytes(file.size, at: 0, for: "the file")
    }
}
