internal import Foundation
internal import Randomness

/// Samples of a task over a finite domain: tuples of entities, with a target for each place.
///
/// Notes in the code are to arXiv:2506.06179, whose symbols are used: N entities, tuples of L, B tuples.
struct EntityTuples: Sendable {
    /// N: entities are 0 ..< N.
    let domain: Int
    /// L: how many entities a tuple has.
    let length: Int
    /// The tuples one after another, `[B, L]`.
    let entities: [Int32]

    /// B.
    var count: Int { entities.count / length }

    /// Draws tuples.
    ///
    /// - Parameter repeats: Whether an entity may be in a tuple twice. Where none may, every count of an
    ///   entity that is there is one, and the data are not versatile (Remark D.3).
    init(count: Int, domain: Int, length: Int, repeats: Bool = true, using stream: inout RandomStream) {
        self.domain = domain
        self.length = length
        var entities: [Int32] = []
        entities.reserveCapacity(count * length)
        let all = (0..<Int32(domain)).map { $0 }
        for _ in 0..<count {
            if repeats {
                for _ in 0..<length { entities.append(Int32(stream.below(domain))) }
            } else {
                entities += stream.choose(length, from: all)
            }
        }
        self.entities = entities
    }

    /// Targets `[B, L]` of aggregated pairwise interaction, y_i = Σ_j T[s(i), s(j)] (Eq. 2), j = i included.
    ///
    /// - Parameter table: T, `[N, N]`.
    func aggregate(_ table: [Double]) -> [Double] {
        var targets = [Double](repeating: 0, count: entities.count)
        for first in stride(from: 0, to: entities.count, by: length) {
            for i in first..<first + length {
                let row = Int(entities[i]) * domain
                var sum = 0.0
                for j in first..<first + length { sum += table[row + Int(entities[j])] }
                targets[i] = sum
            }
        }
        return targets
    }

    /// The column rank of the data matrix of some entities, S_{B_μ}: the rows are the entity counts of those
    /// tuples that contain μ. Data are versatile if it is N for every μ (Theorem 4.4).
    ///
    /// The rank of SᵀS is computed modulo a prime, which never gives more than the rank over the rationals.
    ///
    /// - Parameter chosen: The entities μ to look at.
    /// - Returns: One rank for each.
    func dataRanks(of chosen: [Int]) -> [Int] {
        var place = [Int?](repeating: nil, count: domain)
        for (index, entity) in chosen.enumerated() { place[entity] = index }
        let size = domain * domain
        var grams = [[UInt64]](repeating: [UInt64](repeating: 0, count: size), count: chosen.count)
        for first in stride(from: 0, to: entities.count, by: length) {
            let tuple = entities[first..<first + length].map(Int.init)
            // Σ over pairs of places adds s sᵀ.
            for entity in Set(tuple) {
                guard let index = place[entity] else { continue }
                for i in tuple { for j in tuple { grams[index][i * domain + j] += 1 } }
            }
        }
        return grams.map { Self.rank(of: $0, size: domain) }
    }

    private static func rank(of matrix: [UInt64], size: Int) -> Int {
        let prime: UInt64 = 2_147_483_647
        var m = matrix.map { $0 % prime }
        var rank = 0
        for column in 0..<size {
            guard let pivot = (rank..<size).first(where: { m[$0 * size + column] != 0 }) else { continue }
            if pivot != rank { for k in 0..<size { m.swapAt(pivot * size + k, rank * size + k) } }
            let inverse = power(m[rank * size + column], prime - 2, modulo: prime)
            for row in rank + 1..<max(size, rank + 1) where m[row * size + column] != 0 {
                let factor = prime - m[row * size + column] * inverse % prime
                for k in column..<size {
                    m[row * size + k] = (m[row * size + k] + factor * m[rank * size + k]) % prime
                }
            }
            rank += 1
        }
        return rank
    }

    private static func power(_ base: UInt64, _ exponent: UInt64, modulo prime: UInt64) -> UInt64 {
        var (result, factor, left) = (UInt64(1), base, exponent)
        while left > 0 {
            if left & 1 == 1 { result = result * factor % prime }
            factor = factor * factor % prime
            left >>= 1
        }
        return result
    }
}

extension RandomStream {
    /// A number from the standard normal distribution (Box and Muller).
    mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * .pi * uniform())
    }

    /// As many normal numbers as asked for.
    ///
    /// - Parameters:
    ///   - mean: Their mean.
    ///   - deviation: Their standard deviation.
    mutating func normals(_ count: Int, mean: Double = 0, deviation: Double = 1) -> [Double] {
        (0..<count).map { _ in mean + deviation * normal() }
    }
}
