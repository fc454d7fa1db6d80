internal import COpenSSL

/// The subject alternative names of a certificate or request.
struct AlternativeNames: Sendable, Equatable {
    var uris: [String] = []
    var dns: [String] = []
    /// IP addresses as 4 or 16 bytes.
    var addresses: [[UInt8]] = []

    init() {}

    /// Reads the names and frees them; nil stands for an absent extension.
    init(taking names: OpaquePointer?) {
        guard let names else { return }
        defer { GENERAL_NAMES_free(names) }
        uris = AlternativeNames.read(names, GEN_URI).map { String(decoding: $0, as: UTF8.self) }
        dns = AlternativeNames.read(names, GEN_DNS).map { String(decoding: $0, as: UTF8.self) }
        addresses = AlternativeNames.read(names, GEN_IPADD)
    }

    private static func read(_ names: OpaquePointer, _ type: Int32) -> [[UInt8]] {
        var found: [[UInt8]] = []
        while true {
            var start: UnsafePointer<UInt8>?
            let count = shim_alternative_name(names, type, Int32(found.count), &start)
            guard count >= 0 else { return found }
            found.append(Array(UnsafeBufferPointer(start: start, count: Int(count))))
        }
    }

    /// Whether a host, given as people write it, is among the DNS names or addresses.
    func contains(host: String) -> Bool {
        if let address = AlternativeNames.address(host) { return addresses.contains(address) }
        return dns.contains { $0.lowercased() == host.lowercased() }
    }

    /// The 4 or 16 bytes of an IP address; nil for anything else.
    static func address(_ text: String) -> [UInt8]? {
        ERR_clear_error()
        guard let octets = a2i_IPADDRESS(text) else {
            ERR_clear_error()
            return nil
        }
        defer { ASN1_OCTET_STRING_free(octets) }
        let count = Int(ASN1_STRING_length(octets))
        return Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(octets), count: count))
    }

    /// Whether a text is a DNS host name: labels of letters, digits and inner hyphens, at most 253 bytes.
    static func isHostName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
            label in
            (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
                && label.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                        || $0 == 0x2D || $0 == 0x5F
                }
        }
    }
}
