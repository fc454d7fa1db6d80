/// A regular expression over the path of a module, as PEFT's configurations have them, matched against the whole of it.
///
/// Known are characters, `.`, classes, `\d`, `\w` and `\s`, groups, alternatives, repetitions and `^` and `$`. Every part
/// is asked for all the places where it can end at once, so that no pattern takes longer than its length times the
/// square of the path's.
struct PathPattern {
    /// What is not known here.
    struct Fault: Error {
        /// The construct.
        let construct: String
    }

    private indirect enum Node {
        case character((UInt8) -> Bool)
        case sequence([Node])
        case alternatives([Node])
        case repetition(Node, least: Int, most: Int)
        case start, end
    }

    private static let lengthMax = 1000
    private static let depthMax = 50
    private static let repetitionsMax = 1000

    private let root: Node

    /// Reads a pattern.
    ///
    /// - Throws: `Fault` for a construct that is not known.
    init(_ pattern: String) throws(Fault) {
        var reader = Reader(bytes: Array(pattern.utf8))
        guard reader.bytes.count <= Self.lengthMax else {
            throw Fault(construct: "more than \(Self.lengthMax) characters")
        }
        root = try reader.alternatives(depth: 0)
        if reader.index < reader.bytes.count { throw Fault(construct: "a ')' too many") }
    }

    /// Whether the pattern matches the whole of a path.
    func matches(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        return Self.ends(of: root, from: [0], bytes).contains(bytes.count)
    }

    /// Whether a pattern matches a path or its last parts, as the keys of `rank_pattern` do.
    static func matches(_ key: String, endOf path: String) throws(Fault) -> Bool {
        try PathPattern("(.*\\.)?(\(key))").matches(path)
    }

    private static func ends(of node: Node, from starts: Set<Int>, _ bytes: [UInt8]) -> Set<Int> {
        switch node {
        case .character(let isMeant):
            return Set(starts.lazy.filter { $0 < bytes.count && isMeant(bytes[$0]) }.map { $0 + 1 })
        case .sequence(let parts): return parts.reduce(starts) { ends(of: $1, from: $0, bytes) }
        case .alternatives(let parts):
            return parts.reduce(into: []) { $0.formUnion(ends(of: $1, from: starts, bytes)) }
        case .repetition(let part, let least, let most):
            var (places, count) = (starts, 0)
            while count < least, !places.isEmpty {
                places = ends(of: part, from: places, bytes)
                count += 1
            }
            var (all, fresh) = (places, places)
            while count < most, !fresh.isEmpty {
                fresh = ends(of: part, from: fresh, bytes).subtracting(all)
                all.formUnion(fresh)
                count += 1
            }
            return all
        case .start: return starts.intersection([0])
        case .end: return starts.intersection([bytes.count])
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

        mutating func alternatives(depth: Int) throws(Fault) -> Node {
            guard depth <= PathPattern.depthMax else { throw Fault(construct: "groups nested so deeply") }
            var parts = [try sequence(depth)]
            while current == UInt8(ascii: "|") {
                index += 1
                parts.append(try sequence(depth))
            }
            return parts.count == 1 ? parts[0] : .alternatives(parts)
        }

        private mutating func sequence(_ depth: Int) throws(Fault) -> Node {
            var parts: [Node] = []
            while let byte = current, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
                parts.append(try repeated(atom(depth)))
            }
            return .sequence(parts)
        }

        private mutating func repeated(_ atom: Node) throws(Fault) -> Node {
            var (least, most) = (1, 1)
            switch current {
            case UInt8(ascii: "*"): (least, most) = (0, .max)
            case UInt8(ascii: "+"): (least, most) = (1, .max)
            case UInt8(ascii: "?"): (least, most) = (0, 1)
            case UInt8(ascii: "{"):
                guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else { fallthrough }
                let bounds = bytes[index + 1..<end].split(
                    separator: UInt8(ascii: ","),
                    omittingEmptySubsequences: false
                ).map { String(decoding: $0, as: UTF8.self) }
                guard (1...2).contains(bounds.count), let from = Int(bounds[0].isEmpty ? "0" : bounds[0]),
                    let to = bounds.count == 1 ? from : bounds[1].isEmpty ? Int.max : Int(bounds[1]),
                    from >= 0, from <= PathPattern.repetitionsMax, to >= from
                else { throw Fault(construct: "the repetition '{\(bounds.joined(separator: ","))}'") }
                (least, most) = (from, to)
                index = end
            default: return atom
            }
            index += 1
            // Lazy or not, the same texts match.
            if current == UInt8(ascii: "?") { index += 1 }
            if let byte = current, "*+?{".utf8.contains(byte) {
                throw Fault(construct: "two repetitions in a row")
            }
            return .repetition(atom, least: least, most: most)
        }

        private mutating func atom(_ depth: Int) throws(Fault) -> Node {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "."): return .character { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "^"): return .start
            case UInt8(ascii: "$"): return .end
            case UInt8(ascii: "["): return .character(try set())
            case UInt8(ascii: "\\"): return .character(try escape())
            case UInt8(ascii: "("):
                try openGroup()
                let inner = try alternatives(depth: depth + 1)
                guard current == UInt8(ascii: ")") else { throw Fault(construct: "a '(' without its ')'") }
                index += 1
                return inner
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
                throw Fault(construct: "a repetition of nothing")
            default: return .character { $0 == byte }
            }
        }

        private mutating func openGroup() throws(Fault) {
            guard current == UInt8(ascii: "?") else { return }
            let rest = bytes[(index + 1)...]
            if rest.first == UInt8(ascii: ":") {
                index += 2
            } else if rest.starts(with: Array("P<".utf8)), let end = rest.firstIndex(of: UInt8(ascii: ">")) {
                index = end + 1
            } else {
                throw Fault(
                    construct: "the group '(\(String(decoding: bytes[index...].prefix(2), as: UTF8.self))'"
                )
            }
        }

        private mutating func escape() throws(Fault) -> (UInt8) -> Bool {
            guard let byte = current else { throw Fault(construct: "a '\\' at the end") }
            index += 1
            func isWord(_ byte: UInt8) -> Bool {
                97...122 ~= byte | 32 || 48...57 ~= byte || byte == UInt8(ascii: "_")
            }
            switch byte {
            case UInt8(ascii: "d"): return { 48...57 ~= $0 }
            case UInt8(ascii: "D"): return { !(48...57 ~= $0) }
            case UInt8(ascii: "w"): return isWord
            case UInt8(ascii: "W"): return { !isWord($0) }
            case UInt8(ascii: "s"): return { $0 == 32 || 9...13 ~= $0 }
            case UInt8(ascii: "S"): return { !($0 == 32 || 9...13 ~= $0) }
            default:
                guard !isWord(byte), byte < 128 else {
                    throw Fault(construct: "the escape '\\\(String(decoding: [byte], as: UTF8.self))'")
                }
                return { $0 == byte }
            }
        }

        private mutating func set() throws(Fault) -> (UInt8) -> Bool {
            let isNegated = current == UInt8(ascii: "^")
            if isNegated { index += 1 }
            var parts: [(UInt8) -> Bool] = []
            while let byte = current, byte != UInt8(ascii: "]") || parts.isEmpty {
                index += 1
                if byte == UInt8(ascii: "\\") {
                    parts.append(try escape())
                } else if current == UInt8(ascii: "-"), index + 1 < bytes.count,
                    bytes[index + 1] != UInt8(ascii: "]")
                {
                    let last = bytes[index + 1]
                    index += 2
                    guard last != UInt8(ascii: "\\"), byte <= last else {
                        throw Fault(construct: "a class's range")
                    }
                    parts.append { byte...last ~= $0 }
                } else {
                    parts.append { $0 == byte }
                }
            }
            guard current != nil else { throw Fault(construct: "a '[' without its ']'") }
            index += 1
            return { byte in parts.contains { $0(byte) } != isNegated }
        }
    }
}
