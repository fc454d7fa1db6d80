internal import Dispatch
internal import Glibc

/// SIGTERM, SIGINT and SIGHUP as calls instead of sudden death.
///
/// The first SIGTERM or SIGINT asks to drain; a second one ends the process as usual.
package final class Signals {
    private let sources: [any DispatchSourceSignal]

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - drain: Called once, at the first SIGTERM or SIGINT.
    ///   - reload: Called at each SIGHUP.
    package init(drain: @escaping @Sendable () -> Void, reload: (@Sendable () -> Void)? = nil) {
        let queue = DispatchQueue(label: "signals")
        sources = [(SIGTERM, drain), (SIGINT, drain), (SIGHUP, reload)].compactMap { number, action in
            guard let action else { return nil }
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                action()
                if number != SIGHUP { signal(number, SIG_DFL) }
            }
            source.resume()
            return source
        }
        signal(SIGPIPE, SIG_IGN)
    }

    deinit { sources.forEach { $0.cancel() } }
}
