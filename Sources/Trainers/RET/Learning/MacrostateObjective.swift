/// RET's objective on a batch, with its gradients by hand (RET's notes, 2.3; our reconstruction of the paper's).
package enum MacrostateObjective {
    /// A loss and d loss / d of what went in, `[B, m]` each.
    package struct Value {
        /// The loss.
        package var loss: Double
        /// By the predictions.
        package var prediction: [Float]
        /// By the targets, for the ablation without stop-gradient.
        package var target: [Float]
    }

    /// mean over the batch of ‖p/‖p‖ − y/‖y‖‖² = 2 − 2 cos(p, y), with the mean of each part of the batch taken off
    /// its y.
    ///
    /// With a = p/‖p‖, b = y/‖y‖, s = a·b: d/dp = −2 (b − s a) / (B ‖p‖), and the same for y with the parts exchanged. Vectors
    /// shorter than 1e-8 count as that long.
    ///
    /// - Parameters:
    ///   - p: Predictions, `[B, m]`.
    ///   - y: Targets, `[B, m]`.
    ///   - width: m.
    ///   - centres: Whether the mean target is taken off, after the stop-gradient: it is treated as any other y.
    ///   - part: Within how many consecutive rows, a divisor of B; all if not given.
    package static func prediction(
        _ p: [Float],
        _ y: [Float],
        width: Int,
        centres: Bool,
        within part: Int? = nil
    ) -> Value {
        precondition(
            p.count == y.count && p.count % width == 0,
            "prediction: \(p.count) and \(y.count) values"
        )
        let rows = p.count / width
        var y = y
        if centres { subtractMean(&y, width: width, within: part ?? rows) }
        var value = Value(
            loss: 0,
            prediction: [Float](repeating: 0, count: p.count),
            target: [Float](repeating: 0, count: y.count)
        )
        for row in 0..<rows {
            let range = row * width..<(row + 1) * width
            var (pp, yy, py) = (0.0, 0.0, 0.0)
            for index in range {
                let (a, b) = (Double(p[index]), Double(y[index]))
                pp += a * a
                yy += b * b
                py += a * b
            }
            let (pNorm, yNorm) = (max(pp.squareRoot(), 1e-8), max(yy.squareRoot(), 1e-8))
            let cosine = py / (pNorm * yNorm)
            value.loss += (2 - 2 * cosine) / Double(rows)
            let (pScale, yScale) = (-2 / (Double(rows) * pNorm), -2 / (Double(rows) * yNorm))
            for index in range {
                let (a, b) = (Double(p[index]) / pNorm, Double(y[index]) / yNorm)
                value.prediction[index] = Float(pScale * (b - cosine * a))
                value.target[index] = Float(yScale * (a - cosine * b))
            }
        }
        if centres { subtractMean(&value.target, width: width, within: part ?? rows) }
        return value
    }

    /// (1/m) Σ_j max(0, 1 − std_j(z)) + 0.04 Σ_{a≠b} Cov(z)_{ab}² / m over a batch, with biased moments and 1e-8 under the root.
    ///
    /// - Parameters:
    ///   - z: Macrostates, `[B, m]`.
    ///   - width: m.
    /// - Returns: The loss and d loss / dz `[B, m]`.
    package static func spread(_ z: [Float], width: Int) -> (loss: Double, gradient: [Float]) {
        let rows = z.count / width
        var centred = z
        subtractMean(&centred, width: width)
        let covariance = Covariance(centred: centred, width: width).values
        let scale = 1 / Double(width)
        var loss = 0.0
        // d loss / dz_i = Σ_b weight_{ab} z_ib, over the batch's size.
        var weights = [Double](repeating: 0, count: width * width)
        for a in 0..<width {
            let deviation = (covariance[a * width + a] + 1e-8).squareRoot()
            if deviation < 1 {
                loss += scale * (1 - deviation)
                weights[a * width + a] = -scale / deviation
            }
            for b in 0..<width where b != a {
                let value = covariance[a * width + b]
                loss += 0.04 * scale * value * value
                weights[a * width + b] = 4 * 0.04 * scale * value
            }
        }
        var gradient = [Float](repeating: 0, count: z.count)
        for row in 0..<rows {
            for a in 0..<width {
                var sum = 0.0
                for b in 0..<width { sum += weights[a * width + b] * Double(centred[row * width + b]) }
                gradient[row * width + a] = Float(sum / Double(rows))
            }
        }
        return (loss, gradient)
    }

    /// Takes the mean row of each `part` consecutive rows off them.
    private static func subtractMean(_ values: inout [Float], width: Int, within part: Int) {
        guard !values.isEmpty else { return }
        precondition(part > 0 && values.count % (part * width) == 0, "subtractMean: parts of \(part) rows")
        for first in stride(from: 0, to: values.count, by: part * width) {
            var rows = Array(values[first..<first + part * width])
            subtractMean(&rows, width: width)
            values.replaceSubrange(first..<first + part * width, with: rows)
        }
    }

    /// Takes the mean row off every row of `[N, width]`.
    static func subtractMean(_ values: inout [Float], width: Int) {
        let rows = values.count / width
        guard rows > 0 else { return }
        var mean = [Double](repeating: 0, count: width)
        for index in values.indices { mean[index % width] += Double(values[index]) }
        let share = mean.map { Float($0 / Double(rows)) }
        for index in values.indices { values[index] -= share[index % width] }
    }
}

/// The covariance of the columns of `[N, m]`.
struct Covariance {
    /// `[m, m]`, with the biased divisor N.
    let values: [Double]

    init(centred: [Float], width: Int) {
        let rows = centred.count / width
        var sums = [Double](repeating: 0, count: width * width)
        centred.withUnsafeBufferPointer { centred in
            sums.withUnsafeMutableBufferPointer { sums in
                for row in 0..<rows {
                    for a in 0..<width {
                        let left = Double(centred[row * width + a])
                        for b in a..<width { sums[a * width + b] += left * Double(centred[row * width + b]) }
                    }
                }
            }
        }
        for a in 0..<width {
            for b in a..<width {
                sums[a * width + b] /= Double(max(rows, 1))
                sums[b * width + a] = sums[a * width + b]
            }
        }
        values = sums
    }
}
