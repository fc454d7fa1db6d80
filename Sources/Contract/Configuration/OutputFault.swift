internal import Glibc

/// A file or folder that could not be made or written.
package struct OutputFault: GivenFault, Equatable, CustomStringConvertible {
    /// The file or folder.
    package let path: String
    /// Why, as the end of a sentence.
    package let reason: String
    /// It cannot be made, or the system failed in the middle.
    package let faultKind: FaultKind

    /// Names what is in the way of a file or folder.
    package init(_ path: String, _ reason: String) {
        (self.path, self.reason, faultKind) = (path, reason, .uncreatable)
    }

    /// A failed call of the system.
    ///
    /// - Parameters:
    ///   - path: The file or folder.
    ///   - cause: Its number of `errno`.
    package init(_ path: String, cause: Int32) {
        self.path = path
        reason = FaultText.words(of: cause)
        faultKind = [ENOSPC, EDQUOT, EFBIG, EIO, EPIPE].contains(cause) ? .inputOutput : .uncreatable
    }

    /// `run/out: cannot be written: permission denied`.
    package var description: String { "\(path): cannot be written: \(reason)" }

    /// Runs what makes a folder or writes a file.
    ///
    /// - Throws: What `body` threw where that says itself what is wrong, otherwise an `OutputFault`.
    package static func wrap(_ path: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as any GivenFault {
            throw error
        } catch {
            guard let number = FaultText.errno(of: error) else {
                throw OutputFault(path, FaultText.sentence(error))
            }
            throw OutputFault(path, cause: number)
        }
    }
}
