import Foundation

@testable import Tensors

// The formulas of interaction attention (arXiv:2506.06179) as they are written down, in Double and without
// any thought of cost: what the fast operations are compared with.

/// A matrix of Doubles whose rows are cut into heads.
struct Rows {
    let count: Int
    let columns: Int
    var values: [Double]

    init(_ count: Int, _ columns: Int, _ value: (Int, Int) -> Double = { _, _ in 0 }) {
        self.count = count
        self.columns = columns
        values = (0..<count * columns).map { value($0 / columns, $0 % columns) }
    }

    init(_ tensor: Tensor) {
        self.init(tensor.rows, tensor.columns) { Double(tensor.values[$0 * tensor.columns + $1]) }
    }

    init(random count: Int, _ columns: Int, _ name: String) {
        let numbers = random(count * columns, name)
        self.init(count, columns) { Double(numbers[$0 * columns + $1]) }
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    var floats: [Float] { values.map(Float.init) }

    func map(_ transform: (Double) -> Double) -> Rows { Rows(count, columns) { transform(self[$0, $1]) } }
}

extension AttentionPattern {
    /// The keys that own row i of a segment sees: their columns in the segment, and their rows in the batch.
    func visible(segment index: Int, row i: Int) -> [(column: Int, row: Int)] {
        let (segment, mask) = (segments[index], masks.isEmpty ? nil : masks[index])
        let prefix = Array(segment.prefix ?? 0..<0)
        let keys = prefix + Array(segment.rows)
        return keys.indices.filter { column in
            let causal = !isCausal || column <= prefix.count + i
            return causal && (mask.map { $0.allowed[i * $0.columns + column] != 0 } ?? true)
        }.map { ($0, keys[$0]) }
    }

    /// Calls `body` with every segment and own row of it.
    func forEachRow(_ body: (_ segment: Int, _ own: Int, _ row: Int) -> Void) {
        for index in segments.indices {
            for (own, row) in segments[index].rows.enumerated() { body(index, own, row) }
        }
    }

    func bias(segment: Int, head: Int, own: Int, column: Int) -> Double {
        guard !biases.isEmpty, let bias = biases[segment] else { return 0 }
        return Double(bias.values[(head * bias.shape[1] + own) * bias.shape[2] + column])
    }
}

struct ReferenceFactor {
    var q: Rows
    var k: Rows
    var offset = 0.0
    var scale = 1.0
}

extension ReferenceFactor {
    init(_ factor: ScoreFactor) {
        self.init(
            q: Rows(factor.q),
            k: Rows(factor.k),
            offset: Double(factor.offset),
            scale: Double(factor.scale)
        )
    }
}

func softmax(_ scores: [Double]) -> [Double] {
    let largest = scores.max() ?? 0
    let exponentials = scores.map { exp($0 - largest) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
}

/// out_i = Σ_j w(z_ij) v_j with z_ij = Π_a (offset_a + scale_a q^a_i · k^a_j) + bias_ij.
func referenceAttention(
    _ factors: [ReferenceFactor],
    _ v: Rows,
    _ pattern: AttentionPattern,
    heads: Int,
    keyValueHeads: Int,
    weighting: AttentionWeighting = .softmax
) -> Rows {
    let size = v.columns / keyValueHeads
    var out = Rows(v.count, heads * size)
    pattern.forEachRow { segment, own, row in
        let visible = pattern.visible(segment: segment, row: own)
        for head in 0..<heads {
            let shared = head / (heads / keyValueHeads)
            let scores = visible.map { column, key in
                factors.reduce(1.0) { product, factor in
                    let size = factor.q.columns / heads
                    let dot = (0..<size).reduce(0.0) {
                        $0 + factor.q[row, head * size + $1] * factor.k[key, shared * size + $1]
                    }
                    return product * (factor.offset + factor.scale * dot)
                } + pattern.bias(segment: segment, head: head, own: own, column: column)
            }
            let weights =
                switch weighting {
                case .softmax: softmax(scores)
                case .sum: scores
                case .mean: scores.map { $0 / Double(visible.count) }
                }
            for (weight, (_, key)) in zip(weights, visible) {
                for d in 0..<size { out[row, head * size + d] += weight * v[key, shared * size + d] }
            }
        }
    }
    return out
}

/// All tuples with one element from each list.
func tuples<Element>(_ lists: [[Element]]) -> [[Element]] {
    lists.reduce([[]]) { tuples, list in tuples.flatMap { tuple in list.map { tuple + [$0] } } }
}

/// u_iσ = Σ_tuples A Π_m v^m[j_m, σ], A = softmax over all visible tuples of scale Σ_σ q[σ] Π_m k^m[j_m, σ] +
/// Σ_m bias[i, j_m] (definition 6.1).
func referenceHyper(
    _ q: Rows,
    _ keys: [Rows],
    _ values: [Rows],
    _ pattern: AttentionPattern,
    windows: [Int]? = nil,
    heads: Int,
    scale: Double
) -> Rows {
    let (R, size) = (q.columns / heads, values[0].columns / heads)
    var out = Rows(q.count, heads * size)
    pattern.forEachRow { segment, own, row in
        let position = (pattern.segments[segment].prefix?.count ?? 0) + own
        let visible = pattern.visible(segment: segment, row: own)
        let lists = keys.indices.map { m in
            visible.filter { $0.column > position - (windows?[m] ?? Int.max / 2) }
        }
        let all = tuples(lists)
        for head in 0..<heads {
            let scores = all.map { tuple in
                let dot = (0..<R).reduce(0.0) { sum, r in
                    sum
                        + keys.indices.reduce(q[row, head * R + r]) {
                            $0 * keys[$1][tuple[$1].row, head * R + r]
                        }
                }
                return tuple.reduce(scale * dot) {
                    $0 + pattern.bias(segment: segment, head: head, own: own, column: $1.column)
                }
            }
            for (weight, tuple) in zip(softmax(scores), all) {
                for c in head * size..<(head + 1) * size {
                    out[row, c] += values.indices.reduce(weight) { $0 * values[$1][tuple[$1].row, c] }
                }
            }
        }
    }
    return out
}

/// out_i[c] = Σ_tuples Σ_σ q[σ] Π_m k^m[j_m, σ] Π_m v^m[j_m, c], over included visible tuples.
func referenceHyperLinear(
    _ q: Rows,
    _ keys: [Rows],
    _ values: [Rows],
    _ pattern: AttentionPattern,
    heads: Int,
    divides: Bool = false,
    includes: ([Int]) -> Bool = { _ in true }
) -> Rows {
    let (R, size) = (q.columns / heads, values[0].columns / heads)
    var out = Rows(q.count, heads * size)
    pattern.forEachRow { segment, own, row in
        let visible = pattern.visible(segment: segment, row: own).map(\.row)
        let divisor = divides ? pow(Double(max(1, visible.count)), Double(keys.count)) : 1
        for tuple in tuples(keys.map { _ in visible }) where includes(tuple) {
            for head in 0..<heads {
                let score = (0..<R).reduce(0.0) { sum, r in
                    sum + keys.indices.reduce(q[row, head * R + r]) { $0 * keys[$1][tuple[$1], head * R + r] }
                }
                for c in head * size..<(head + 1) * size {
                    out[row, c] += values.indices.reduce(score / divisor) { $0 * values[$1][tuple[$1], c] }
                }
            }
        }
    }
    return out
}

/// The same by sums over the keys first: out_i[c] = Σ_σ q[σ] Π_m P_m[σ, c], P_m = Σ_visible k^m (v^m)ᵀ,
/// minus (k¹⊙k²⊙…)ᵀ(v¹⊙v²⊙…) if tuples of equal keys are to be left out.
func referenceHyperStates(
    _ q: Rows,
    _ keys: [Rows],
    _ values: [Rows],
    _ pattern: AttentionPattern,
    heads: Int,
    divides: Bool = false,
    dropsEqual: Bool = false
) -> Rows {
    let (R, size) = (q.columns / heads, values[0].columns / heads)
    var out = Rows(q.count, heads * size)
    pattern.forEachRow { segment, own, row in
        let visible = pattern.visible(segment: segment, row: own).map(\.row)
        let divisor = divides ? pow(Double(max(1, visible.count)), Double(keys.count)) : 1
        for head in 0..<heads {
            for c in head * size..<(head + 1) * size {
                for r in head * R..<(head + 1) * R {
                    var product = keys.indices.reduce(1.0) { product, m in
                        product * visible.reduce(0.0) { $0 + keys[m][$1, r] * values[m][$1, c] }
                    }
                    if dropsEqual {
                        product -= visible.reduce(0.0) { sum, j in
                            sum + keys.indices.reduce(1.0) { $0 * keys[$1][j, r] * values[$1][j, c] }
                        }
                    }
                    out[row, c] += q[row, r] * product / divisor
                }
            }
        }
    }
    return out
}
