internal import Contract
internal import Glibc

/// The standard output, written at once and without a trap where it cannot be.
enum StandardOutput {
    /// Writes text.
    ///
    /// - Throws: `OutputFault` where the system takes no more, such as on a full disk.
    static func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(STDOUT_FILENO, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var entry = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
                continue
            }
            guard count > 0 else {
                throw OutputFault("standard output", cause: errno)
            }
            done += count
        }
    }
}
