internal import Glibc

/// Logistic regression on features that were standardised on the training rows.
///
/// It minimises the summed log-loss plus `strength / 2 · |w|²`; the offset is not penalised. The minimum is
/// unique and found to rounding, so the result depends on nothing but the rows.
package struct LogisticProbe: Sendable, Equatable {
    /// One weight for each standardised feature, `[D]`.
    package let weights: [Double]
    /// The offset.
    package let bias: Double
    /// The features' means over the training rows, `[D]`.
    package let means: [Double]
    /// Their standard deviations, 1 where a feature is constant, `[D]`.
    package let deviations: [Double]
    /// How strongly weights were penalised.
    package let strength: Double

    /// Fits a probe.
    ///
    /// - Parameters:
    ///   - features: `[N, D]`, a row for each trajectory.
    ///   - labels: As many.
    ///   - strength: λ, positive.
    /// - Throws: `BehaviourError` if labels are all the same, lists differ in length, or a feature is not
    ///   finite.
    package static func fit(
        features: [[Double]],
        labels: [Bool],
        strength: Double
    ) throws(BehaviourError) -> LogisticProbe {
        let rows = try StandardisedRows(features, labels: labels)
        return rows.probe(rows.minimise(strength: strength, from: rows.start), strength: strength)
    }

    /// The log-odds of label 1.
    ///
    /// - Parameter features: `[D]`.
    package func score(_ features: [Double]) -> Double {
        precondition(features.count == weights.count, "LogisticProbe: \(features.count) features")
        var sum = bias
        for column in weights.indices {
            sum += weights[column] * (features[column] - means[column]) / deviations[column]
        }
        return sum
    }
}

/// Training rows of mean 0 and deviation 1, with a last column of ones for the offset, and the search for the
/// weights: Newton's method with conjugate gradients, which needs no matrix of the size of the features.
struct StandardisedRows {
    private let means: [Double]
    private let deviations: [Double]
    private let width: Int
    /// How many vectors a row has; its end is filled with zeros.
    private let stride: Int
    private let values: [SIMD8<Double>]
    private let labels: [Bool]

    /// Weights of zero.
    var start: [SIMD8<Double>] { [SIMD8<Double>](repeating: .zero, count: stride) }

    init(_ features: [[Double]], labels: [Bool]) throws(BehaviourError) {
        guard features.count == labels.count else {
            throw .unequal(where: "the training labels", found: labels.count, expected: features.count)
        }
        guard let first = labels.first, labels.contains(!first) else {
            throw .oneClass(
                where: "the training labels",
                label: labels.first ?? false,
                count: labels.count
            )
        }
        let width = features[0].count
        for (index, row) in features.enumerated() {
            guard row.count == width else {
                throw .unequal(where: "features of row \(index + 1)", found: row.count, expected: width)
            }
            guard row.allSatisfy(\.isFinite) else { throw .notFinite(where: "the features", row: index) }
        }
        let count = Double(features.count)
        means = (0..<width).map { column in features.reduce(0) { $0 + $1[column] } / count }
        var deviations: [Double] = []
        for column in 0..<width {
            let mean = means[column]
            let square = features.reduce(0) { $0 + ($1[column] - mean) * ($1[column] - mean) } / count
            // Rounding makes a constant column vary by about its last bit.
            let isConstant = square.squareRoot() <= 1e-12 * max(1, abs(mean))
            deviations.append(isConstant ? 1 : square.squareRoot())
        }
        self.deviations = deviations
        self.width = width
        stride = width / 8 + 1
        self.labels = labels
        var values = [SIMD8<Double>](repeating: .zero, count: features.count * stride)
        for (index, row) in features.enumerated() {
            for column in 0..<width {
                values[index * stride + column / 8][column % 8] =
                    (row[column] - means[column]) / deviations[column]
            }
            values[index * stride + width / 8][width % 8] = 1
        }
        self.values = values
    }

    func probe(_ weights: [SIMD8<Double>], strength: Double) -> LogisticProbe {
        LogisticProbe(
            weights: (0..<width).map { weights[$0 / 8][$0 % 8] },
            bias: weights[width / 8][width % 8],
            means: means,
            deviations: deviations,
            strength: strength
        )
    }

    // MARK: - The search

    /// The weights at the minimum.
    func minimise(strength: Double, from start: [SIMD8<Double>]) -> [SIMD8<Double>] {
        // The offset's place is free, and so are the zeros behind it, which nothing moves.
        var penalty = [SIMD8<Double>](repeating: SIMD8(repeating: strength), count: stride)
        penalty[width / 8][width % 8] = 0
        var weights = start
        var state = evaluate(weights, penalty)
        for _ in 0..<100 {
            let size = Self.dot(state.gradient, state.gradient).squareRoot()
            guard size > 1e-10 * Double(labels.count) else { break }
            let step = direction(state, penalty, tolerance: size * min(0.1, size.squareRoot()))
            let slope = Self.dot(step, state.gradient)
            guard slope < 0 else { break }
            var length = 1.0
            var moved = false
            for _ in 0..<40 {
                let next = zip(weights, step).map { $0 + length * $1 }
                let found = evaluate(next, penalty)
                // Near the minimum the loss no longer shows progress, but the gradient does.
                let closer = Self.dot(found.gradient, found.gradient) < size * size
                let slack = 1e-13 * abs(state.loss)
                if found.loss <= state.loss + 1e-4 * length * slope
                    || (closer && found.loss <= state.loss + slack)
                {
                    (weights, state, moved) = (next, found, true)
                    break
                }
                length /= 2
            }
            guard moved else { break }
        }
        return weights
    }

    private struct State {
        let loss: Double
        let gradient: [SIMD8<Double>]
        /// p (1 − p) of each row.
        let curvatures: [Double]
    }

    private func evaluate(_ weights: [SIMD8<Double>], _ penalty: [SIMD8<Double>]) -> State {
        var loss = 0.0
        var gradient = [SIMD8<Double>](repeating: .zero, count: stride)
        for part in 0..<stride {
            gradient[part] = penalty[part] * weights[part]
            loss += (gradient[part] * weights[part]).sum() / 2
        }
        var curvatures: [Double] = []
        curvatures.reserveCapacity(labels.count)
        for (row, label) in labels.enumerated() {
            let odds = product(row, weights)
            // log(1 + e^x) without overflow.
            let small = exp(-abs(odds))
            loss += log1p(small) + max(label ? -odds : odds, 0)
            let probability = odds >= 0 ? 1 / (1 + small) : small / (1 + small)
            add(row, probability - (label ? 1 : 0), to: &gradient)
            curvatures.append(small / ((1 + small) * (1 + small)))
        }
        return State(loss: loss, gradient: gradient, curvatures: curvatures)
    }

    /// Solves H s = −gradient to a tolerance by conjugate gradients, with the diagonal of H as
    /// preconditioner.
    private func direction(
        _ state: State,
        _ penalty: [SIMD8<Double>],
        tolerance: Double
    ) -> [SIMD8<Double>] {
        var diagonal = penalty
        for (row, curvature) in state.curvatures.enumerated() {
            for part in 0..<stride {
                let value = values[row * stride + part]
                diagonal[part] += curvature * value * value
            }
        }
        let least = SIMD8<Double>(repeating: 1e-12)
        let inverse = diagonal.map { SIMD8<Double>(repeating: 1) / pointwiseMax($0, least) }
        var solution = start
        var rest = state.gradient.map { -$0 }
        var scaled = zip(rest, inverse).map { $0 * $1 }
        var way = scaled
        var power = Self.dot(rest, scaled)
        for _ in 0..<(2 * width + 20) {
            var image = zip(penalty, way).map { $0 * $1 }
            for (row, curvature) in state.curvatures.enumerated() {
                add(row, curvature * product(row, way), to: &image)
            }
            let bend = Self.dot(way, image)
            guard bend > 0 else { break }
            let length = power / bend
            for part in 0..<stride {
                solution[part] += length * way[part]
                rest[part] -= length * image[part]
                scaled[part] = rest[part] * inverse[part]
            }
            guard Self.dot(rest, rest).squareRoot() > tolerance else { break }
            let next = Self.dot(rest, scaled)
            for part in 0..<stride { way[part] = scaled[part] + (next / power) * way[part] }
            power = next
        }
        return solution
    }

    private func product(_ row: Int, _ weights: [SIMD8<Double>]) -> Double {
        var sum = SIMD8<Double>.zero
        for part in 0..<stride { sum += values[row * stride + part] * weights[part] }
        return sum.sum()
    }

    private func add(_ row: Int, _ factor: Double, to sum: inout [SIMD8<Double>]) {
        for part in 0..<stride { sum[part] += factor * values[row * stride + part] }
    }

    private static func dot(_ left: [SIMD8<Double>], _ right: [SIMD8<Double>]) -> Double {
        var sum = SIMD8<Double>.zero
        for part in left.indices { sum += left[part] * right[part] }
        return sum.sum()
    }
}
