internal import Glibc

/// The cosines and sines of rotary position embedding: one row per position, one column per pair of a head.
///
/// Pair i of a head of size D turns at position p by p · base^(−2i/D) (Su et al., arXiv:2104.09864). The layout
/// is half-split, as in Hugging Face's Llama: pair i is the elements i and i + D/2. Where only R elements of a head
/// turn, R stands for D and the others stay as they are.
package struct RopeTable: Sendable {
    /// D, the size of a head.
    package let headSize: Int
    /// How many of a head's first elements turn; all of them but in models with partial rotary positions.
    package let rotarySize: Int
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
        self.init(
            headSize: headSize,
            frequencies: (0..<headSize / 2).map { pow(base, -2 * Double($0) / Double(headSize)) },
            positions: positions
        )
    }

    /// Computes a table of given frequencies.
    ///
    /// - Parameters:
    ///   - headSize: D, even.
    ///   - frequencies: What each of R/2 pairs turns by from one position to the next; R is at most D.
    ///   - magnitude: What turned pairs are multiplied by.
    ///   - positions: How many positions to cover.
    package init(headSize: Int, frequencies: [Double], magnitude: Double = 1, positions: Int) {
        precondition(
            headSize > 0 && headSize % 2 == 0 && 2 * frequencies.count <= headSize,
            "RopeTable: \(frequencies.count) pairs in heads of \(headSize)"
        )
        self.headSize = headSize
        self.positions = positions
        let half = frequencies.count
        rotarySize = 2 * half
        var cosines = [Float](repeating: 1, count: positions * half)
        var sines = [Float](repeating: 0, count: positions * half)
        for (pair, frequency) in frequencies.enumerated() {
            for position in 0..<positions {
                let angle = Double(position) * frequency
                cosines[position * half + pair] = Float(magnitude * cos(angle))
                sines[position * half + pair] = Float(magnitude * sin(angle))
            }
        }
        self.cosines = cosines
        self.sines = sines
    }
}
