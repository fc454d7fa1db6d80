/// A JSON value.
enum JSONTree: Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    case array([JSONTree])
    /// The keys in the file's order.
    case object([(key: String, value: JSONTree)])

    static func == (left: JSONTree, right: JSONTree) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.boolean(let left), .boolean(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)):
            left.elementsEqual(right) { $0.key == $1.key && $0.value == $1.value }
        default: false
        }
    }

    /// What kind of value it is, for errors.
    var kind: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .number(let value): Int64(exactly: value).map(String.init) ?? "\(value)"
        case .text(let value): "'\(value.prefix(60))'"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// Reads JSON front to back. Vocabularies of some hundred thousand entries are read without a value for each.
struct JSONReader {
    /// Where a file is no JSON, or holds something else than was expected.
    struct Fault: Error, Equatable {
        /// What was found.
        let found: String
        /// What was expected.
        let expected: String
        /// The key it stands under, if it is known.
        var key: String?
    }

    private static let depthMax = 64

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    /// Begins at the start of a file, behind a byte order mark if there is one.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    /// The value that a whole file holds.
    static func value(of bytes: [UInt8]) throws(Fault) -> JSONTree {
        var reader = JSONReader(bytes)
        let value = try reader.value()
        try reader.end()
        return value
    }

    /// Throws when something follows the value.
    mutating func end() throws(Fault) {
        if peek() != nil { throw fault("the end of the file") }
    }

    /// The first byte of the next value or sign, which tells what it is; nil at the end.
    mutating func peek() -> UInt8? {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Reads an object and calls `body` for each key, which must read the value.
    mutating func object(
        _ body: (inout JSONReader, _ key: String) throws(Fault) -> Void
    ) throws(Fault) {
        try items("{", "}", "an object") { reader throws(Fault) in
            let key = try reader.text()
            try reader.expect(":")
            try body(&reader, key)
        }
    }

    /// Reads an array and calls `body` for each element, which must read it.
    mutating func array(_ body: (inout JSONReader) throws(Fault) -> Void) throws(Fault) {
        try items("[", "]", "an array", body)
    }

    /// Reads an object of integers, whose keys are appended to an array of bytes.
    ///
    /// - Parameters:
    ///   - buffer: Where the keys go.
    ///   - body: Takes where a key ends in the array, and its value.
    mutating func integers(
        keysTo buffer: inout [UInt8],
        _ body: (_ keyEnd: Int, _ value: Int) -> Void
    ) throws(Fault) {
        var keys: [UInt8] = []
        swap(&keys, &buffer)
        defer { swap(&keys, &buffer) }
        try items("{", "}", "an object") { reader throws(Fault) in
            let start = keys.count
            try reader.text(appendedTo: &keys)
            try reader.expect(":")
            do throws(Fault) {
                body(keys.count, try reader.integer())
            } catch {
                let key = String(decoding: keys[start...], as: UTF8.self)
                throw Fault(found: error.found, expected: error.expected, key: key)
            }
        }
    }

    /// Reads any value.
    mutating func value() throws(Fault) -> JSONTree {
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [(key: String, value: JSONTree)] = []
            try object { reader, key throws(Fault) in members.append((key, try reader.value())) }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONTree] = []
            try array { reader throws(Fault) in elements.append(try reader.value()) }
            return .array(elements)
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"):
            try word("true")
            return .boolean(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .boolean(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default: return .number(try number())
        }
    }

    /// Reads a number.
    mutating func number() throws(Fault) -> Double {
        _ = peek()
        let start = index
        while index < bytes.count, index - start < 64 {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                index += 1
                continue
            default: break
            }
            break
        }
        guard isNumber(start..<index),
            let value = Double(String(decoding: bytes[start..<index], as: UTF8.self)),
            value.isFinite
        else {
            index = start
            throw fault("a value")
        }
        return value
    }

    /// Whether some signs begin and end as a number does.
    private func isNumber(_ range: Range<Int>) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let first = range.lowerBound + (range.isEmpty || bytes[range.lowerBound] != UInt8(ascii: "-") ? 0 : 1)
        guard first < range.upperBound, digits.contains(bytes[first]),
            digits.contains(bytes[range.upperBound - 1])
        else { return false }
        return bytes[first] != UInt8(ascii: "0") || first + 1 == range.upperBound
            || !digits.contains(bytes[first + 1])
    }

    /// Reads a number without a fraction.
    mutating func integer() throws(Fault) -> Int {
        _ = peek()
        let start = index
        var value = 0
        while index < bytes.count, bytes[index] >= 48, bytes[index] <= 57, index - start < 18 {
            value = value * 10 + Int(bytes[index] - 48)
            index += 1
        }
        let isPlain = index > start && (index == bytes.count || ![46, 69, 101].contains(bytes[index]))
        if isPlain, index - start < 18, isNumber(start..<index) { return value }
        index = start
        guard let byte = peek(), byte == UInt8(ascii: "-") || (48...57).contains(byte) else {
            throw Fault(found: try self.value().kind, expected: "an integer")
        }
        let number = try number()
        guard let value = Int(exactly: number) else {
            throw Fault(found: "\(number)", expected: "an integer")
        }
        return value
    }

    /// Reads a text.
    mutating func text() throws(Fault) -> String {
        guard peek() == UInt8(ascii: "\"") else { throw fault("a text") }
        var text: [UInt8] = []
        try self.text(appendedTo: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a text and appends its UTF-8.
    mutating func text(appendedTo buffer: inout [UInt8]) throws(Fault) {
        guard peek() == UInt8(ascii: "\"") else { throw Fault(found: try value().kind, expected: "a text") }
        index += 1
        let first = buffer.count
        var isASCII = true
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                guard isASCII || String(validating: buffer[first...], as: UTF8.self) != nil else {
                    throw Fault(found: "bytes that are not UTF-8 before byte \(index)", expected: "UTF-8")
                }
                return
            case UInt8(ascii: "\\"):
                index += 1
                try escape(&buffer)
            case ..<0x20: throw fault("a text without control characters")
            default:
                if byte >= 0x80 { isASCII = false }
                buffer.append(byte)
                index += 1
            }
        }
        throw fault("the end of a text")
    }

    private mutating func escape(_ buffer: inout [UInt8]) throws(Fault) {
        guard index < bytes.count else { throw fault("an escape") }
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if (0xD800..<0xDC00).contains(value), bytes[index...].starts(with: [0x5C, 0x75]) {
                index += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw fault("the second half of a pair") }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(value) else { throw fault("a pair of halves") }
            buffer += UTF8.encode(scalar).map(Array.init) ?? []
        default:
            index -= 1
            throw fault("an escape")
        }
    }

    private mutating func hexadecimal() throws(Fault) -> UInt32 {
        guard index + 4 <= bytes.count,
            let value = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16),
            bytes[index] != UInt8(ascii: "+")
        else { throw fault("four hexadecimal digits") }
        index += 4
        return value
    }

    private mutating func items(
        _ open: Unicode.Scalar,
        _ close: Unicode.Scalar,
        _ what: String,
        _ body: (inout JSONReader) throws(Fault) -> Void
    ) throws(Fault) {
        guard peek() == UInt8(ascii: open) else { throw Fault(found: try value().kind, expected: what) }
        index += 1
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("at most \(Self.depthMax) levels") }
        if peek() == UInt8(ascii: close) {
            index += 1
            return
        }
        while true {
            try body(&self)
            guard let byte = peek() else { throw fault("'\(close)'") }
            if byte == UInt8(ascii: close) {
                index += 1
                return
            }
            try expect(",")
        }
    }

    private mutating func expect(_ sign: Unicode.Scalar) throws(Fault) {
        guard peek() == UInt8(ascii: sign) else { throw fault("'\(sign)'") }
        index += 1
    }

    private mutating func word(_ word: String) throws(Fault) {
        guard bytes[index...].starts(with: word.utf8) else { throw fault("a value") }
        index += word.utf8.count
    }

    private func fault(_ expected: String) -> Fault {
        guard index < bytes.count else { return Fault(found: "the end of the file", expected: expected) }
        let byte = bytes[index]
        let sign = (0x21...0x7E).contains(byte) ? "'\(Unicode.Scalar(byte))'" : "the byte \(byte)"
        return Fault(found: "\(sign) at byte \(index)", expected: expected)
    }
}

/// The order in which JSON has its keys, which Foundation's decoder does not keep and Python's goes by.
package enum JSONKeyOrder {
    /// The keys of the object that the file's object has under a key, in the file's order; empty where there is none.
    package static func keys(under key: String, in bytes: [UInt8]) -> [String] {
        let whole: JSONTree
        do throws(JSONReader.Fault) {
            whole = try JSONReader.value(of: bytes)
        } catch {
            return []
        }
        // Of a key that is there twice the last value counts.
        guard case .object(let members) = whole,
            case .object(let inner)? = members.last(where: { $0.key == key })?.value
        else { return [] }
        return inner.map(\.key)
    }
}
