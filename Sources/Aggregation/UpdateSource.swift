package import Contract

/// A client's update whose arrays are read one at a time: one in memory, or one that is decoded from where it is
/// stored.
package protocol UpdateSource: Sendable {
    /// Names, shapes and parts of its arrays, none of them local.
    var layout: AdapterLayout { get }

    /// Reads the values of one array.
    ///
    /// - Parameters:
    ///   - index: The array's place in the layout.
    ///   - values: Becomes the array's values, row-major. Memory of the right size is used again.
    func read(_ index: Int, into values: inout [Float]) throws
}

extension UpdateSource {
    /// The Euclidean norm of all arrays together, counts left out; see `AdapterWeights.norm`.
    package func norm() throws -> Double {
        var square = 0.0
        var values: [Float] = []
        for (index, entry) in layout.entries.enumerated() where entry.part != .summed {
            try read(index, into: &values)
            AdapterWeights.addSquares(of: values, to: &square)
        }
        return square.squareRoot()
    }
}

extension AdapterWeights: UpdateSource {
    /// Takes the array of that index.
    package func read(_ index: Int, into values: inout [Float]) { values = arrays[index].values }
}
