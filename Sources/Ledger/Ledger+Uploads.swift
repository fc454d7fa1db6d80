package import Digest
internal import Glibc
internal import Synchronization

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

/// A transfer that comes in: how much is on the disk, and its SHA-256 so far, so that nothing is read again.
final class IncomingFile: Sendable {
    private struct State {
        var held: Int
        var hash: SHA256
    }

    /// After how many bytes the disk is told to begin, so that the sync at the end finds little left to do.
    private static let flushBytes = 1 << 22

    private let path: String
    private let state: Mutex<State>

    /// Goes on behind the whole chunks that an earlier process left.
    init(_ upload: Upload, path: String) throws(LedgerError) {
        self.path = path
        let size = min(try Files.size(path) ?? 0, upload.bytes)
        let held = size == upload.bytes ? size : size / upload.chunkBytes * upload.chunkBytes
        if size > held { guard truncate(path, held) == 0 else { throw .system("write", path) } }
        let hash = SHA256()
        if held > 0 { try Files.read(path) { hash.update($0) } }
        state = Mutex(State(held: held, hash: hash))
    }

    /// The bytes that are here.
    var held: Int { state.withLock { $0.held } }

    /// SHA-256 of what is here. Nothing can be added afterwards.
    func finish() -> SHA256Digest { state.withLock { $0.hash.finish() } }

    /// Adds bytes at the end.
    func append(_ bytes: ArraySlice<UInt8>) throws(LedgerError) {
        try state.withLock { state throws(LedgerError) in
            let descriptor = try Files.open(path, O_WRONLY | O_CREAT)
            defer { close(descriptor) }
            let start = state.held
            guard lseek(descriptor, start, SEEK_SET) == start else { throw .system("write", path) }
            do throws(LedgerError) {
                try Files.write(bytes, to: descriptor, path)
            } catch {
                _ = ftruncate(descriptor, start)  // so that no half chunk stays; the error is thrown anyway
                throw error
            }
            bytes.withUnsafeBytes { state.hash.update($0) }
            state.held += bytes.count
            if state.held / Self.flushBytes > start / Self.flushBytes {
                posix_fadvise(
                    descriptor,
                    off_t(state.held - Self.flushBytes),
                    off_t(Self.flushBytes),
                    POSIX_FADV_DONTNEED
                )
            }
        }
    }
}

extension Ledger {
    /// How many chunks of a transfer are here, so that it can go on from there; drops what is left of
    /// other transfers of the same client.
    package func resumeUpload(_ upload: Upload) throws(LedgerError) -> Int {
        if blobs.contains(upload.digest) { return upload.chunks }
        for name in try Files.names(in: directory + "/uploads") {
            if name.hasPrefix(upload.client + "."), name != upload.fileName {
                try Files.remove("\(directory)/uploads/\(name)")
                incoming.withLock { $0[name] = nil }
            }
        }
        let held = try file(for: upload).held
        return held == upload.bytes ? upload.chunks : held / upload.chunkBytes
    }

    private func file(for upload: Upload) throws(LedgerError) -> IncomingFile {
        if let known = incoming.withLock({ $0[upload.fileName] }) { return known }
        let file = try IncomingFile(upload, path: path(upload))
        incoming.withLock { $0[upload.fileName] = file }
        return file
    }

    /// Adds the next chunk.
    ///
    /// - Throws: `LedgerError`, with `badChunk` if `index` is not the next one or the chunk does not have the
    ///   size that its place asks for; what is here already stays.
    package func append(_ chunk: ArraySlice<UInt8>, index: Int, to upload: Upload) throws(LedgerError) {
        let file = try file(for: upload)
        let held = file.held
        guard index >= 0, index < upload.chunks, held / upload.chunkBytes == index, held < upload.bytes else {
            throw LedgerError(
                .badChunk,
                "chunk \(index) of \(upload.digest): \(held) of \(upload.bytes) B are here, "
                    + "expected chunk \(held / upload.chunkBytes) of \(upload.chunks)"
            )
        }
        let expected = min(upload.chunkBytes, upload.bytes - held)
        guard chunk.count == expected else {
            throw LedgerError(
                .badChunk,
                "chunk \(index) of \(upload.digest) has \(chunk.count) B, expected \(expected) B"
            )
        }
        try file.append(chunk)
    }

    /// Checks a transfer that has all its chunks and makes a blob of it; durable when this returns.
    ///
    /// - Throws: `LedgerError`, with `corrupt` if the digest is another; the transfer is dropped then.
    package func completeUpload(_ upload: Upload) throws(LedgerError) {
        if blobs.contains(upload.digest) { return try blobs.settle(upload.digest) }
        let path = path(upload)
        let file = try file(for: upload)
        guard file.held == upload.bytes else {
            throw LedgerError(.corrupt, "\(upload.digest): \(file.held) of \(upload.bytes) B are here")
        }
        incoming.withLock { $0[upload.fileName] = nil }
        if upload.bytes == 0 {
            _ = try blobs.store([])
            return
        }
        let found = file.finish()
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
    package func discardUpload(_ upload: Upload) throws(LedgerError) {
        incoming.withLock { $0[upload.fileName] = nil }
        try Files.remove(path(upload))
    }

    private func path(_ upload: Upload) -> String { "\(directory)/uploads/\(upload.fileName)" }
}
