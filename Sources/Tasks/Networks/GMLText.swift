/// Reads the Graph Modelling Language (Himsolt 1997): nested lists of keys and values.
enum GMLText {
    private enum Word: Equatable {
        case open
        case close
        case word(String)
        case quoted(String)
    }

    private struct Lexer {
        let bytes: [UInt8]
        let file: String
        private(set) var index = 0
        private(set) var line = 1

        init(bytes: [UInt8], file: String) {
            self.bytes = bytes
            self.file = file
        }

        func fault(_ found: String, _ expected: String) -> NetworkFault {
            .file(file: file, line: line, found: found, expected: expected)
        }

        mutating func next() throws(NetworkFault) -> Word? {
            while index < bytes.count {
                switch bytes[index] {
                case 0x0A: line += 1
                case 0x20, 0x09, 0x0D: break
                case UInt8(ascii: "#"): while index + 1 < bytes.count, bytes[index + 1] != 0x0A { index += 1 }
                case UInt8(ascii: "["):
                    index += 1
                    return .open
                case UInt8(ascii: "]"):
                    index += 1
                    return .close
                case UInt8(ascii: "\""): return .quoted(try quoted())
                default: return .word(word())
                }
                index += 1
            }
            return nil
        }

        private mutating func word() -> String {
            let ends: [UInt8] = [0x0A, 0x20, 0x09, 0x0D, UInt8(ascii: "["), UInt8(ascii: "]")]
            let start = index
            while index < bytes.count, !ends.contains(bytes[index]) { index += 1 }
            return String(decoding: bytes[start..<index], as: UTF8.self)
        }

        private mutating func quoted() throws(NetworkFault) -> String {
            let (start, first) = (index + 1, line)
            index = start
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                if bytes[index] == 0x0A { line += 1 }
                index += 1
            }
            guard index < bytes.count else {
                throw .file(
                    file: file,
                    line: first,
                    found: "a quotation mark without its end",
                    expected: "a closed one"
                )
            }
            index += 1
            return String(decoding: bytes[start..<index - 1], as: UTF8.self)
        }
    }

    /// The deepest nesting that is read.
    private static let depthMax = 32

    /// The graph of a file; nodes may come after the edges that need them.
    static func parse(_ bytes: [UInt8], _ name: String) throws(NetworkFault) -> GraphText {
        var lexer = Lexer(bytes: bytes, file: name)
        var graph = GraphText(file: name)
        var edges: [(source: String, target: String, line: Int)] = []
        var isFound = false
        while let word = try lexer.next() {
            guard case .word(let key) = word else { throw lexer.fault("no key", "a key such as 'graph'") }
            guard key == "graph" else {
                try skipValue(&lexer, 0)
                continue
            }
            guard !isFound else { throw lexer.fault("a second graph", "one") }
            isFound = true
            try open(&lexer, "graph")
            while let key = try self.key(&lexer) {
                switch key {
                case "node":
                    let line = lexer.line
                    let fields = try fields(&lexer, key, ["id", "label"])
                    guard let id = fields["id"] else {
                        throw .file(
                            file: name,
                            line: line,
                            found: "a node without 'id'",
                            expected: "a number"
                        )
                    }
                    try graph.declare(id, label: fields["label"], line)
                case "edge":
                    let line = lexer.line
                    let fields = try fields(&lexer, key, ["source", "target"])
                    guard let source = fields["source"], let target = fields["target"] else {
                        throw .file(
                            file: name,
                            line: line,
                            found: "an edge without 'source' or 'target'",
                            expected: "both"
                        )
                    }
                    edges.append((source, target, line))
                default: try skipValue(&lexer, 0)
                }
            }
        }
        guard isFound else {
            throw .file(file: name, line: nil, found: "no 'graph [ … ]'", expected: "one")
        }
        for edge in edges { try graph.addDeclared(edge.source, edge.target, edge.line) }
        return graph
    }

    private static func open(_ lexer: inout Lexer, _ key: String) throws(NetworkFault) {
        guard try lexer.next() == .open else { throw lexer.fault("no '[' after '\(key)'", "'\(key) [ … ]'") }
    }

    /// The next key of a list; nil at its end.
    private static func key(_ lexer: inout Lexer) throws(NetworkFault) -> String? {
        switch try lexer.next() {
        case .word(let key): return key
        case .close: return nil
        case .none: throw lexer.fault("the end of the file", "']'")
        case .open, .quoted: throw lexer.fault("a value without its key", "a key or ']'")
        }
    }

    /// Some scalar fields of a list.
    private static func fields(
        _ lexer: inout Lexer,
        _ list: String,
        _ wanted: [String]
    ) throws(NetworkFault) -> [String: String] {
        try open(&lexer, list)
        var fields: [String: String] = [:]
        while let key = try self.key(&lexer) {
            guard wanted.contains(key) else {
                try skipValue(&lexer, 0)
                continue
            }
            switch try lexer.next() {
            case .word(let value), .quoted(let value): fields[key] = value
            case .open, .close, .none: throw lexer.fault("no value of '\(key)'", "a number or a text")
            }
        }
        return fields
    }

    private static func skipValue(_ lexer: inout Lexer, _ depth: Int) throws(NetworkFault) {
        guard depth < depthMax else {
            throw lexer.fault("lists within \(depth) lists", "at most \(depthMax)")
        }
        switch try lexer.next() {
        case .word, .quoted: return
        case .open: while try key(&lexer) != nil { try skipValue(&lexer, depth + 1) }
        case .close, .none: throw lexer.fault("no value", "a number, a text or a list")
        }
    }
}
