internal import Glibc
internal import NIOCore
internal import NIOPosix

extension TransportError {
    /// The connection is over on our side.
    static func closed() -> TransportError {
        TransportError(.closed, "the connection is closed", fix: "Reconnect.")
    }

    /// An error of an established connection.
    static func connection(_ error: any Error) -> TransportError {
        if let known = error as? TransportError { return known }
        if let error = error as? ChannelError {
            switch error {
            case .ioOnClosedChannel, .alreadyClosed, .outputClosed, .inputClosed, .eof: return closed()
            default: break
            }
        }
        if let error = error as? IOError {
            let code: Code =
                error.errnoCode == EHOSTUNREACH || error.errnoCode == ENETUNREACH ? .unreachable : .reset
            return TransportError(
                code,
                "the connection broke: \(errorText(error.errnoCode))",
                fix: "The peer or the network between has failed; reconnect."
            )
        }
        return TransportError(
            .internalFailure,
            "the connection failed: \(error)",
            fix: "Report this with the log around it."
        )
    }

    /// The peer takes nothing.
    static func sendTimeout(_ time: Duration) -> TransportError {
        TransportError(
            .sendTimeout,
            "the peer took nothing for \(time)",
            fix: "The peer hangs, or the network is cut. \(largePackets)"
        )
    }

    /// TLS does not get through.
    static func handshakeTimeout(_ time: Duration, bytesIn: Int) -> TransportError {
        TransportError(
            .handshakeTimeout,
            "no TLS handshake within \(time); \(bytesIn) B came from the other side",
            fix: "Check that a Tributary program is on the other side. \(largePackets)"
        )
    }

    private static let largePackets =
        "If small packets pass and large ones do not (a tunnel with a smaller MTU whose ICMP messages are "
        + "dropped), lower the MTU of the interface or let ICMP through."

    /// An error of connecting to `host`:`port`.
    static func connecting(_ error: any Error, host: String, port: Int) -> any Error {
        switch error {
        case let error as TransportError: return error
        case is CancellationError: return error
        case let error as IOError: return connecting(errno: error.errnoCode, host: host, port: port)
        case let error as NIOConnectionError:
            return connecting(error.connectionErrors, host: host, port: port)
        case ChannelError.connectTimeout(let delay):
            return connectTimeout(host: host, port: port, seconds: Double(delay.nanoseconds) / 1e9)
        case is SocketAddressError.UnknownHost: return unknownHost(host)
        default:
            return TransportError(
                .unreachable,
                "connecting to \(host):\(port) failed: \(error)",
                fix: "Check host, port and network."
            )
        }
    }

    /// What came of all addresses of a name; the most telling reason gives the code.
    private static func connecting(
        _ failures: [SingleConnectionFailure],
        host: String,
        port: Int
    ) -> any Error {
        let reasons = failures.map { failure in
            (address: failure.target, reason: connecting(failure.error, host: host, port: port))
        }
        let order: [Code] = [.refused, .connectTimeout, .unreachable]
        let known = reasons.compactMap { $0.reason as? TransportError }
        guard
            let first = order.lazy.compactMap({ code in known.first { $0.code == code } }).first
                ?? known.first
        else {
            return failures.isEmpty
                ? unknownHost(host) : connecting(failures[0].error, host: host, port: port)
        }
        guard AlternativeNames.address(host) == nil else { return first }
        let tried = zip(reasons, known)
            .map { "\(addressText($0.0.address)): \($0.1.code.rawValue)" }.joined(separator: ", ")
        let isIPv6Alone = failures.allSatisfy { $0.target.protocol == .inet6 }
        return TransportError(
            first.code,
            "\(first.message) (\(tried))",
            fix: isIPv6Alone
                ? "\(first.fix) The name has IPv6 addresses alone: a coordinator that listens at 0.0.0.0 "
                    + "answers at none of them; let it listen at '::', or give the name an A record."
                : first.fix
        )
    }

    private static func unknownHost(_ host: String) -> TransportError {
        TransportError(
            .unknownHost,
            "the name '\(host)' is unknown",
            fix: "Check the name and the DNS or hosts file."
        )
    }

    static func connectTimeout(host: String, port: Int, seconds: Double) -> TransportError {
        TransportError(
            .connectTimeout,
            "\(host):\(port) did not answer within \(seconds) s",
            fix: "Check host and port, and that no firewall drops the packets."
        )
    }

    private static func connecting(errno reason: Int32, host: String, port: Int) -> TransportError {
        switch reason {
        case ECONNREFUSED:
            TransportError(
                .refused,
                "nothing listens at \(host):\(port)",
                fix: "Start the coordinator, or correct the host and port."
            )
        case ETIMEDOUT:
            TransportError(
                .connectTimeout,
                "\(host):\(port) did not answer",
                fix: "Check that no firewall drops the packets."
            )
        default:
            TransportError(
                .unreachable,
                "\(host):\(port) cannot be reached: \(errorText(reason))",
                fix: "Check the network and the routes."
            )
        }
    }

    /// An error of binding to `host`:`port`.
    static func binding(_ error: any Error, host: String, port: Int) -> TransportError {
        let place = "\(host):\(port)"
        guard let error = error as? IOError else {
            return TransportError(
                .badAddress,
                "'\(host)' is no address of this machine: \(error)",
                fix: "Give an address of this machine, or 0.0.0.0 for all of IPv4, or :: for all."
            )
        }
        switch error.errnoCode {
        case EADDRINUSE:
            return TransportError(
                .addressInUse,
                "\(place) is taken by another program",
                fix: "Stop that program or choose another port."
            )
        case EADDRNOTAVAIL:
            return TransportError(
                .badAddress,
                "'\(host)' is no address of this machine",
                fix: "Give an address of this machine, or 0.0.0.0 for all of IPv4, or :: for all."
            )
        case EACCES, EPERM:
            return TransportError(
                .cannotBind,
                "\(place) may not be bound by this user",
                fix: "Choose a port of at least 1024."
            )
        default:
            return TransportError(
                .cannotBind,
                "\(place) cannot be bound: \(errorText(error.errnoCode))",
                fix: "Choose another address."
            )
        }
    }

    private static func errorText(_ reason: Int32) -> String { String(cString: strerror(reason)) }
}
