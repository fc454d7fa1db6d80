internal import Digest
internal import Glibc

/// The system calls that durable state needs, with errors that name the file.
enum Files {
    /// The directory part of a path.
    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The size of a file in bytes, or nil if there is none.
    static func size(_ path: String) throws(LedgerError) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("look at", path)
        }
        return Int(status.st_size)
    }

    /// Makes a directory and those above it, readable by their owner alone, each synced into its parent.
    static func makeDirectory(_ path: String) throws(LedgerError) {
        if exists(path) { return }
        let above = parent(of: path)
        if above != path { try makeDirectory(above) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("create directory", path) }
        try syncDirectory(above)
    }

    static func syncDirectory(_ path: String) throws(LedgerError) {
        let descriptor = try open(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("sync directory", path) }
    }

    /// The names in a directory, sorted.
    static func names(in path: String) throws(LedgerError) -> [String] {
        guard let stream = opendir(path) else { throw .system("list", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func remove(_ path: String) throws(LedgerError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .system("remove", path) }
    }

    /// Opens a file; it is closed when another program is started.
    static func open(_ path: String, _ flags: Int32) throws(LedgerError) -> Int32 {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("open", path) }
        return descriptor
    }

    /// Creates a file with these bytes and syncs it.
    static func create(
        _ path: String,
        pieces: [[UInt8]],
        beforeSync: () -> Void
    ) throws(LedgerError) {
        let descriptor = try open(path, O_WRONLY | O_CREAT | O_EXCL)
        defer { close(descriptor) }
        let size = pieces.reduce(0) { $0 + $1.count }
        // Pages of a file that has its size already are cheaper, and a disk without the room says so at once.
        if size >= 1 << 20 {
            let number = posix_fallocate(descriptor, 0, size)
            guard number == 0 || number == EOPNOTSUPP || number == EINVAL else {
                throw .system("write", path, number)
            }
        }
        for piece in pieces { try write(piece[...], to: descriptor, path) }
        beforeSync()
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
    }

    /// Writes all bytes where the descriptor stands.
    static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, _ path: String) throws(LedgerError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("write", path) }
            written += count
        }
    }

    /// The bytes of a file.
    static func read(_ path: String) throws(LedgerError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        defer { close(descriptor) }
        let size = try size(path) ?? 0
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), size - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("read", path) }
            guard count > 0 else { break }
            filled += count
        }
        bytes.removeLast(size - filled)
        return bytes
    }

    /// SHA-256 of a file.
    static func digest(_ path: String) throws(LedgerError) -> SHA256Digest {
        let hash = SHA256()
        try read(path) { hash.update($0) }
        return hash.finish()
    }

    /// Reads a file a megabyte at a time.
    static func read(_ path: String, _ body: (UnsafeRawBufferPointer) -> Void) throws(LedgerError) {
        let descriptor = try open(path, O_RDONLY)
        defer { close(descriptor) }
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("read", path) }
            guard count > 0 else { return }
            chunk.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
