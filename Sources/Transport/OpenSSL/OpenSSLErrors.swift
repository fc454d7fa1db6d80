internal import COpenSSL

/// What OpenSSL has left in this thread's error queue, oldest first.
struct OpenSSLErrors: Sendable, CustomStringConvertible {
    /// One entry of the queue.
    struct Entry: Sendable {
        /// The library that reports it, such as `ERR_LIB_SSL`.
        let library: Int32
        /// The reason within the library, such as `SSL_R_HTTP_REQUEST`.
        let reason: Int32
        /// OpenSSL's words for the reason.
        let text: String
    }

    let entries: [Entry]

    /// Takes everything out of the queue, so that nothing is left to be blamed on another connection.
    static func drain() -> OpenSSLErrors {
        var entries: [Entry] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
            entries.append(Entry(library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code), text: text))
        }
        return OpenSSLErrors(entries: entries)
    }

    /// Whether some entry is this reason of the SSL library.
    func contains(ssl reason: Int32) -> Bool {
        entries.contains { $0.library == ERR_LIB_SSL && $0.reason == reason }
    }

    /// The reasons, or that there are none.
    var description: String {
        entries.isEmpty ? "no reason given" : entries.map(\.text).joined(separator: "; ")
    }
}

/// The OpenSSL library of this process.
package enum TLSLibrary {
    /// Its version, such as `3.0.17`.
    package static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}
