package import Randomness

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A rule that divides a set among clients.
///
/// In settings: `{"rule": "byTopic"}`, `{"rule": "dirichlet", "alpha": 0.5}`, `{"rule": "iid"}`.
package enum Partition: Sendable, Equatable {
    /// Each topic to one client, round robin in the order of their names; with more clients than
    /// topics, the clients of a topic share it.
    case byTopic
    /// Each topic in proportions drawn from a symmetric Dirichlet distribution (Hsu, Qi and Brown,
    /// arXiv:1909.06335): a small alpha gives each client few topics, a large one is like `iid`.
    case dirichlet(alpha: Double)
    /// At random and equally.
    case iid

    /// The indices of each part in ascending order: disjoint, and together all of them.
    ///
    /// - Parameters:
    ///   - topics: The topic of each item.
    ///   - parts: How many parts; some may be empty.
    ///   - stream: Where random numbers are drawn from.
    package func split(topics: [String], parts: Int, from stream: inout RandomStream) -> [[Int]] {
        precondition(parts > 0, "Partition.split: \(parts) parts")
        var result = [[Int]](repeating: [], count: parts)
        switch self {
        case .iid:
            var order = Array(topics.indices)
            stream.shuffle(&order)
            for (place, index) in order.enumerated() { result[place % parts].append(index) }
        case .byTopic:
            let byTopic = Partition.grouped(topics)
            for (number, group) in byTopic.enumerated() {
                let owners = Array(stride(from: number % parts, to: parts, by: byTopic.count))
                for (place, index) in group.enumerated() {
                    result[owners[place % owners.count]].append(index)
                }
            }
        case .dirichlet(let alpha):
            precondition(alpha > 0 && alpha.isFinite, "Partition.dirichlet: alpha \(alpha) must be positive")
            for var group in Partition.grouped(topics) {
                stream.shuffle(&group)
                var start = 0
                var sum = 0.0
                for (part, proportion) in stream.dirichlet(alpha: alpha, count: parts).enumerated() {
                    sum += proportion
                    let cut = (sum * Double(group.count)).rounded()
                    let end = part == parts - 1 ? group.count : Swift.min(group.count, Int(cut))
                    result[part] += group[start..<Swift.max(start, end)]
                    start = Swift.max(start, end)
                }
            }
        }
        return result.map { $0.sorted() }
    }

    /// The indices of each topic, topics in the order of their UTF-8.
    private static func grouped(_ topics: [String]) -> [[Int]] {
        Dictionary(grouping: topics.indices) { topics[$0] }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map(\.value)
    }
}

extension Partition: Codable {
    private enum CodingKeys: String, CodingKey { case rule, alpha }

    /// Reads a rule; an unknown one is an error that lists those there are.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        switch try values.decode(String.self, forKey: .rule) {
        case "byTopic": self = .byTopic
        case "iid": self = .iid
        case "dirichlet":
            let alpha = try values.decode(Double.self, forKey: .alpha)
            guard alpha > 0, alpha.isFinite else {
                throw DecodingError.dataCorruptedError(
                    forKey: .alpha,
                    in: values,
                    debugDescription: "found \(alpha), expected a positive number"
                )
            }
            self = .dirichlet(alpha: alpha)
        case let other:
            throw DecodingError.dataCorruptedError(
                forKey: .rule,
                in: values,
                debugDescription: "found '\(other)', expected 'byTopic', 'dirichlet' or 'iid'"
            )
        }
    }

    /// Writes the rule as it is read.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .byTopic: try values.encode("byTopic", forKey: .rule)
        case .iid: try values.encode("iid", forKey: .rule)
        case .dirichlet(let alpha):
            try values.encode("dirichlet", forKey: .rule)
            try values.encode(alpha, forKey: .alpha)
        }
    }
}

extension RandomStream {
    /// Proportions from a symmetric Dirichlet distribution; they sum to 1.
    mutating func dirichlet(alpha: Double, count: Int) -> [Double] {
        // In logarithms, since gamma variates of a small shape underflow.
        let logs = (0..<count).map { _ in logGamma(shape: alpha) }
        let greatest = logs.max() ?? 0
        let weights = logs.map { exp($0 - greatest) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// The logarithm of a gamma variate of scale 1.
    ///
    /// Marsaglia and Tsang, "A simple method for generating gamma variables" (ACM TOMS 26, 2000); a
    /// shape below 1 takes a variate of shape + 1 times u^(1/shape).
    mutating func logGamma(shape: Double) -> Double {
        if shape < 1 { return logGamma(shape: shape + 1) + log(1 - uniform()) / shape }
        let d = shape - 1 / 3.0
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            if log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return log(d * v) }
        }
    }

    /// A standard normal variate (Box and Muller, 1958; one of the two is thrown away).
    private mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }
}
