internal import Contract
internal import Glibc

/// A file written whole or not at all: to a file beside it first, synced, then renamed, so that a reader
/// sees the old file or the new one and never half of it.
final class WritableFile {
    /// Where it will be.
    let path: String
    private let temporary: String
    private let descriptor: CInt
    private var committed = false

    /// Starts a file that `commit` puts at `path`.
    init(path: String) throws(CheckpointError) {
        self.path = path
        temporary = path + ".partial"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .unwritable(OutputFault(path, cause: errno))
        }
    }

    deinit {
        close(descriptor)
        if !committed { unlink(temporary) }
    }

    /// Appends the bytes of trivial elements as they lie in memory.
    func append<Element: BitwiseCopyable>(_ elements: [Element]) throws(CheckpointError) {
        try elements.withUnsafeBufferPointer { (buffer) throws(CheckpointError) in
            try append(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Syncs the file, gives it its name and syncs the folder that has the name.
    func commit() throws(CheckpointError) {
        guard fsync(descriptor) == 0 else {
            throw .unwritable(OutputFault(path, cause: errno))
        }
        guard rename(temporary, path) == 0 else {
            throw .unwritable(OutputFault(path, cause: errno))
        }
        committed = true
        // The name is durable with the folder that holds it.
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            throw .unwritable(OutputFault(folder, cause: errno))
        }
        defer { close(directory) }
        guard fsync(directory) == 0 else {
            throw .unwritable(OutputFault(folder, cause: errno))
        }
    }

    /// Writes bytes to `path`, whole or not at all.
    static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
        let file = try WritableFile(path: path)
        try file.append(bytes)
        try file.commit()
    }

    /// Removes files of a directory, those that are there.
    static func remove(_ names: [String], in path: String) throws(CheckpointError) {
        for name in names where unlink("\(path)/\(name)") != 0 && errno != ENOENT {
            throw .unwritable(OutputFault("\(path)/\(name)", cause: errno))
        }
    }

    /// Makes a directory unless it exists; its parent must exist.
    static func makeDirectory(_ path: String) throws(CheckpointError) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw .unwritable(OutputFault(path, cause: errno))
        }
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .unwritable(OutputFault(path, cause: errno))
            }
            done += count
        }
    }
}
