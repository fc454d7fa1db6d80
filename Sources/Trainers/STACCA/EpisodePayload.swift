internal import Contract
package import Tasks

/// What travels in a public step. An item is a whole public network with a seed, so that a client needs no public data; a
/// response is the actions of an episode on it, from which whoever has the item replays everything else.
package enum EpisodePayload {
    /// The most nodes of a public network.
    package static let nodesMax = 4096

    /// The most edges of a public network: eight bytes each, beside what else an item has.
    package static let edgesMax = (ExchangeLimits.itemBytesMax - 1024) / 8

    /// A public network, what is particular to it, and the seed of what happens on it.
    package struct Item: Sendable, Equatable {
        /// The network.
        package var network: Network
        /// The numbers that are particular to it, in the order of the environment's `particularNames`.
        package var particulars: [Double]
        /// The seed of start and noise.
        package var seed: UInt64
    }

    /// n, the number of edges, the seed, the edges, and the particular numbers as 64-bit floating point: 32-bit words
    /// in little-endian order.
    package static func encode(_ item: Item) -> [UInt8] {
        let edges = item.network.edges
        let head = [
            UInt32(item.network.nodeCount), UInt32(edges.count), UInt32(truncatingIfNeeded: item.seed),
            UInt32(truncatingIfNeeded: item.seed >> 32),
        ]
        let numbers = item.particulars.flatMap { number in
            [UInt32(truncatingIfNeeded: number.bitPattern), UInt32(number.bitPattern >> 32)]
        }
        return (head + edges.flatMap { [UInt32($0.0), UInt32($0.1)] } + numbers).flatMap { word in
            withUnsafeBytes(of: word.littleEndian, Array.init)
        }
    }

    /// The item in some bytes; nil where they are none.
    package static func decode(_ bytes: [UInt8], nodesMax: Int) -> Item? {
        guard bytes.count >= 16, bytes.count % 4 == 0 else { return nil }
        let words = stride(from: 0, to: bytes.count, by: 4).map { offset in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
        }
        let (nodes, count) = (Int(words[0]), Int(words[1]))
        let first = 4 + 2 * count
        guard (1...nodesMax).contains(nodes), words.count >= first, (words.count - first) % 2 == 0 else {
            return nil
        }
        let edges = (0..<count).map { (Int(words[4 + 2 * $0]), Int(words[5 + 2 * $0])) }
        guard let network = try? Network(name: "public", nodes: nodes, edges: edges) else { return nil }
        func wide(_ place: Int) -> UInt64 { UInt64(words[place + 1]) << 32 | UInt64(words[place]) }
        return Item(
            network: network,
            particulars: stride(from: first, to: words.count, by: 2).map { Double(bitPattern: wide($0)) },
            seed: wide(2)
        )
    }

    /// `[T, n]` actions as bits, the first one lowest.
    package static func encode(actions: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (actions.count + 7) / 8)
        for (place, action) in actions.enumerated() where action == 1 { bytes[place / 8] |= 1 << (place % 8) }
        return bytes
    }

    /// So many actions from bits; nil for another number of bytes, or bits set behind the last action.
    package static func decode(actions bytes: [UInt8], count: Int) -> [UInt8]? {
        guard bytes.count == (count + 7) / 8 else { return nil }
        guard (count..<8 * bytes.count).allSatisfy({ bytes[$0 / 8] >> ($0 % 8) & 1 == 0 }) else { return nil }
        return (0..<count).map { bytes[$0 / 8] >> ($0 % 8) & 1 }
    }
}
