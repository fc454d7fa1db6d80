/// What becomes of an array of an adapter when clients' updates are merged.
public enum AdapterPart: Sendable, Hashable {
    /// The weighted mean of the clients' arrays.
    case averaged
    /// Half of a low-rank pair that moves a weight by `B A`; the topology's `aggregation.delta` says how
    /// pairs are merged. Both halves name the same module, A `[r, in]` and B `[out, r]`.
    case lowRank(Factor, module: String)
    /// Whole numbers that are counted: what all clients counted in the round is added up, unweighted. Exact up
    /// to a magnitude of 2²⁴ = 16,777,216.
    case summed
    /// Stays on the client and never travels, such as a critic's head.
    case local

    /// The halves of a low-rank pair.
    public enum Factor: Sendable, Hashable {
        /// `[r, in]`.
        case a
        /// `[out, r]`.
        case b
    }
}

/// Names, shapes and parts of an adapter: what every adapter and every update of a run must have.
///
/// The one place where they are compared: a trainer, the coordinator and a checkpoint all ask `check`.
public struct AdapterLayout: Sendable, Hashable {
    /// One array without its values.
    public struct Entry: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The sizes of the dimensions, slowest first.
        public var shape: [Int]
        /// What becomes of it in a merge.
        public var part: AdapterPart

        /// Makes an entry.
        public init(name: String, shape: [Int], part: AdapterPart = .averaged) {
            self.name = name
            self.shape = shape
            self.part = part
        }
    }

    /// A low-rank pair: the weight moves by `B A`, `[out, r] × [r, in]`, times a constant.
    public struct Pair: Sendable, Hashable {
        /// The index of A `[r, in]` in `entries`.
        public let a: Int
        /// The index of B `[out, r]` in `entries`.
        public let b: Int
        /// r.
        public let rank: Int
        /// in.
        public let input: Int
        /// out.
        public let output: Int
    }

    /// The arrays, in ascending order of name.
    public let entries: [Entry]

    init(trusted entries: [Entry]) { self.entries = entries }

    /// Sorts the entries by name.
    ///
    /// - Throws: `AdapterFault` for a name that occurs twice.
    public init(_ entries: [Entry]) throws(AdapterFault) {
        let sorted = entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.name == second.name {
            throw .repeated(first.name)
        }
        self.entries = sorted
    }

    /// The layout of what travels: without local arrays.
    public var travelling: AdapterLayout { AdapterLayout(trusted: entries.filter { $0.part != .local }) }

    /// Throws unless another layout has the same names and shapes; parts are this layout's affair.
    ///
    /// - Throws: `AdapterFault` naming the first array that differs.
    public func check(_ other: AdapterLayout) throws(AdapterFault) {
        var position = 0
        for found in other.entries {
            guard position < entries.count else { throw .unexpected(found.name) }
            let wanted = entries[position]
            guard found.name == wanted.name else {
                throw wanted.name.utf8.lexicographicallyPrecedes(found.name.utf8)
                    ? .missing(wanted.name) : .unexpected(found.name)
            }
            guard found.shape == wanted.shape else {
                throw .wrongShape(found.name, expected: wanted.shape, found: found.shape)
            }
            position += 1
        }
        if position < entries.count { throw .missing(entries[position].name) }
    }

    /// The arrays of another adapter with this layout's parts.
    ///
    /// - Throws: `AdapterFault` naming the first array that differs.
    public func apply(to adapter: AdapterWeights) throws(AdapterFault) -> AdapterWeights {
        try check(adapter.layout)
        return AdapterWeights(
            zip(adapter.arrays, entries).map { array, entry in
                var array = array
                array.part = entry.part
                return array
            }
        )
    }

    /// The low-rank pairs, in the order of their A halves.
    ///
    /// - Throws: `AdapterFault` for a half without its other, or halves that do not fit.
    public func pairs() throws(AdapterFault) -> [Pair] {
        var halves: [String: (a: Int?, b: Int?)] = [:]
        for (index, entry) in entries.enumerated() {
            guard case .lowRank(let factor, let module) = entry.part else { continue }
            var pair = halves[module] ?? (nil, nil)
            guard (factor == .a ? pair.a : pair.b) == nil else {
                throw .badPair(entry.name, reason: "'\(module)' has this half twice")
            }
            if factor == .a { pair.a = index } else { pair.b = index }
            halves[module] = pair
        }
        var pairs: [Pair] = []
        for (module, half) in halves {
            guard let a = half.a, let b = half.b else {
                let there = half.a ?? half.b ?? 0
                throw .badPair(entries[there].name, reason: "the other half of '\(module)' is missing")
            }
            let (shapeA, shapeB) = (entries[a].shape, entries[b].shape)
            guard shapeA.count == 2, shapeB.count == 2, shapeA[0] == shapeB[1] else {
                throw .badPair(
                    entries[a].name,
                    reason: "A \(shapeA) and B \(shapeB) are not [r, in] and [out, r]"
                )
            }
            pairs.append(Pair(a: a, b: b, rank: shapeA[0], input: shapeA[1], output: shapeB[0]))
        }
        return pairs.sorted { $0.a < $1.a }
    }

    /// The indices of the arrays of one part.
    public func indices(of part: AdapterPart) -> [Int] { entries.indices.filter { entries[$0].part == part } }
}

/// An adapter or an update that does not have the layout it must have.
public enum AdapterFault: Error, Equatable, CustomStringConvertible {
    /// An array that the layout has is not there.
    case missing(String)
    /// An array that the layout does not have.
    case unexpected(String)
    /// An array occurs twice.
    case repeated(String)
    /// An array has another shape.
    case wrongShape(String, expected: [Int], found: [Int])
    /// A half of a low-rank pair lacks its other half, or the two do not fit.
    case badPair(String, reason: String)
    /// A value that is a NaN, an infinity, or no count where counts are summed; its index is in row-major order.
    case badValue(String, index: Int, reason: String)
    /// Anything else that is wrong with it.
    case unusable(String)

    /// What is wrong, with the array's name.
    public var description: String {
        switch self {
        case .missing(let name): "adapter: the array '\(name)' is missing"
        case .unexpected(let name): "adapter: the array '\(name)' is not part of it"
        case .repeated(let name): "adapter: the array '\(name)' occurs twice"
        case .wrongShape(let name, let expected, let found):
            "adapter: the array '\(name)' has shape \(found), expected \(expected)"
        case .badPair(let name, let reason): "adapter: '\(name)': \(reason)"
        case .badValue(let name, let index, let reason):
            "adapter: the array '\(name)' \(reason) at value \(index)"
        case .unusable(let reason): "adapter: \(reason)"
        }
    }
}
