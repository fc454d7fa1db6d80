internal import Randomness
internal import Tensors

/// A task whose interaction is a product over two features: T[μ, ν] = f1(a_μ, a_ν) · f2(b_μ, b_ν) · w_ν,
/// where entity μ = a · N2 + b.
struct FeatureTask: Sendable {
    /// The task, as tables and figures call it.
    let name: String
    /// N1 and N2.
    let sizes: (a: Int, b: Int)
    /// T, `[N1·N2, N1·N2]`.
    let table: [Double]
    /// The entities' names.
    let entities: [String]

    /// N1·N2.
    var domain: Int { sizes.a * sizes.b }
    /// N1 + N2: the width of two one-hot codes side by side.
    var width: Int { sizes.a + sizes.b }

    /// Predators and prey on a ring of twelve: those of the other kind within two steps count, predators +1
    /// and prey −1.
    static let predatorPrey: FeatureTask = {
        let (a, b) = (2, 12)
        return FeatureTask(
            name: "predator and prey",
            sizes: (a, b),
            table: (0..<a * b).flatMap { i in
                (0..<a * b).map { j in
                    let apart = abs(i % b - j % b)
                    let isNear = min(apart, b - apart) <= 2
                    return i / b != j / b && isNear ? (j / b == 1 ? 1 : -1) : 0
                }
            },
            entities: (0..<a * b).map { "\($0 / b == 1 ? "P" : "H")\($0 % b)" }
        )
    }()

    /// Gaussian f1, f2 of six values each, and w by the second feature.
    static func gaussian(seed: UInt64) -> FeatureTask {
        let size = 6
        var stream = RandomStream(seed: seed, "features", "task")
        let (f1, f2) = (stream.normals(size * size), stream.normals(size * size))
        let w = stream.normals(size)
        let domain = size * size
        return FeatureTask(
            name: "random factors",
            sizes: (size, size),
            table: (0..<domain).flatMap { i in
                (0..<domain).map { j in
                    f1[i / size * size + j / size] * f2[i % size * size + j % size] * w[j % size]
                }
            },
            entities: (0..<domain).map { "\($0 / size)\($0 % size)" }
        )
    }
}

/// The models that are compared on coupled features: all are sums over j of scores times values, without a
/// softmax.
enum FeatureModel: Sendable, Equatable {
    /// HyperFeatureAttention of order 2 with the product of two value maps (definition 5.1).
    case featureProduct
    /// Linear attention with some heads on the two one-hot codes.
    case linear(heads: Int)
    /// Linear attention with one head on a one-hot code of pairs of features.
    case productCode

    var name: String {
        switch self {
        case .featureProduct: "HFA, A = 2"
        case .linear(let heads): "SA, \(heads) linear heads"
        case .productCode: "SA, one-hot of pairs"
        }
    }
}

/// One model's parameters, and how it computes outputs with the operations of `Tensors`.
struct FeatureNet {
    let model: FeatureModel
    let task: FeatureTask
    /// Scores' and values' maps, factor by factor or all heads in one.
    let scores: [Tensor]
    let values: [Tensor]

    var parameters: [Tensor] { scores + values }
    var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// A model before training. The factors of HFA start near 1, where a product is neutral: an entity has
    /// two codes, so four entries of a score map add up to a score and two of a value map to a value.
    init(_ model: FeatureModel, _ task: FeatureTask, using stream: inout RandomStream) {
        self.model = model
        self.task = task
        let m = task.width
        switch model {
        case .featureProduct:
            scores = (0..<2).map { _ in .normal([m, m], mean: 0.25, deviation: 0.1, using: &stream) }
            values = (0..<2).map { _ in .normal([1, m], mean: 0.5, deviation: 0.1, using: &stream) }
        case .linear(let heads):
            scores = [.normal([heads * m, m], deviation: 0.3, using: &stream)]
            values = [.normal([heads, m], deviation: 0.3, using: &stream)]
        case .productCode:
            scores = [.normal([task.domain, task.domain], deviation: 0.3, using: &stream)]
            values = [.normal([1, task.domain], mean: 1, deviation: 0.1, using: &stream)]
        }
    }

    /// Outputs `[B·L]` for tuples.
    func outputs(_ tuples: EntityTuples, on tape: Tape) -> Tensor {
        let pattern = AttentionPattern.groups(tuples.count, of: tuples.length)
        let x = code(tuples.entities)
        let heads = values[0].rows
        let attend = { (factors: [ScoreFactor], v: Tensor) in
            tape.attention(
                factors: factors,
                v: v,
                pattern: pattern,
                heads: heads,
                keyValueHeads: heads,
                weighting: .sum
            )
        }
        let v = values.dropFirst().reduce(tape.linear(x, values[0])) { tape.multiply($0, tape.linear(x, $1)) }
        let keys = repeated(x, heads)
        let factors = scores.map { ScoreFactor(q: tape.linear(x, $0), k: keys, offset: 0, scale: 1) }
        let perHead = attend(factors, v)
        guard heads > 1 else { return perHead }
        let ones = Tensor(shape: [1, heads], values: [Float](repeating: 1, count: heads))
        return tape.linear(perHead, ones)
    }

    /// T, `[N, N]`, as the parameters have it: the output for entity μ of a tuple (μ, ν) is T[μ, μ] + T[μ,
    /// ν].
    func table() -> [Double] {
        let n = task.domain
        let width = scores[0].columns
        let x = code((0..<Int32(n)).map { $0 }).doubles
        let heads = values[0].rows
        let rows = { (map: Tensor, entity: Int) -> [Double] in
            let weights = map.doubles
            return (0..<map.rows).map { row in
                (0..<width).reduce(0) { $0 + weights[row * width + $1] * x[entity * width + $1] }
            }
        }
        let queries = scores.map { map in (0..<n).map { rows(map, $0) } }
        let worth = values.map { map in (0..<n).map { rows(map, $0) } }
        return (0..<n * n).map { index in
            let (i, j) = (index / n, index % n)
            return (0..<heads).reduce(0) { sum, head in
                let score = queries.reduce(1) { product, q in
                    product * (0..<width).reduce(0) { $0 + q[i][head * width + $1] * x[j * width + $1] }
                }
                return sum + score * worth.reduce(1) { $0 * $1[j][head] }
            }
        }
    }

    private func code(_ entities: [Int32]) -> Tensor {
        let width = scores[0].columns
        var x = [Float](repeating: 0, count: entities.count * width)
        for (row, entity) in entities.enumerated() {
            if model == .productCode {
                x[row * width + Int(entity)] = 1
            } else {
                x[row * width + Int(entity) / task.sizes.b] = 1
                x[row * width + task.sizes.a + Int(entity) % task.sizes.b] = 1
            }
        }
        return Tensor(shape: [entities.count, width], values: x)
    }

    private func repeated(_ x: Tensor, _ times: Int) -> Tensor {
        guard times > 1 else { return x }
        var values: [Float] = []
        values.reserveCapacity(x.count * times)
        for row in 0..<x.rows {
            for _ in 0..<times { values += x.values[row * x.columns..<(row + 1) * x.columns] }
        }
        return Tensor(shape: [x.rows, x.columns * times], values: values)
    }
}

extension FeatureTask {
    /// T of the least squared error among all sums of linear heads on the two one-hot codes, however many.
    ///
    /// Heads (x_iᵀ C x_j)(w·x_j) span g(a_i; a_j, b_j) + h(b_i; a_j, b_j), which is fitted in closed form.
    func bestLinearHeads(on tuples: EntityTuples) -> [Double] {
        let n = domain
        let features = { (i: Int, j: Int) in [i / sizes.b * n + j, (sizes.a + i % sizes.b) * n + j] }
        var fit = SparseLeastSquares(size: width * n)
        let targets = tuples.aggregate(table)
        for first in stride(from: 0, to: tuples.entities.count, by: tuples.length) {
            let tuple = tuples.entities[first..<first + tuples.length].map(Int.init)
            for (place, i) in tuple.enumerated() {
                fit.add(tuple.flatMap { features(i, $0) }, target: targets[first + place])
            }
        }
        let coefficients = fit.solution()
        return (0..<n * n).map { index in
            features(index / n, index % n).reduce(0) { $0 + coefficients[$1] }
        }
    }
}
