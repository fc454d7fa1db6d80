package import Digest
internal import Glibc

/// A transfer that arrives chunk by chunk and may be interrupted.
package struct Upload: Sendable, Hashable {
    /// Who sends it; a DNS label.
    package let client: String
    /// SHA-256 of the whole.
    package let digest: SHA256Digest
    /// Bytes of the whole.
    package let bytes: Int
    /// Bytes of every chunk but the last.
    package let chunkBytes: Int

    /// Describes a transfer; traps on a chunk size below 1 or a negative size.
    package init(client: String, digest: SHA256Digest, bytes: Int, chunkBytes: Int) {
        precondition(chunkBytes > 0 && bytes >= 0, "an upload of \(bytes) bytes in chunks of \(chunkBytes)")
        precondition(
            !client.isEmpty && !client.contains("/") && !client.hasPrefix("."),
            "'\(client)' is no name of a client"
        )
        self.client = client
        self.digest = digest
        self.bytes = bytes
        self.chunkBytes = chunkBytes
    }

    /// How many chunks the whole has.
    package var chunks: Int { (bytes + chunkBytes - 1) / chunkBytes }

    fileprivate var fileName: String { "\(client).\(digest).part" }
}

extension Ledger {
    /// How many chunks of a transfer are here, so that it can go on from there; drops what is left of
    /// other transfers of the same client.
    package func resumeUpload(_ upload: Upload) throws(LedgerError) -> Int {
        if blobs.contains(upload.digest) { return upload.chunks }
        for name in try Files.names(in: directory + "/uploads") {
            if name.hasPrefix(upload.client + "."), name != upload.fileName {
                try Files.remove("\(directory)/uploads/\(name)")
            }
        }
        let held = min(try Files.size(path(upload)) ?? 0, upload.bytes)
        return held == upload.bytes ? upload.chunks : held / upload.chunkBytes
    }

    /// Adds the next chunk.
    ///
    /// - Throws: `LedgerError`, with `badChunk` if `index` is not the next one or the chunk does not have the
    ///   size that its place asks for; what is here already stays.
    package func append(_ chunk: [UInt8], index: Int, to upload: Upload) throws(LedgerError) {
        let path = path(upload)
        let held = try Files.size(path) ?? 0
        guard index >= 0, index < upload.chunks, held / upload.chunkBytes == index, held < upload.bytes else {
            throw LedgerError(
                .badChunk,
                "chunk \(index) of \(upload.digest): \(held) of \(upload.bytes) B are here, "
                    + "expected chunk \(held / upload.chunkBytes) of \(upload.chunks)"
            )
        }
        let start = index * upload.chunkBytes
        let expected = min(upload.chunkBytes, upload.bytes - start)
        guard chunk.count == expected else {
            throw LedgerError(
                .badChunk,
                "chunk \(index) of \(upload.digest) has \(chunk.count) B, expected \(expected) B"
            )
        }
        let descriptor = try Files.open(path, O_WRONLY | O_CREAT)
        defer { close(descriptor) }
        // A chunk that was cut off by a crash is written over.
        guard ftruncate(descriptor, start) == 0, lseek(descriptor, start, SEEK_SET) == start else {
            throw .system("write", path)
        }
        do {
            try Files.write(chunk, to: descriptor, path)
        } catch {
            _ = ftruncate(descriptor, start)  // so that no half chunk stays; the error is thrown anyway
            throw error
        }
    }

    /// Checks a transfer that has all its chunks and makes a blob of it; durable when this returns.
    ///
    /// - Throws: `LedgerError`, with `corrupt` if the digest is another; the transfer is dropped then.
    package func completeUpload(_ upload: Upload) throws(LedgerError) {
        if blobs.contains(upload.digest) { return try blobs.settle(upload.digest) }
        let path = path(upload)
        let held = try Files.size(path) ?? 0
        guard held == upload.bytes else {
            throw LedgerError(.corrupt, "\(upload.digest): \(held) of \(upload.bytes) B are here")
        }
        if upload.bytes == 0 {
            _ = try blobs.store([])
            return
        }
        let found = try Files.digest(path)
        guard found == upload.digest else {
            try Files.remove(path)
            throw LedgerError(
                .corrupt,
                "the upload of '\(upload.client)' has the digest \(found), \(upload.digest) was offered; it was dropped"
            )
        }
        try blobs.adopt(path, digest: upload.digest)
    }

    /// Drops what is here of a transfer.
    package func discardUpload(_ upload: Upload) throws(LedgerError) { try Files.remove(path(upload)) }

    private func path(_ upload: Upload) -> String { "\(directory)/uploads/\(upload.fileName)" }
}
