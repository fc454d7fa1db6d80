package import Tensors

/// How well an autoencoder reconstructs states, and with how many latents.
package struct AutoencoderQuality: Sendable, Codable, Equatable {
    /// FVE: 1 − Σ ‖h − h'‖² / Σ ‖h − mean‖².
    package var explainedVariance: Double
    /// The active latents of a state, on the mean.
    package var l0: Double
    /// The share of latents that no state activates.
    package var deadShare: Double
    /// How many states were looked at.
    package var states: Int

    /// Reads states from a stream.
    ///
    /// - Parameters:
    ///   - autoencoder: Whose quality it is.
    ///   - stream: States of its layer, best of texts that it did not learn from.
    ///   - count: How many to look at.
    package init(of autoencoder: SparseAutoencoder, on stream: inout StateStream, count: Int) throws {
        let (width, latents) = (autoencoder.width, autoencoder.latentCount)
        let workspace = Workspace()
        var sums = [Double](repeating: 0, count: width)
        var (squared, missed, active, seen) = (0.0, 0.0, 0, 0)
        var fired = [Bool](repeating: false, count: latents)
        while seen < count {
            let rows = min(512, count - seen)
            let batch = workspace.tensor([rows, width])
            try stream.next(into: batch)
            let code = autoencoder.encode(batch, workspace: workspace)
            let found = autoencoder.decode(code, workspace: workspace)
            for (index, value) in code.values.enumerated() where value > 0 {
                active += 1
                fired[index % latents] = true
            }
            for (index, (now, was)) in zip(found.values, batch.values).enumerated() {
                sums[index % width] += Double(was)
                squared += Double(was) * Double(was)
                missed += Double(was - now) * Double(was - now)
            }
            seen += rows
        }
        let about = squared - sums.reduce(0) { $0 + $1 * $1 } / Double(max(seen, 1))
        explainedVariance = 1 - missed / max(about, .leastNormalMagnitude)
        l0 = Double(active) / Double(max(seen, 1))
        deadShare = Double(fired.count { !$0 }) / Double(latents)
        states = seen
    }
}
