internal import Glibc

/// A file that holds a blob's bytes and nothing else, read where they are wanted and never as a whole.
///
/// It stays readable when the file gets another name or none.
package final class BlobFile: Sendable {
    /// The file's name when it was opened.
    package let path: String
    private let descriptor: Int32

    /// Opens a file that is there.
    ///
    /// - Throws: `fileFault`.
    package init(reading path: String) throws(WireError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.fault(path) }
    }

    /// Makes a new file, readable by its owner alone.
    ///
    /// - Parameter expectedBytes: About how many bytes will come; so many are reserved on the disk.
    /// - Throws: `fileFault`.
    package init(creating path: String, expectedBytes: Int) throws(WireError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.fault(path) }
        // What the file system cannot reserve it finds while writing.
        if expectedBytes > 0 { posix_fallocate(descriptor, 0, off_t(expectedBytes)) }
    }

    deinit { close(descriptor) }

    /// How many bytes the file has.
    package var count: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Reads as many bytes as the buffer holds, from an offset on.
    ///
    /// - Throws: `truncated` if the file ends before; `fileFault`.
    package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(WireError) {
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                descriptor,
                buffer.baseAddress?.advanced(by: filled),
                buffer.count - filled,
                off_t(offset + filled)
            )
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw fault() }
            guard count > 0 else {
                throw .truncated(what: "'\(path)'", bytes: offset + filled, needed: offset + buffer.count)
            }
            filled += count
        }
    }

    /// Writes bytes at an offset.
    ///
    /// - Throws: `fileFault`.
    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(WireError) {
        var written = 0
        while written < bytes.count {
            let count = pwrite(
                descriptor,
                bytes.baseAddress?.advanced(by: written),
                bytes.count - written,
                off_t(offset + written)
            )
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw fault() }
            written += count
        }
    }

    /// Writes bytes at an offset.
    ///
    /// - Throws: `fileFault`.
    package func write(_ bytes: ArraySlice<UInt8>, at offset: Int) throws(WireError) {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            try write(UnsafeRawBufferPointer(bytes), at: offset)
        }
    }

    private func fault() -> WireError { Self.fault(path) }

    private static func fault(_ path: String) -> WireError {
        .fileFault(path: path, number: errno)
    }

    /// Gives back what was reserved behind the end.
    func trim(to count: Int) throws(WireError) {
        guard ftruncate(descriptor, off_t(count)) == 0 else { throw fault() }
    }
}
