internal import Dispatch
internal import Glibc

/// Signals as calls instead of sudden death.
package final class Signals {
    private let sources: [any DispatchSourceSignal]

    /// SIGTERM and SIGINT of a program that can drain: the first one asks for that, a second one ends the process as
    /// usual.
    ///
    /// - Parameters:
    ///   - drain: Called once, at the first SIGTERM or SIGINT.
    ///   - reload: Called at each SIGHUP; nil leaves SIGHUP what it is.
    package convenience init(
        drain: @escaping @Sendable () -> Void,
        reload: (@Sendable () -> Void)? = nil
    ) {
        self.init([SIGTERM, SIGINT] + (reload == nil ? [] : [SIGHUP])) { number in
            guard number != SIGHUP else {
                reload?()
                return
            }
            drain()
            signal(number, SIG_DFL)
        }
    }

    /// Starts listening, and lets writing to nobody be an error instead of an end.
    ///
    /// - Parameters:
    ///   - numbers: The signals.
    ///   - handle: Called with each of them as it comes, one call after the other.
    package init(_ numbers: [Int32], _ handle: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "signals")
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { handle(number) }
            source.resume()
            return source
        }
        signal(SIGPIPE, SIG_IGN)
    }

    deinit { sources.forEach { $0.cancel() } }
}
