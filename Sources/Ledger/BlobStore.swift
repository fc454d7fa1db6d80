internal import Digest
internal import Glibc
internal import Synchronization

/// Content-addressed files `blobs/aa/<sha256>`, checked by each process once: when it writes or first reads them.
final class BlobStore: Sendable {
    let folder: String
    private let files: DurableFiles?
    /// The blobs whose bytes this process has checked.
    private let verified = Mutex<Set<SHA256Digest>>([])

    /// Opens the store; without `files` it can only be read.
    init(folder: String, files: DurableFiles?) throws(LedgerError) {
        self.folder = folder
        self.files = files
        if files != nil { try Files.makeDirectory(folder) }
    }

    func path(_ digest: SHA256Digest) -> String {
        let hex = digest.description
        return "\(folder)/\(hex.prefix(2))/\(hex)"
    }

    func contains(_ digest: SHA256Digest) -> Bool { Files.exists(path(digest)) }

    /// Stores bytes and returns their digest once they would survive a power cut.
    func store(_ bytes: [UInt8]) throws(LedgerError) -> SHA256Digest {
        let digest = SHA256Digest(of: bytes)
        let path = path(digest)
        // A file that is there may have lost its contents to a disk fault: only a read tells.
        if contains(digest), try Files.digest(path) == digest {
            try settle(digest)
            return digest
        }
        try Files.makeDirectory(Files.parent(of: path))
        try writable.write([bytes], to: path)
        markVerified(digest)
        return digest
    }

    /// The name of a new file, to be adopted later; what is not is gone with the next start.
    func draft() throws(LedgerError) -> String { try writable.draft() }

    private func markVerified(_ digest: SHA256Digest) { verified.withLock { _ = $0.insert(digest) } }

    /// Takes over a file whose bytes are known to have the digest, as `path(digest)`; durable when this returns.
    func adopt(_ draft: String, digest: SHA256Digest) throws(LedgerError) {
        let path = path(digest)
        try Files.makeDirectory(Files.parent(of: path))
        let descriptor = try Files.open(draft, O_RDONLY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("sync", draft) }
        try writable.publish(draft, as: path)
        markVerified(digest)
    }

    /// The file of a blob, for reading: its bytes have been checked.
    func file(of digest: SHA256Digest) throws(LedgerError) -> String {
        let path = path(digest)
        guard contains(digest) else { throw missing(digest) }
        guard verified.withLock({ !$0.contains(digest) }) else { return path }
        let found = try Files.digest(path)
        guard found == digest else { throw changed(path, bytes: try Files.size(path) ?? 0, found: found) }
        markVerified(digest)
        return path
    }

    private func missing(_ digest: SHA256Digest) -> LedgerError {
        LedgerError(.notFound, "blob \(digest) is missing: there is no '\(path(digest))'")
    }

    private func changed(_ path: String, bytes: Int, found: SHA256Digest) -> LedgerError {
        LedgerError(
            .corrupt,
            "'\(path)' was changed: its \(bytes) bytes have the digest \(found); restore it from a copy"
        )
    }

    /// Makes a blob durable that is there already: whoever wrote it may have stopped before that.
    func settle(_ digest: SHA256Digest) throws(LedgerError) {
        try Files.syncDirectory(Files.parent(of: path(digest)))
        try Files.syncDirectory(folder)
    }

    /// The bytes of a blob.
    func read(_ digest: SHA256Digest) throws(LedgerError) -> [UInt8] {
        let path = path(digest)
        guard contains(digest) else { throw missing(digest) }
        let bytes = try Files.read(path)
        let found = SHA256Digest(of: bytes)
        guard found == digest else { throw changed(path, bytes: bytes.count, found: found) }
        return bytes
    }

    /// Deletes a blob, which need not be there.
    func remove(_ digest: SHA256Digest) throws(LedgerError) {
        _ = try writable
        verified.withLock { _ = $0.remove(digest) }
        try Files.remove(path(digest))
    }

    private var writable: DurableFiles {
        get throws(LedgerError) {
            guard let files else { throw LedgerError(.readOnly, "'\(folder)' is open for reading only") }
            return files
        }
    }
}
