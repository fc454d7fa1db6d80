/// Loops over states `[N, C]` and codes `[N, m]`, row after row.
enum StateMath {
    /// scale (h − centre), row by row.
    static func normalise(
        _ states: UnsafeMutableBufferPointer<Float>,
        centre: [Float],
        scale: Float,
        into x: UnsafeMutableBufferPointer<Float>
    ) {
        let width = centre.count
        precondition(states.count == x.count && states.count % width == 0, "normalise: other counts")
        centre.withUnsafeBufferPointer { centre in
            for first in stride(from: 0, to: states.count, by: width) {
                for column in 0..<width {
                    x[first + column] = scale * (states[first + column] - centre[column])
                }
            }
        }
    }

    /// max(z + bias, 0) in place.
    static func rectify(_ z: UnsafeMutableBufferPointer<Float>, bias: [Float]) {
        let count = bias.count
        bias.withUnsafeBufferPointer { bias in
            for first in stride(from: 0, to: z.count, by: count) {
                for column in 0..<count {
                    let value = z[first + column] + bias[column]
                    z[first + column] = value > 0 ? value : 0
                }
            }
        }
    }

    /// Sets all but the `count` largest values of each row to zero; of equal ones the first are kept.
    static func keepLargest(_ count: Int, of z: UnsafeMutableBufferPointer<Float>, columns: Int) {
        guard count < columns else { return }
        var scratch = [Float](repeating: 0, count: columns)
        for first in stride(from: 0, to: z.count, by: columns) {
            let row = UnsafeMutableBufferPointer(rebasing: z[first..<first + columns])
            var positive = 0
            for value in row where value > 0 {
                scratch[positive] = value
                positive += 1
            }
            guard positive > count else { continue }
            let threshold = scratch.withUnsafeMutableBufferPointer {
                largest(count, of: UnsafeMutableBufferPointer(rebasing: $0[..<positive]))
            }
            var equal = count
            for value in row where value > threshold { equal -= 1 }
            for index in row.indices {
                if row[index] > threshold { continue }
                if row[index] == threshold, equal > 0 { equal -= 1 } else { row[index] = 0 }
            }
        }
    }

    /// The `count`th largest of some values, which are put into another order (Hoare's selection).
    static func largest(_ count: Int, of values: UnsafeMutableBufferPointer<Float>) -> Float {
        var (low, high) = (0, values.count - 1)
        let place = count - 1
        while low < high {
            let pivot = values[low + (high - low) / 2]
            var (left, right) = (low, high)
            while left <= right {
                while values[left] > pivot { left += 1 }
                while values[right] < pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if place <= right { high = right } else if place >= left { low = left } else { break }
        }
        return values[place]
    }
}
