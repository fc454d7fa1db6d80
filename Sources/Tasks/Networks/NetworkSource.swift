package import Contract

/// Where a party's networks come from, as settings describe it: a value, or a list of values, under
/// `networks`.
///
/// `{family: barabasiAlbert, nodes: 20, count: 6, seed: 1}` are random graphs, `{file: grid.gml}` and
/// `{files: [a.edges, b.csv]}` are files, `{shipped: karate}` is a real network that is written down here.
/// Kinds are told apart by their keys. The same family, nodes and seed are the same graphs for everybody:
/// parties whose graphs shall differ need different seeds.
package enum NetworkSource: Sendable, Equatable {
    /// Random graphs, numbers `0 ..< count` of a seed.
    case generated(NetworkFamily, nodes: Int, count: Int, seed: UInt64)
    /// Files, of which only the largest component may be asked for.
    case files([String], largestComponent: Bool)
    /// A real network that is written down.
    case shipped(ShippedNetwork)

    /// The most graphs of one value.
    package static let countMax = 100_000

    /// The networks, in a fixed order.
    ///
    /// - Parameter resolve: Makes a path absolute.
    /// - Throws: `NetworkFault`.
    package func networks(_ resolve: (String) -> String = { $0 }) throws(NetworkFault) -> [Network] {
        switch self {
        case .generated(let family, let nodes, let count, let seed):
            guard (1...NetworkSource.countMax).contains(count) else {
                throw .invalid(
                    network: family.name,
                    field: "count",
                    found: "\(count)",
                    expected: "1 to \(NetworkSource.countMax)"
                )
            }
            var networks: [Network] = []
            for index in 0..<count {
                networks.append(try family.network(nodes: nodes, seed: seed, index: index))
            }
            return networks
        case .files(let paths, let largestComponent):
            var networks: [Network] = []
            for path in paths {
                networks.append(
                    try NetworkFile.read(path: resolve(path), largestComponent: largestComponent)
                )
            }
            return networks
        case .shipped(let network): return [try network.network()]
        }
    }

    /// The source that a short text names: `karate`, a family with nodes, seed and perhaps a count such as
    /// `barabasiAlbert:40:7` or `grid:80:1:3`, or else the path of a file.
    ///
    /// - Throws: `NetworkFault.invalid` for a family with other numbers.
    package init(text: String) throws(NetworkFault) {
        if let shipped = ShippedNetwork(rawValue: text) {
            self = .shipped(shipped)
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let kind = Kind(rawValue: parts[0]) else {
            self = .files([text], largestComponent: false)
            return
        }
        guard (3...4).contains(parts.count), let nodes = Int(parts[1]), let seed = UInt64(parts[2]),
            let count = parts.count == 4 ? Int(parts[3]) : 1
        else {
            throw .invalid(
                network: text,
                field: "family",
                found: "'\(text)'",
                expected: "FAMILY:NODES:SEED or FAMILY:NODES:SEED:COUNT"
            )
        }
        self = .generated(kind.standard, nodes: nodes, count: count, seed: seed)
    }
}

extension NetworkSource: Decodable {
    /// The families, as settings name them.
    private enum Kind: String, Codable, CaseIterable {
        case barabasiAlbert, wattsStrogatz, erdosRenyi, grid, stochasticBlock

        /// The family with the studies' parameters.
        var standard: NetworkFamily {
            switch self {
            case .barabasiAlbert: .barabasiAlbert(edges: 2)
            case .wattsStrogatz: .wattsStrogatz(neighbours: 4, rewiring: 0.1)
            case .erdosRenyi: .erdosRenyi(meanDegree: 4)
            case .grid: .grid
            case .stochasticBlock: .stochasticBlock(blocks: 4, inside: 3.5, between: 0.5)
            }
        }
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case family, file, files, shipped
        case nodes, count, seed
        case edges, neighbours, rewiring, meanDegree, blocks, inside, between
        case largestComponent

        static let kinds: [CodingKeys] = [.family, .file, .files, .shipped]
    }

    /// Reads any kind, told apart by its keys. Whoever reads strictly finds a key that the kind does not
    /// have.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let present = Set(values.allKeys)
        let found = CodingKeys.kinds.filter { present.contains($0) }
        guard found.count == 1 else {
            let names = found.map { "'\($0.stringValue)'" }.joined(separator: " and ")
            let text =
                "found \(found.isEmpty ? "none" : names) of 'family', 'file', 'files' and 'shipped', "
                + "expected one"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: text))
        }
        func optional<Value: Decodable>(_ key: CodingKeys, _ standard: Value) throws -> Value {
            try values.decodeIfPresent(Value.self, forKey: key) ?? standard
        }
        switch found[0] {
        case .file:
            self = .files(
                [try values.decode(String.self, forKey: .file)],
                largestComponent: try optional(.largestComponent, false)
            )
        case .files:
            let paths = try values.decode([String].self, forKey: .files)
            guard !paths.isEmpty else {
                throw DecodingError.dataCorruptedError(
                    forKey: .files,
                    in: values,
                    debugDescription: "found no files, expected at least one"
                )
            }
            self = .files(paths, largestComponent: try optional(.largestComponent, false))
        case .shipped: self = .shipped(try values.decode(ShippedNetwork.self, forKey: .shipped))
        default:
            var family = try values.decode(Kind.self, forKey: .family).standard
            switch family {
            case .barabasiAlbert(let edges): family = .barabasiAlbert(edges: try optional(.edges, edges))
            case .wattsStrogatz(let neighbours, let rewiring):
                family = .wattsStrogatz(
                    neighbours: try optional(.neighbours, neighbours),
                    rewiring: try optional(.rewiring, rewiring)
                )
            case .erdosRenyi(let meanDegree):
                family = .erdosRenyi(meanDegree: try optional(.meanDegree, meanDegree))
            case .grid: break
            case .stochasticBlock(let blocks, let inside, let between):
                family = .stochasticBlock(
                    blocks: try optional(.blocks, blocks),
                    inside: try optional(.inside, inside),
                    between: try optional(.between, between)
                )
            }
            self = .generated(
                family,
                nodes: try values.decode(Int.self, forKey: .nodes),
                count: try optional(.count, 1),
                seed: try values.decode(UInt64.self, forKey: .seed)
            )
        }
    }
}
