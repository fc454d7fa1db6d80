internal import Glibc

/// Why durable state could not be opened, read or written.
///
/// Two errors are equal if their codes are; the message is for people.
package struct LedgerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// No space or quota is left; nothing was recorded.
        case diskFull
        /// The directory or its file system does not permit writing.
        case readOnly
        /// Another process has the directory open.
        case inUse
        /// The directory belongs to another federation, topology, seed, fingerprint or client.
        case otherIdentity
        /// The directory holds no state, or a file there is something else.
        case notFound
        /// The state was written by a newer version of this program.
        case newerFormat
        /// Something else is recorded under the same key.
        case conflict
        /// A chunk of an upload that is not the next one, or not of the size that its place asks for.
        case badChunk
        /// Bytes do not have the digest or size they are filed under.
        case corrupt
        /// Any other failure of the file system or of SQLite.
        case inputOutput
    }

    /// What kind of failure it is.
    package let code: Code
    /// What happened, where, and what to do about it.
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The failure of a system call, from `errno`.
    package static func system(_ operation: String, _ path: String, _ number: Int32 = errno) -> LedgerError {
        let reason = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT, EFBIG:
            return LedgerError(
                .diskFull,
                "no space to \(operation) '\(path)' (\(reason)); nothing was recorded: free space and start again"
            )
        case EROFS, EACCES, EPERM:
            return LedgerError(
                .readOnly,
                "may not \(operation) '\(path)' (\(reason)): state needs a directory this user can write"
            )
        case ENOENT:
            return LedgerError(.notFound, "could not \(operation) '\(path)': \(reason)")
        default:
            return LedgerError(.inputOutput, "could not \(operation) '\(path)': \(reason)")
        }
    }

    /// The message.
    package var description: String { message }

    /// Compares the codes alone.
    package static func == (left: LedgerError, right: LedgerError) -> Bool { left.code == right.code }
}
