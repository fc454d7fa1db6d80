internal import FoundationEssentials

/// An HTTP proxy that opens tunnels (CONNECT), as the environment names it.
package struct HTTPProxy: Sendable, Equatable, CustomStringConvertible {
    /// Where the proxy is.
    package let host: String
    /// Its port.
    package let port: Int
    /// `user:password` for Basic authentication; nil for none.
    let credentials: String?

    /// Takes the parts as they are.
    init(host: String, port: Int, credentials: String? = nil) {
        self.host = host
        self.port = port
        self.credentials = credentials
    }

    /// The proxy for a connection to `target`, as `HTTPS_PROXY` and `NO_PROXY` say, in lower or upper case;
    /// the lower case counts first. Nil if there is none, or none for this target.
    ///
    /// The value is `http://[user:password@]host[:port]`, where the scheme may be missing and the port is 80
    /// by default. `NO_PROXY` is a list, separated by commas or spaces, of names that stand for themselves
    /// and everything below them, addresses, networks such as `10.0.0.0/8`, any with a `:port`, or `*`.
    /// Loopback needs no entry.
    /// - Throws: `TransportError` for a value that cannot be read.
    package static func from(
        environment: [String: String],
        target: String,
        port: Int
    ) throws -> HTTPProxy? {
        let names = ["https_proxy", "HTTPS_PROXY"]
        guard let name = names.first(where: { environment[$0]?.isEmpty == false }),
            let value = environment[name]
        else { return nil }
        let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        guard !isDirect(target, port: port, exceptions: exceptions) else { return nil }
        return try HTTPProxy(value, name: name)
    }

    private init(_ value: String, name: String) throws {
        // The value may hold a password, so errors do not repeat it.
        func bad(_ what: String) -> TransportError {
            TransportError(
                .badProxy,
                "\(name) \(what)",
                fix:
                    "Write it as http://host:port or http://user:password@host:port, with %XX for special "
                    + "characters."
            )
        }
        var rest = value[...]
        if let scheme = rest.firstRange(of: "://") {
            let found = rest[..<scheme.lowerBound].lowercased()
            guard found == "http" else {
                throw bad(
                    "has the scheme '\(found)'; only proxies that are spoken to over http are supported"
                )
            }
            rest = rest[scheme.upperBound...]
        }
        if let slash = rest.firstIndex(of: "/") {
            guard rest[slash...] == "/" else { throw bad("has a path") }
            rest = rest[..<slash]
        }
        var credentials: String?
        if let at = rest.lastIndex(of: "@") {
            guard let decoded = HTTPProxy.percentDecoded(rest[..<at]) else {
                throw bad("has a user or password that cannot be read")
            }
            credentials = decoded.contains(":") ? decoded : decoded + ":"
            rest = rest[rest.index(after: at)...]
        }
        guard let (host, port) = HTTPProxy.split(String(rest)),
            AlternativeNames.address(host) != nil || AlternativeNames.isHostName(host)
        else { throw bad("names no host, or no port from 1 to 65535") }
        self.init(host: host, port: port ?? 80, credentials: credentials)
    }

    /// Host and port of `host`, `host:port`, `[address]` or `[address]:port`; nil for anything else.
    private static func split(_ text: String) -> (host: String, port: Int?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            guard !rest.isEmpty else { return (host, nil) }
            guard rest.hasPrefix(":"), let port = portNumber(rest.dropFirst()) else { return nil }
            return (host, port)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return (text, nil)
        case 2: return portNumber(parts[1]).map { (String(parts[0]), $0) }
        default: return AlternativeNames.address(text) == nil ? nil : (text, nil)
        }
    }

    private static func portNumber(_ text: Substring) -> Int? {
        guard let port = Int(text), (1...65_535).contains(port) else { return nil }
        return port
    }

    /// The text behind `%XX`; nil for anything that cannot be one line of a header.
    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.count >= 2
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard !bytes.contains(where: { $0 < 32 || $0 == 127 }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    // MARK: - Exceptions

    static func isDirect(_ host: String, port: Int, exceptions: String) -> Bool {
        let host = trimmed(host)
        let address = AlternativeNames.address(host)
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        if let address, address.first == 127 && address.count == 4 || address == loopback { return true }
        return exceptions.split { $0 == "," || $0 == " " }.contains { entry in
            if entry == "*" { return true }
            if let slash = entry.firstIndex(of: "/") {
                guard let network = AlternativeNames.address(String(entry[..<slash])),
                    let length = Int(entry[entry.index(after: slash)...]), let address
                else { return false }
                return contains(network, length, address)
            }
            guard let (name, only) = split(String(entry)), only == nil || only == port else { return false }
            if let address { return AlternativeNames.address(name) == address }
            let suffix = trimmed(name.hasPrefix("*.") ? String(name.dropFirst()) : name)
            let bare = suffix.hasPrefix(".") ? String(suffix.dropFirst()) : suffix
            return !bare.isEmpty && (host == bare || host.hasSuffix("." + bare))
        }
    }

    private static let loopback = [UInt8](repeating: 0, count: 15) + [1]

    /// Lower case, without the dot of a fully qualified name.
    private static func trimmed(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    private static func contains(_ network: [UInt8], _ length: Int, _ address: [UInt8]) -> Bool {
        guard network.count == address.count, (0...8 * network.count).contains(length) else { return false }
        return (0..<length).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return network[bit / 8] & mask == address[bit / 8] & mask
        }
    }

    /// The request that opens a tunnel.
    func request(host: String, port: Int) -> String {
        let target = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        var lines = ["CONNECT \(target) HTTP/1.1", "Host: \(target)"]
        if let credentials {
            lines.append("Proxy-Authorization: Basic \(Data(credentials.utf8).base64EncodedString())")
        }
        return (lines + ["", ""]).joined(separator: "\r\n")
    }

    /// Host and port, never the password.
    package var description: String { "\(host):\(port)" }
}
