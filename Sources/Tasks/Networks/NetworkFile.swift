/// Reads a network from a file: an edge list, GML or CSV, by the file's extension.
///
/// * `.gml`: `graph [ node [ id 0 label "x" ] edge [ source 0 target 1 ] ]`; other attributes are passed
///   over.
/// * `.csv`: a header that names two columns `source`, `target` (or `from`, `to`; `u`, `v`), then one edge a
///   row; other columns are passed over.
/// * anything else: one edge a line, `u v` or `u v weight` between white space; `#` begins a comment. With a
///   comment that says `n=34` nodes are the numbers 0 ..< 34.
///
/// Nodes of edge lists and CSV are numbers or names, in the order of the numbers, or of appearance if one is
/// no number. Directions and weights are dropped, an edge that comes again counts once.
package enum NetworkFile {
    /// The largest file that is read, in bytes.
    package static let bytesMax = 256 << 20

    /// The network of a file, named by the file without folder and extension.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - largestComponent: Whether only the largest component is taken; otherwise a disconnected network is
    ///     an error.
    /// - Throws: `NetworkFault` naming the file and, where there is one, the line.
    package static func read(path: String, largestComponent: Bool = false) throws(NetworkFault) -> Network {
        let bytes: [UInt8]
        do {
            bytes = try RecordFile.load(path)
        } catch {
            if case .unreadable(_, let reason) = error { throw .unreadable(file: path, reason: reason) }
            throw .file(
                file: path,
                line: nil,
                found: "more than \(RecordFile.bytesMax) bytes",
                expected: "at most \(bytesMax)"
            )
        }
        return try parse(bytes, name: path, largestComponent: largestComponent)
    }

    /// The network in the bytes of a file.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - name: Its name, for the extension, the network's name and errors.
    ///   - largestComponent: Whether only the largest component is taken.
    /// - Throws: `NetworkFault` naming the file and, where there is one, the line.
    package static func parse(
        _ bytes: [UInt8],
        name: String,
        largestComponent: Bool = false
    ) throws(NetworkFault) -> Network {
        func fault(_ found: String, _ expected: String) -> NetworkFault {
            .file(file: name, line: nil, found: found, expected: expected)
        }
        guard bytes.count <= bytesMax else {
            throw fault("\(bytes.count) bytes", "at most \(bytesMax)")
        }
        let base = name.split(separator: "/").last.map(String.init) ?? name
        let parts = base.split(separator: ".")
        var graph: GraphText
        switch parts.count > 1 ? parts[parts.count - 1].lowercased() : "" {
        case "gml": graph = try GMLText.parse(bytes, name)
        case "csv": graph = try GraphText(csv: bytes, name)
        default: graph = try GraphText(edgeList: bytes, name)
        }
        guard !graph.edges.isEmpty else { throw fault("no edges", "at least one") }
        graph.sortNumbers()
        guard graph.labels.count <= Network.nodesMax else {
            throw fault("\(graph.labels.count) nodes", "at most \(Network.nodesMax)")
        }
        let isPlain = graph.labels.enumerated().allSatisfy { $1 == "\($0)" }
        let network = try Network(
            name: parts.count > 1 ? parts.dropLast().joined(separator: ".") : base,
            family: "file",
            nodes: graph.labels.count,
            edges: graph.edges,
            labels: isPlain ? [] : graph.labels
        )
        if largestComponent { return network.largestComponent() }
        let components = network.components
        guard components.allSatisfy({ $0 == 0 }) else {
            let largest = network.largestComponent().nodeCount
            throw fault(
                "\((components.max() ?? 0) + 1) components, the largest of \(largest) of "
                    + "\(network.nodeCount) nodes",
                "a connected network, or 'largestComponent: true'"
            )
        }
        return network
    }
}

/// The nodes and edges of a file while it is read.
struct GraphText {
    private let file: String
    /// The nodes' names in the order of their numbers.
    private(set) var labels: [String] = []
    private(set) var edges: [(Int, Int)] = []
    private var numbers: [String: Int] = [:]
    /// How many nodes the file says it has.
    private var declared: Int?

    init(file: String) { self.file = file }

    /// One edge a line.
    init(edgeList bytes: [UInt8], _ name: String) throws(NetworkFault) {
        self.init(file: name)
        for (index, raw) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let (line, text) = (index + 1, raw.prefix { $0 != UInt8(ascii: "#") })
            if text.count < raw.count { try readComment(raw.dropFirst(text.count + 1), line) }
            let words = text.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
                .map { String(decoding: $0, as: UTF8.self) }
            guard !words.isEmpty else { continue }
            guard words.count == 2 || words.count == 3 && Double(words[2]) != nil else {
                let found = "'\(String(words.joined(separator: " ").prefix(60)))'"
                throw fault(line, found, "two nodes, perhaps with a weight")
            }
            try add(words[0], words[1], line)
        }
    }

    /// A row for each edge, under a header.
    init(csv bytes: [UInt8], _ name: String) throws(NetworkFault) {
        self.init(file: name)
        let rows: [CSV.Row]
        do {
            rows = try CSV.rows(bytes, name)
        } catch {
            throw .file(file: name, line: nil, found: "\(error)", expected: "comma-separated values")
        }
        let header = (rows.first?.fields ?? []).map { field in
            let isMarked = field.hasPrefix("\u{FEFF}")
            return GraphText.trimmed(isMarked ? String(field.dropFirst()) : field).lowercased()
        }
        let known = [("source", "target"), ("from", "to"), ("u", "v")]
        guard let pair = known.first(where: { header.contains($0.0) && header.contains($0.1) }),
            let first = header.firstIndex(of: pair.0), let second = header.firstIndex(of: pair.1)
        else {
            let found =
                rows.isEmpty ? "an empty file" : "columns \(header.joined(separator: ", ").prefix(80))"
            throw fault(1, found, "a header with source and target, from and to, or u and v")
        }
        for row in rows.dropFirst() {
            guard row.fields.count == header.count else {
                throw fault(row.line, "\(row.fields.count) columns", "\(header.count), as in the header")
            }
            let (source, target) = (row.fields[first], row.fields[second])
            try add(GraphText.trimmed(source), GraphText.trimmed(target), row.line)
        }
    }

    private func fault(_ line: Int, _ found: String, _ expected: String) -> NetworkFault {
        .file(file: file, line: line, found: found, expected: expected)
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// A comment may say how many nodes there are.
    private mutating func readComment(_ text: ArraySlice<UInt8>, _ line: Int) throws(NetworkFault) {
        guard declared == nil, edges.isEmpty else { return }
        let words = String(decoding: text, as: UTF8.self).split { $0.isWhitespace || $0 == ";" || $0 == "," }
        guard let word = words.first(where: { $0.hasPrefix("n=") }) else { return }
        guard let count = Int(word.dropFirst(2)), (1...Network.nodesMax).contains(count) else {
            throw fault(line, "'\(word.prefix(40))'", "a number of nodes from 1 to \(Network.nodesMax)")
        }
        declared = count
        for node in 0..<count { try declare("\(node)", label: nil, line) }
    }

    /// Adds a node; edges between declared nodes go by `key`.
    mutating func declare(_ key: String, label: String?, _ line: Int) throws(NetworkFault) {
        guard numbers.updateValue(labels.count, forKey: key) == nil else {
            throw fault(line, "node \(key) again", "each node once")
        }
        labels.append(label ?? key)
    }

    /// Adds an edge between nodes that a file of undeclared nodes may name for the first time.
    private mutating func add(_ first: String, _ second: String, _ line: Int) throws(NetworkFault) {
        let ends = (try number(first, line), try number(second, line))
        try add(ends, first, line)
    }

    private mutating func number(_ key: String, _ line: Int) throws(NetworkFault) -> Int {
        guard !key.isEmpty else { throw fault(line, "an empty field", "a node") }
        if let number = numbers[key] { return number }
        if let declared {
            throw fault(line, "node '\(key.prefix(40))'", "one of the \(declared) nodes 0 to \(declared - 1)")
        }
        numbers[key] = labels.count
        labels.append(key)
        return labels.count - 1
    }

    /// Adds an edge between declared nodes.
    mutating func addDeclared(_ first: String, _ second: String, _ line: Int) throws(NetworkFault) {
        guard let source = numbers[first], let target = numbers[second] else {
            let unknown = numbers[first] == nil ? first : second
            throw fault(line, "an edge to node \(unknown)", "one of the \(labels.count) nodes of the file")
        }
        try add((source, target), first, line)
    }

    private mutating func add(_ ends: (Int, Int), _ name: String, _ line: Int) throws(NetworkFault) {
        guard ends.0 != ends.1 else {
            throw fault(line, "a self-loop at '\(name.prefix(40))'", "an edge between two nodes")
        }
        guard edges.count < Network.edgesMax else {
            throw fault(line, "more than \(Network.edgesMax) edges", "at most so many")
        }
        edges.append(ends)
    }

    /// If all names are numbers, numbers the nodes in the order of these.
    mutating func sortNumbers() {
        let values = labels.compactMap { Int($0) }
        guard values.count == labels.count, Set(values).count == values.count else { return }
        let order = values.indices.sorted { values[$0] < values[$1] }
        var place = [Int](repeating: 0, count: order.count)
        for (new, old) in order.enumerated() { place[old] = new }
        labels = order.map { labels[$0] }
        edges = edges.map { (place[$0.0], place[$0.1]) }
    }
}
