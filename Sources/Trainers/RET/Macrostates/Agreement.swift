internal import Glibc

/// How far two labellings of the same things agree.
package enum Agreement {
    /// Normalised mutual information, I(a; b) / √(H(a) H(b)): 0 for independent ones, 1 where each tells the other; 0 where one
    /// is constant.
    package static func nmi(_ a: [Int32], _ b: [Int32]) -> Double {
        let table = Contingency(a, b)
        let (left, right) = (entropy(table.rows.values), entropy(table.columns.values))
        guard left > 0, right > 0 else { return 0 }
        let mutual = left + right - entropy(table.cells.values)
        return max(0, mutual / (left * right).squareRoot())
    }

    /// The adjusted Rand index: 0 for chance, 1 for the same partition; 1 where both are constant.
    package static func adjustedRand(_ a: [Int32], _ b: [Int32]) -> Double {
        let table = Contingency(a, b)
        func pairs(_ counts: some Sequence<Int>) -> Double {
            counts.reduce(0) { $0 + Double($1) * Double($1 - 1) / 2 }
        }
        let all = pairs([a.count])
        guard all > 0 else { return 1 }
        let (left, right) = (pairs(table.rows.values), pairs(table.columns.values))
        let expected = left * right / all
        let largest = (left + right) / 2
        guard largest > expected else { return 1 }
        return (pairs(table.cells.values) - expected) / (largest - expected)
    }

    /// The entropy of counts, in nats, summed in the order of the counts.
    private static func entropy(_ counts: some Sequence<Int>) -> Double {
        let sorted = counts.sorted()
        let total = Double(sorted.reduce(0, +))
        return sorted.reduce(0) { $0 - Double($1) / total * log(Double($1) / total) }
    }
}

/// Where in its text a state stands, as labels that groups are compared with.
package enum PositionBins {
    /// How many positions have a label in common: 16, and fewer where texts are short, so that there are about eight labels
    /// at least.
    package static func width(longest: Int) -> Int { max(1, min(16, longest / 8)) }

    /// The labels of all states.
    ///
    /// - Parameter lengths: How many states each text has.
    package static func labels(_ lengths: [Int]) -> [Int32] {
        let width = width(longest: lengths.max() ?? 0)
        return lengths.flatMap { (0..<$0).map { Int32($0 / width) } }
    }
}

/// How often two labels meet.
private struct Contingency {
    private(set) var cells: [SIMD2<Int32>: Int] = [:]
    private(set) var rows: [Int32: Int] = [:]
    private(set) var columns: [Int32: Int] = [:]

    init(_ a: [Int32], _ b: [Int32]) {
        precondition(a.count == b.count, "Agreement: \(a.count) and \(b.count) labels")
        for (left, right) in zip(a, b) {
            cells[SIMD2(left, right), default: 0] += 1
            rows[left, default: 0] += 1
            columns[right, default: 0] += 1
        }
    }
}
