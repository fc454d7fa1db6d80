package import Contract

/// What an update must be before a byte of it counts: the broadcast's names and shapes, finite, whole
/// numbers where counts are summed, and no larger than a bound.
package struct UpdateCheck: Sendable {
    /// Names, shapes and parts of the round's broadcast adapter.
    package let layout: AdapterLayout
    /// The largest Euclidean norm of a whole delta without its counts, or nil for no bound.
    package let normMax: Double?

    /// Takes the layout of the round's broadcast adapter.
    package init(layout: AdapterLayout, normMax: Double?) {
        self.layout = layout
        self.normMax = normMax
    }

    /// Checks a delta and returns the Euclidean norm of everything but its counts, summed in Double.
    ///
    /// The delta's own parts do not matter; the layout's do.
    ///
    /// - Parameters:
    ///   - delta: Names and shapes of the delta.
    ///   - array: Gives an array by its place; asked for each once, in order, so that no more than one need be in memory.
    /// - Throws: ``UpdateFault`` naming the array; what `array` throws.
    @discardableResult
    package func check(_ delta: AdapterLayout, array: (Int) throws -> NamedArray) throws -> Double {
        do {
            try layout.check(delta)
        } catch {
            throw UpdateFault.layout(error)
        }
        var square = 0.0
        for (index, entry) in layout.entries.enumerated() {
            let values = try array(index).values
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw UpdateFault.notFinite(array: entry.name, index: index)
            }
            guard entry.part != .summed else {
                if let index = Counts.firstFault(in: values) {
                    throw UpdateFault.notWhole(array: entry.name, index: index, value: values[index])
                }
                continue
            }
            for value in values { square += Double(value) * Double(value) }
        }
        let norm = square.squareRoot()
        if let normMax, norm > normMax { throw UpdateFault.normTooLarge(norm: norm, limit: normMax) }
        return norm
    }
}

/// Why an update is refused.
package enum UpdateFault: Error, Equatable, CustomStringConvertible {
    /// Its names or shapes are not the broadcast adapter's.
    case layout(AdapterFault)
    /// A NaN or an infinity, at an index in row-major order.
    case notFinite(array: String, index: Int)
    /// A value where counts are summed that is not a whole number, or too large for one.
    case notWhole(array: String, index: Int, value: Float)
    /// The whole delta, without its counts, is larger than allowed.
    case normTooLarge(norm: Double, limit: Double)
    /// The trainer's judge objects to the adapter that the update makes.
    case unusable(String)

    /// What is wrong, with the array's name and the limit.
    package var description: String {
        switch self {
        case .layout(let fault): "\(fault)"
        case .notFinite(let array, let index): "array '\(array)' is not finite at value \(index)"
        case .notWhole(let array, let index, let value):
            "array '\(array)' counts \(value) at value \(index), which is not \(Counts.description)"
        case .normTooLarge(let norm, let limit): "the update's norm is \(norm) > limit \(limit)"
        case .unusable(let reason): reason
        }
    }
}

/// What the values of a summed array may be.
enum Counts {
    /// 2²⁴: up to it float32 holds every whole number.
    static let magnitudeMax = 16_777_216.0

    /// For errors: what a count is.
    static let description = "a whole number of magnitude 16777216 or less"

    static func isCount(_ value: Double) -> Bool {
        value.magnitude <= magnitudeMax && value == value.rounded(.towardZero)
    }

    /// The index of the first value that is no count.
    static func firstFault(in values: [Float]) -> Int? {
        values.firstIndex { !isCount(Double($0)) }
    }
}
