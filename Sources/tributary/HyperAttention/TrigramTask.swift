internal import Foundation
internal import Randomness

/// Sequences whose label a key and a query decide.
struct TrigramTask: Sendable {
    /// How many classes, keys and queries there are.
    static let classes = 8
    static let fillers = 48
    static let symbols = fillers + 2 * classes
    /// Twelve fillers, a key and a query.
    static let length = 14

    /// The label of each key and query, `[8, 8]`.
    let labels: [Int]

    /// The best logits of the form a[key] + b[query].
    struct Additive: Sendable {
        var accuracy: Double
        var crossEntropy: Double
    }

    /// A table of labels.
    init(seed: UInt64) {
        var stream = RandomStream(seed: seed, "trigram", "labels")
        labels = (0..<Self.classes * Self.classes).map { _ in stream.below(Self.classes) }
    }

    /// Draws sequences, `[B, 14]` one after another, with their labels.
    func draw(_ count: Int, using stream: inout RandomStream) -> (symbols: [Int32], labels: [Int]) {
        var (symbols, chosen): ([Int32], [Int]) = ([], [])
        for _ in 0..<count {
            let (key, query) = (stream.below(Self.classes), stream.below(Self.classes))
            let place = stream.below(Self.length - 1)
            for index in 0..<Self.length - 1 {
                symbols.append(
                    Int32(index == place ? Self.fillers + key : stream.below(Self.fillers))
                )
            }
            symbols.append(Int32(Self.fillers + Self.classes + query))
            chosen.append(labels[key * Self.classes + query])
        }
        return (symbols, chosen)
    }

    /// Softmax of rows of `classes` logits.
    static func softmax(_ logits: [Double]) -> [Double] {
        var result = logits
        let width = classes
        for first in stride(from: 0, to: logits.count, by: width) {
            let row = first..<first + width
            let largest = logits[row].max() ?? 0
            for index in row { result[index] = exp(logits[index] - largest) }
            let total = result[row].reduce(0, +)
            for index in row { result[index] /= total }
        }
        return result
    }

    /// Accuracy and cross-entropy of logits.
    static func score(_ logits: [Double], _ labels: [Int]) -> (accuracy: Double, crossEntropy: Double) {
        let probabilities = Self.softmax(logits)
        var (right, entropy) = (0, 0.0)
        for (row, label) in labels.enumerated() {
            let values = probabilities[row * classes..<(row + 1) * classes]
            if values.max() == values[values.startIndex + label] { right += 1 }
            entropy -= log(max(values[values.startIndex + label], 1e-300))
        }
        return (Double(right) / Double(labels.count), entropy / Double(labels.count))
    }

    /// The best additive logits for all pairs, each as likely as the others: a convex problem.
    func bestAdditive() -> Additive {
        let n = Self.classes
        var parameters = [Double](repeating: 0, count: 2 * n * n)
        var adam = DoubleAdam(count: parameters.count)
        var logits = [Double](repeating: 0, count: n * n * n)
        let steps = 3000
        for step in 0...steps {
            for pair in 0..<n * n {
                for c in 0..<n {
                    logits[pair * n + c] = parameters[pair / n * n + c] + parameters[(n + pair % n) * n + c]
                }
            }
            guard step < steps else { break }
            var slopes = Self.softmax(logits)
            for (pair, label) in labels.enumerated() { slopes[pair * n + label] -= 1 }
            var gradient = [Double](repeating: 0, count: parameters.count)
            for pair in 0..<n * n {
                for c in 0..<n {
                    let slope = slopes[pair * n + c] / Double(n * n)
                    gradient[pair / n * n + c] += slope
                    gradient[(n + pair % n) * n + c] += slope
                }
            }
            adam.step(&parameters, gradient: gradient, rate: 0.05)
        }
        let (accuracy, crossEntropy) = Self.score(logits, labels)
        return Additive(accuracy: accuracy, crossEntropy: crossEntropy)
    }
}
