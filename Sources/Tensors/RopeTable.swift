internal import Glibc

/// The cosines and sines of rotary position embedding: one row per position, one column per pair of a head.
///
/// Pair i of a head of size D turns at position p by p · base^(−2i/D) (Su et al., arXiv:2104.09864). The layout
/// is half-split, as in Hugging Face's Llama: pair i is the elements i and i + D/2.
package struct RopeTable: Sendable {
    /// D, the size of a head.
    package let headSize: Int
    /// How many positions the table covers, from 0.
    package let positions: Int
    let cosines: [Float]
    let sines: [Float]

    /// Computes a table.
    ///
    /// - Parameters:
    ///   - headSize: D, even.
    ///   - base: `rope_theta` of the model's configuration.
    ///   - positions: How many positions to cover.
    package init(headSize: Int, base: Double, positions: Int) {
        precondition(
            headSize > 0 && headSize % 2 == 0,
            "RopeTable: the head size must be even, found \(headSize)"
        )
        self.headSize = headSize
        self.positions = positions
        let half = headSize / 2
        var cosines = [Float](repeating: 1, count: positions * half)
        var sines = [Float](repeating: 0, count: positions * half)
        for pair in 0..<half {
            let frequency = pow(base, -2 * Double(pair) / Double(headSize))
            for position in 0..<positions {
                cosines[position * half + pair] = Float(cos(Double(position) * frequency))
                sines[position * half + pair] = Float(sin(Double(position) * frequency))
            }
        }
        self.cosines = cosines
        self.sines = sines
    }
}
