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
    /// - Throws: ``UpdateFault`` naming the array.
    @discardableResult
    package func check(_ delta: AdapterWeights) throws(UpdateFault) -> Double {
        let known: AdapterWeights
        do {
            known = try layout.apply(to: delta)
        } catch {
            throw .layout(error)
        }
        for array in known.arrays {
            if let index = array.values.firstIndex(where: { !$0.isFinite }) {
                throw .notFinite(array: array.name, index: index)
            }
            if array.part == .summed, let index = Counts.firstFault(in: array.values) {
                throw .notWhole(array: array.name, index: index, value: array.values[index])
            }
        }
        let norm = known.norm
        if let normMax, norm > normMax { throw .normTooLarge(norm: norm, limit: normMax) }
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
