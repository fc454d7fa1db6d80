internal import Dispatch
internal import Glibc

/// Notices that the program which started this one is gone, however that ended: the parent holds the other end of
/// standard input, a pipe that nothing is ever written to, and the kernel closes it with the parent.
final class ParentWatch {
    private let source: any DispatchSourceRead

    /// Starts watching.
    ///
    /// - Parameter ended: Called once, when the parent is gone.
    init(ended: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeReadSource(
            fileDescriptor: STDIN_FILENO,
            queue: DispatchQueue(label: "parent")
        )
        source.setEventHandler {
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) <= 0 else { return }
            source.cancel()
            ended()
        }
        source.resume()
        self.source = source
    }

    deinit { source.cancel() }
}
