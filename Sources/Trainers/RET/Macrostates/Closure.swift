internal import Randomness
internal import Tensors

/// Approximate closure: how much better the next macrostate is foretold when the microstate is known too (RET's notes,
/// section 4). A gap of 0 says little where R² itself is small: a constant has no gap.
package struct Closure: Sendable, Equatable {
    /// k, in tokens.
    package var horizon: Int
    /// R² of z_{t+k} from z_t on held-out trajectories, by a ridge regression.
    package var ridge: Double
    /// R² from z_t and the encoder's input together, minus `ridge`.
    package var ridgeGap: Double
    /// R² from z_t by a net of one hidden layer.
    package var net: Double
    /// R² from both, minus `net`.
    package var netGap: Double

    /// Pairs of what is known and what comes k tokens later.
    package struct Pairs {
        /// z_t, `[N, m]`.
        var macro: [Float]
        /// [z_t, x_t], `[N, m + inputs]`.
        var micro: [Float]
        /// z_{t+k}, `[N, m]`.
        var later: [Float]
        let width: Int
        let inputs: Int

        /// The pairs of a subset, at most `pairsMax` of them, evenly spread.
        init(_ net: MacrostateNet, _ subset: TrajectorySubset, horizon: Int, pairsMax: Int)
            throws(TrajectoryFault)
        {
            width = net.shape.outputs
            inputs = net.input.width
            (macro, micro, later) = ([], [], [])
            let total = subset.trajectories.reduce(0) { $0 + max(0, $1.learnableRows.count - horizon) }
            let every = max(1, total / max(1, pairsMax))
            var seen = 0
            for trajectory in subset.trajectories {
                let rows = trajectory.learnableRows
                guard rows.count > horizon else { continue }
                let start = trajectory.rows.lowerBound
                let z = try net.encode(rows: rows, start: start, of: subset.set)
                for offset in 0..<rows.count - horizon {
                    defer { seen += 1 }
                    guard seen % every == 0 else { continue }
                    let row = rows.lowerBound + offset
                    let own = z[offset * width..<(offset + 1) * width]
                    var x = [Float](repeating: 0, count: inputs)
                    try x.withUnsafeMutableBufferPointer { (x) throws(TrajectoryFault) in
                        if let base = x.baseAddress {
                            try net.input.fill(
                                from: subset.set,
                                rows: row..<row + 1,
                                start: start,
                                into: base
                            )
                        }
                    }
                    macro += own
                    micro += own + x
                    later += z[(offset + horizon) * width..<(offset + horizon + 1) * width]
                }
            }
        }
    }

    /// Measures closure at one horizon.
    ///
    /// - Parameters:
    ///   - net: The encoder.
    ///   - train: What regressions are fitted on.
    ///   - heldOut: What R² is measured on.
    ///   - horizon: k.
    ///   - pairsMax: The most pairs of either.
    ///   - seed: Of the nets.
    /// - Throws: `TrajectoryFault` where trajectories are too short.
    package init(
        _ net: MacrostateNet,
        train: TrajectorySubset,
        heldOut: TrajectorySubset,
        horizon: Int,
        pairsMax: Int = 12_000,
        seed: UInt64
    ) throws(TrajectoryFault) {
        let fit = try Pairs(net, train, horizon: horizon, pairsMax: pairsMax)
        let test = try Pairs(net, heldOut, horizon: horizon, pairsMax: pairsMax)
        let width = net.shape.outputs
        guard fit.later.count >= 10 * width, test.later.count >= 10 * width else {
            throw TrajectoryFault("", "trajectories are too short for a horizon of \(horizon)")
        }
        func both(_ score: (_ x: [Float], _ columns: Int, _ test: [Float]) -> Double) -> (Double, Double) {
            let macro = score(fit.macro, width, test.macro)
            return (macro, score(fit.micro, width + fit.inputs, test.micro) - macro)
        }
        self.horizon = horizon
        (ridge, ridgeGap) = both { x, columns, unseen in
            let model = Ridge(x, columns: columns, to: fit.later, outputs: width)
            return Closure.explained(model.predict(unseen), of: test.later, width: width)
        }
        (self.net, netGap) = both { x, columns, unseen in
            let model = RegressionNet(x, columns: columns, to: fit.later, outputs: width, seed: seed)
            return Closure.explained(model.predict(unseen), of: test.later, width: width)
        }
    }

    /// R² over all coordinates together: 1 − Σ (y − ŷ)² / Σ (y − mean y)².
    static func explained(_ predicted: [Float], of truth: [Float], width: Int) -> Double {
        var centred = truth
        MacrostateObjective.subtractMean(&centred, width: width)
        let total = centred.reduce(0.0) { $0 + Double($1) * Double($1) }
        let left = zip(predicted, truth).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        return total > 0 ? 1 - left / total : 0
    }
}
