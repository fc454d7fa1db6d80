public import Exchange

/// What an update must be before a byte of it counts: the broadcast's names and shapes, finite, and
/// no larger than a bound.
public struct UpdateCheck: Sendable {
    private let names: [String]
    private let shapes: [[Int]]
    /// The largest Euclidean norm of a whole delta, or nil for no bound.
    public let normMax: Double?

    /// Takes the layout of the round's broadcast adapter.
    public init(layout broadcast: AdapterWeights, normMax: Double?) {
        names = broadcast.arrays.map(\.name)
        shapes = broadcast.arrays.map(\.shape)
        self.normMax = normMax
    }

    /// Checks a delta and returns its Euclidean norm, summed in Double.
    ///
    /// - Throws: ``UpdateFault`` naming the array.
    @discardableResult
    public func check(_ delta: AdapterWeights) throws(UpdateFault) -> Double {
        try checkLayout(names: delta.arrays.map(\.name), shapes: delta.arrays.map(\.shape))
        var square = 0.0
        for array in delta.arrays {
            for (index, value) in array.values.enumerated() {
                guard value.isFinite else { throw .notFinite(array: array.name, index: index) }
                square += Double(value) * Double(value)
            }
        }
        let norm = square.squareRoot()
        if let normMax, norm > normMax { throw .normTooLarge(norm: norm, limit: normMax) }
        return norm
    }

    /// Checks names and shapes alone, as a manifest states them before any value has arrived.
    ///
    /// - Parameters:
    ///   - names: The names in the manifest's order.
    ///   - shapes: The shapes in the same order.
    /// - Throws: ``UpdateFault`` naming the array.
    public func checkLayout(names offered: [String], shapes offeredShapes: [[Int]]) throws(UpdateFault) {
        precondition(offered.count == offeredShapes.count, "one shape for each name")
        var known: [String: [Int]] = [:]
        for (name, shape) in zip(names, shapes) { known[name] = shape }
        var seen: Set<String> = []
        for (name, shape) in zip(offered, offeredShapes) {
            guard let expected = known[name] else { throw .unexpectedArray(name) }
            guard seen.insert(name).inserted else { throw .repeatedArray(name) }
            guard shape == expected else { throw .wrongShape(array: name, expected: expected, found: shape) }
        }
        for name in names where !seen.contains(name) { throw .missingArray(name) }
    }
}

/// Why an update is refused.
public enum UpdateFault: Error, Equatable, CustomStringConvertible {
    /// An array of the broadcast adapter is not there.
    case missingArray(String)
    /// An array that the broadcast adapter does not have.
    case unexpectedArray(String)
    /// An array occurs twice.
    case repeatedArray(String)
    /// An array of another shape.
    case wrongShape(array: String, expected: [Int], found: [Int])
    /// A NaN or an infinity, at an index in row-major order.
    case notFinite(array: String, index: Int)
    /// The whole delta is larger than allowed.
    case normTooLarge(norm: Double, limit: Double)

    /// What is wrong, with the array's name and the limit.
    public var description: String {
        switch self {
        case .missingArray(let name): "array '\(name)' is missing"
        case .unexpectedArray(let name): "array '\(name)' is not part of the adapter"
        case .repeatedArray(let name): "array '\(name)' occurs twice"
        case .wrongShape(let array, let expected, let found):
            "array '\(array)' has shape \(found); expected \(expected)"
        case .notFinite(let array, let index): "array '\(array)' is not finite at value \(index)"
        case .normTooLarge(let norm, let limit): "the update's norm is \(norm) > limit \(limit)"
        }
    }
}
