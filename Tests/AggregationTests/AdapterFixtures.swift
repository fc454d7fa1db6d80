import Contract
import Randomness

@testable import Aggregation

/// Adapters with one low-rank pair and one dense array, filled from seeded streams.
struct AdapterFixture {
    var rank = 3
    var input = 11
    var output = 7
    var denseCount = 5

    static let a = "base_model.model.layers.0.q_proj.lora_A.weight"
    static let b = "base_model.model.layers.0.q_proj.lora_B.weight"
    static let dense = "head.bias"

    func adapter(_ seed: UInt64, _ label: String, scale: Double = 1, zeroB: Bool = false) -> AdapterWeights {
        func values(_ count: Int, _ name: String) -> [Float] {
            var stream = RandomStream(seed: seed, label, name)
            return (0..<count).map { _ in Float(scale * (2 * stream.uniform() - 1)) }
        }
        return AdapterWeights([
            NamedArray(
                name: Self.a,
                shape: [rank, input],
                values: values(rank * input, "a"),
                part: .lowRank(.a, module: "q_proj")
            ),
            NamedArray(
                name: Self.b,
                shape: [output, rank],
                values: zeroB ? [Float](repeating: 0, count: output * rank) : values(output * rank, "b"),
                part: .lowRank(.b, module: "q_proj")
            ),
            NamedArray(name: Self.dense, shape: [denseCount], values: values(denseCount, "dense")),
        ])
    }

    func contributions(_ seed: UInt64, _ count: Int, scale: Double = 0.3) -> [Contribution] {
        (0..<count).map { index in
            Contribution(
                client: "client-\(index)",
                delta: adapter(seed, "delta \(index)", scale: scale),
                examples: 10 + index * 7
            )
        }
    }
}

extension Contribution {
    /// The delta that a fixture was made with.
    var inMemory: AdapterWeights {
        guard let known = delta as? AdapterWeights else { preconditionFailure("not made by a fixture") }
        return known
    }
}

/// `B A`, `[out, in]` row-major, in Double: the product that the rules never form.
func product(of adapter: AdapterWeights) -> [Double] {
    guard let a = adapter[AdapterFixture.a], let b = adapter[AdapterFixture.b] else { return [] }
    let rank = a.shape[0]
    let input = a.shape[1]
    var result = [Double](repeating: 0, count: b.shape[0] * input)
    for row in 0..<b.shape[0] {
        for k in 0..<rank {
            let factor = Double(b.values[row * rank + k])
            for column in 0..<input {
                result[row * input + column] += factor * Double(a.values[k * input + column])
            }
        }
    }
    return result
}

func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

func difference(_ first: [Double], _ second: [Double]) -> [Double] {
    zip(first, second).map { $0 - $1 }
}

/// `Σ w_i x_i / Σ w_i`.
func mean(_ rows: [[Double]], weights: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: rows[0].count)
    for (row, weight) in zip(rows, weights) {
        for index in sum.indices { sum[index] += weight * row[index] }
    }
    let total = weights.reduce(0, +)
    return sum.map { $0 / total }
}

func doubles(_ array: NamedArray?) -> [Double] { (array?.values ?? []).map(Double.init) }
