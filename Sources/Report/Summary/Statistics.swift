/// The mean of some values and how well it is known.
package struct Statistics: Codable, Sendable, Equatable {
    /// How many values there were.
    package let count: Int
    /// Their mean; 0 if there were none.
    package let mean: Double
    /// The standard error of the mean (with n − 1); 0 for fewer than two values.
    package let standardError: Double

    /// Takes values in any order; sums in the order given.
    package init(_ values: [Double]) {
        count = values.count
        let sum = values.reduce(0, +)
        let mean = values.isEmpty ? 0 : sum / Double(values.count)
        self.mean = mean
        guard values.count > 1 else {
            standardError = 0
            return
        }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        standardError = (squares / Double(values.count - 1) / Double(values.count)).squareRoot()
    }
}
