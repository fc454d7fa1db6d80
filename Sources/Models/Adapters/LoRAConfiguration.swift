package import Contract

/// What low-rank adapters a model gets: W x + (α/r) B A x on chosen linear maps
/// (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685).
package struct LoRAConfiguration: Codable, Sendable, Equatable {
    /// r, the rows of A and the columns of B.
    package var rank: Int
    /// α; the product B A is scaled by α/r.
    package var alpha: Double
    /// The linear maps, by their Hugging Face names such as `q_proj`.
    package var targets: [String]
    /// The blocks that get adapters, from 0; nil for all.
    package var layers: [Int]?

    /// Makes a configuration; `modules` says whether it is valid.
    package init(
        rank: Int = 8,
        alpha: Double = 16,
        targets: [String] = LinearModule.allCases.map(\.rawValue),
        layers: [Int]? = nil
    ) {
        self.rank = rank
        self.alpha = alpha
        self.targets = targets
        self.layers = layers
    }

    /// Reads a configuration; a missing key takes the default of `init`.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        rank = try values.decodeIfPresent(Int.self, forKey: .rank) ?? rank
        alpha = try values.decodeIfPresent(Double.self, forKey: .alpha) ?? alpha
        targets = try values.decodeIfPresent([String].self, forKey: .targets) ?? targets
        layers = try values.decodeIfPresent([Int].self, forKey: .layers)
    }

    /// α/r.
    package var scale: Float { Float(alpha / Double(rank)) }

    /// The largest rank.
    package static let rankMax = 4096

    /// The target modules in the order of `LinearModule.allCases`; throws when a value is out of range, a
    /// target is unknown or named twice.
    package func modules() throws(AdapterError) -> [LinearModule] {
        guard (1...Self.rankMax).contains(rank) else {
            throw .badConfiguration(key: "rank", detail: "\(rank) is not between 1 and \(Self.rankMax)")
        }
        guard alpha > 0, alpha <= 1e6 else {
            throw .badConfiguration(key: "alpha", detail: "\(alpha) is not above 0 and at most 1000000")
        }
        guard !targets.isEmpty, Set(targets).count == targets.count else {
            throw .badConfiguration(key: "targets", detail: "\(targets) is empty or names a module twice")
        }
        for target in targets where LinearModule(rawValue: target) == nil {
            let known = LinearModule.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badConfiguration(key: "targets", detail: "'\(target)' is not one of \(known)")
        }
        return LinearModule.allCases.filter { targets.contains($0.rawValue) }
    }

    /// The blocks that get adapters in a model of `layerCount` blocks, ascending; throws when one is not
    /// there.
    package func layers(of layerCount: Int) throws(AdapterError) -> [Int] {
        guard let layers else { return Array(0..<layerCount) }
        guard !layers.isEmpty, Set(layers).count == layers.count,
            layers.allSatisfy((0..<layerCount).contains)
        else {
            throw .badConfiguration(
                key: "layers",
                detail: "\(layers) is empty, names a block twice or one outside of 0 ..< \(layerCount)"
            )
        }
        return layers.sorted()
    }
}

/// Why an adapter does not fit.
package enum AdapterError: GivenFault, Equatable, CustomStringConvertible {
    /// Not what it should be.
    package var faultKind: FaultKind { .data }

    /// A key of the configuration has a value that cannot be used.
    case badConfiguration(key: String, detail: String)

    /// One line that names the key or the array.
    package var description: String {
        switch self {
        case .badConfiguration(let key, let detail): "adapter: \(key): \(detail)"
        }
    }
}
