/// What federations and their members may be called: one rule for topology files, certificates and the wire, so that a
/// name is safe in URIs, paths, log lines and commands.
package enum NodeName {
    /// The rule in words.
    package static let rule = "1 to 63 letters a-z, digits and '-', with no '-' at either end"

    /// Whether a text is a name: a DNS label in lower case (RFC 1123).
    package static func isValid(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...Limits.nodeNameBytesMax).contains(bytes.count), bytes.first != UInt8(ascii: "-"),
            bytes.last != UInt8(ascii: "-")
        else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
