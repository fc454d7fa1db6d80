/// How well a predictor foretells macrostates.
enum NextState {
    /// For each trajectory the mean over t of cos(g(z_t), z_{t+k} − z̄), with z̄ the mean of all trajectories' states: 0 for a
    /// predictor that knows nothing, and for a trajectory too short to say.
    ///
    /// - Parameters:
    ///   - net: Its predictor is used, and nothing else of it.
    ///   - z: The macrostates of each trajectory, `[T, m]`, those that count.
    ///   - horizon: k.
    static func cosines(_ net: MacrostateNet, of z: [[Float]], horizon: Int) -> [Double] {
        let width = net.shape.outputs
        var mean = [Double](repeating: 0, count: width)
        let rows = z.reduce(0) { $0 + $1.count / width }
        for trajectory in z {
            for index in trajectory.indices { mean[index % width] += Double(trajectory[index]) }
        }
        for column in mean.indices { mean[column] /= Double(max(rows, 1)) }
        return z.map { trajectory in
            let pairs = trajectory.count / width - horizon
            guard pairs > 0 else { return 0 }
            let predicted = net.predict(Array(trajectory[..<(pairs * width)]))
            var sum = 0.0
            for row in 0..<pairs {
                var (pp, yy, py) = (0.0, 0.0, 0.0)
                for column in 0..<width {
                    let p = Double(predicted[row * width + column])
                    let y = Double(trajectory[(row + horizon) * width + column]) - mean[column]
                    pp += p * p
                    yy += y * y
                    py += p * y
                }
                sum += py / max((pp * yy).squareRoot(), 1e-12)
            }
            return sum / Double(pairs)
        }
    }
}

extension MacrostateLearning.Horizon {
    /// The horizon that predictions are measured at.
    var middle: Int { (from + to) / 2 }
}
