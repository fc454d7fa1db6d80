internal import Logging
internal import NIOCore
internal import Synchronization

/// What the log hears of one connection that wants to come in.
struct RefusalLog: Sendable {
    private let logger: Logger
    private let budget: LineBudget
    private let network: String

    init(_ logger: Logger, budget: LineBudget, address: String, network: String) {
        var logger = logger
        logger[metadataKey: "peer-address"] = .string(address)
        self.logger = logger
        self.budget = budget
        self.network = network
    }

    func admitted(_ peer: PeerIdentity) {
        logger.debug("connection admitted", metadata: ["peer": .stringConvertible(peer)])
    }

    func refused(_ error: TransportError, total: Int) {
        switch error.code {
        case .tooManyConnections: tooMany(total: total)
        case .probe: logger.debug("connection probed")
        default:
            say(
                "connection refused",
                [
                    "code": .string(error.code.rawValue), "reason": .string(error.message),
                    "fix": .string(error.fix),
                ]
            )
        }
    }

    func tooMany(total: Int) {
        say("connection refused: too many", ["refused-total": .stringConvertible(total)])
    }

    private func say(_ message: Logger.Message, _ metadata: Logger.Metadata) {
        guard let omitted = budget.take(network, at: .now()) else {
            return logger.debug(message, metadata: metadata)
        }
        let count: Logger.Metadata = omitted > 0 ? ["lines-left-out": .stringConvertible(omitted)] : [:]
        logger.warning(message, metadata: metadata.merging(count) { own, _ in own })
    }
}

/// How many lines strangers may cause: some for each address in a minute, some more for all together. The
/// rest is counted, and the next line says how many were left out.
final class LineBudget: Sendable {
    private struct State {
        var windowEnds = NIODeadline.uptimeNanoseconds(0)
        /// Lines in this window; an address that is not there has none.
        var lines: [String: Int] = [:]
        var total = 0
        var omitted = 0
    }

    private let state = Mutex(State())
    private let linesMax: Int

    init(linesMax: Int) { self.linesMax = linesMax }

    /// Takes a line for an address: how many were left out since the last one; nil if there is none left.
    func take(_ address: String, at now: NIODeadline) -> Int? {
        state.withLock { state in
            if now >= state.windowEnds {
                state.windowEnds = now + .minutes(1)
                state.lines = [:]
                state.total = 0
            }
            guard state.lines[address, default: 0] < linesMax, state.total < 20 * linesMax else {
                state.omitted += 1
                return nil
            }
            state.lines[address, default: 0] += 1
            state.total += 1
            defer { state.omitted = 0 }
            return state.omitted
        }
    }
}
