/// A count of the repeated fields of an encoded protobuf message, taken before the parse.
///
/// An empty sub-message costs two bytes on the wire and some hundred in memory. Counting first
/// keeps that factor from a peer, and costs one pass over the tags.
struct Census {
    /// The number of the field.
    let field: Int
    /// The name of the limit in `Limits`.
    let limit: String
    /// How often the field may occur in one message.
    let maximum: Int
    /// The repeated fields of the field's own message.
    var nested: [Census] = []

    /// Throws `limitExceeded` if a field occurs too often, `malformed` if the bytes are no protobuf.
    static func check(_ bytes: ArraySlice<UInt8>, _ rules: [Census], name: String) throws(WireError) {
        guard !rules.isEmpty else { return }
        var counts = [Int](repeating: 0, count: rules.count)
        var rest = bytes
        while !rest.isEmpty {
            let tag = try varint(&rest, name: name)
            let length: Int
            switch tag & 7 {
            case 0:
                _ = try varint(&rest, name: name)
                continue
            case 1: length = 8
            case 2: length = Int(clamping: try varint(&rest, name: name))
            case 5: length = 4
            default: throw .malformed(message: name, reason: "protobuf wire type \(tag & 7)")
            }
            guard length <= rest.count else {
                throw .malformed(message: name, reason: "a field ends beyond the message")
            }
            let content = rest.prefix(length)
            rest = rest.dropFirst(length)
            guard let rule = rules.firstIndex(where: { UInt64($0.field) == tag >> 3 }) else { continue }
            counts[rule] += 1
            guard counts[rule] <= rules[rule].maximum else {
                throw .limitExceeded(
                    limit: rules[rule].limit,
                    value: counts[rule],
                    maximum: rules[rule].maximum
                )
            }
            try check(content, rules[rule].nested, name: name)
        }
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>, name: String) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst() {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
            guard shift < 64 else { break }
        }
        throw .malformed(message: name, reason: "a number has no end")
    }
}
