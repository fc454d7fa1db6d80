internal import Digest
internal import Glibc

/// Content-addressed files `blobs/aa/<sha256>`, checked whenever they are read.
final class BlobStore: Sendable {
    let folder: String
    private let files: DurableFiles?

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
        return digest
    }

    /// Takes over a file whose bytes have the digest, as `path(digest)`.
    func adopt(_ draft: String, digest: SHA256Digest) throws(LedgerError) {
        let path = path(digest)
        try Files.makeDirectory(Files.parent(of: path))
        let descriptor = try Files.open(draft, O_RDONLY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("sync", draft) }
        try writable.publish(draft, as: path)
    }

    /// Makes a blob durable that is there already: whoever wrote it may have stopped before that.
    func settle(_ digest: SHA256Digest) throws(LedgerError) {
        try Files.syncDirectory(Files.parent(of: path(digest)))
        try Files.syncDirectory(folder)
    }

    /// The bytes of a blob.
    func read(_ digest: SHA256Digest) throws(LedgerError) -> [UInt8] {
        let path = path(digest)
        guard contains(digest) else {
            throw LedgerError(.notFound, "blob \(digest) is missing: there is no '\(path)'")
        }
        let bytes = try Files.read(path)
        let found = SHA256Digest(of: bytes)
        guard found == digest else {
            throw LedgerError(
                .corrupt,
                "'\(path)' was changed: its \(bytes.count) bytes have the digest \(found); restore it from a copy"
            )
        }
        return bytes
    }

    /// Deletes a blob, which need not be there.
    func remove(_ digest: SHA256Digest) throws(LedgerError) {
        _ = try writable
        try Files.remove(path(digest))
    }

    private var writable: DurableFiles {
        get throws(LedgerError) {
            guard let files else { throw LedgerError(.readOnly, "'\(folder)' is open for reading only") }
            return files
        }
    }
}
