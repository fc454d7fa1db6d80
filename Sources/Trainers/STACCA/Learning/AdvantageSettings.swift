package import Contract

/// `trainer.settings.advantage`: what an action is credited with.
package struct AdvantageSettings: TrainerSettings {
    /// Which signals are used.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// `weight` · n · counterfactual + (1 − `weight`) · shared GAE.
        case mix
        /// n · counterfactual alone: unstable in our experiments while the critic is still wrong.
        case counterfactual
        /// n · counterfactual in place of GAE's first temporal difference: A_cf + γλ Â_{t+1}.
        case gaecf
        /// Generalised advantage estimation, shared by all nodes, as in MAPPO.
        case gae
    }

    /// What advantages are divided by.
    package enum Normalisation: String, Sendable, Codable, CaseIterable {
        /// Nothing.
        case none
        /// One root mean square for all.
        case global
        /// Mean and standard deviation over all.
        case batch
        /// One root mean square for each time step, over episodes and nodes: "timestep normalisation" as we read it.
        case tscale
        /// Mean and standard deviation for each time step.
        case tstep
        /// Mean and standard deviation over the nodes of one state: credit within a step sums to zero.
        case agent
        /// The square root of each time step's root mean square: between `global` and `tscale`.
        case half
    }

    /// Which signals.
    package var kind = Kind.mix
    /// The part of the counterfactual in `mix`, 0 … 1.
    package var weight = 0.5
    /// K: a flipped action is replayed for so many steps, with stored actions and noise, before the critic takes over.
    package var horizon = 4
    /// How many nodes of a state are flipped; those alone are learnt from. All for `gae`.
    package var flips = 8
    /// λ of generalised advantage estimation.
    package var trace = 0.95
    /// What advantages are divided by.
    package var normalisation = Normalisation.global

    /// The defaults.
    package init() {}

    /// Checks the ranges.
    package func validate() throws(SettingsFault) {
        try SettingsFault.require((0...1).contains(weight), "weight", "found \(weight), expected 0 … 1")
        try SettingsFault.require((1...64).contains(horizon), "horizon", "found \(horizon), expected 1 … 64")
        try SettingsFault.require((1...4096).contains(flips), "flips", "found \(flips), expected 1 … 4096")
        try SettingsFault.require((0...1).contains(trace), "trace", "found \(trace), expected 0 … 1")
    }
}

extension AdvantageSettings.Normalisation {
    /// Scales advantages in place.
    ///
    /// - Parameters:
    ///   - values: One for each decision that is learnt from.
    ///   - times: The time step of each.
    ///   - states: The state that each was made in: decisions of one state stand together.
    func apply(to values: inout [Float], times: [Int], states: [Int]) {
        switch self {
        case .none: break
        case .global: Self.scale(&values, by: times.map { _ in 0 }) { $0 }
        case .batch: Self.standardise(&values, by: times.map { _ in 0 })
        case .tscale: Self.scale(&values, by: times) { $0 }
        case .tstep: Self.standardise(&values, by: times)
        case .agent: Self.standardise(&values, by: states)
        case .half: Self.scale(&values, by: times) { $0.squareRoot() }
        }
        if self == .half { Self.scale(&values, by: times.map { _ in 0 }) { $0 } }
    }

    private static let tiny: Float = 1e-8

    private static func scale(_ values: inout [Float], by groups: [Int], _ power: (Float) -> Float) {
        let sums = Sums(values, groups)
        for (index, group) in groups.enumerated() {
            values[index] /= power(Float(sums.meanSquare(group).squareRoot())) + tiny
        }
    }

    private static func standardise(_ values: inout [Float], by groups: [Int]) {
        let sums = Sums(values, groups)
        for (index, group) in groups.enumerated() {
            let mean = sums.mean(group)
            let variance = max(0, sums.meanSquare(group) - mean * mean)
            values[index] = (values[index] - Float(mean)) / (Float(variance.squareRoot()) + tiny)
        }
    }

    /// Counts, sums and sums of squares by group.
    private struct Sums {
        private var counts: [Double]
        private var sums: [Double]
        private var squares: [Double]

        init(_ values: [Float], _ groups: [Int]) {
            let size = (groups.max() ?? -1) + 1
            counts = Array(repeating: 0, count: size)
            sums = counts
            squares = counts
            for (value, group) in zip(values, groups) {
                counts[group] += 1
                sums[group] += Double(value)
                squares[group] += Double(value) * Double(value)
            }
        }

        func mean(_ group: Int) -> Double { sums[group] / max(counts[group], 1) }
        func meanSquare(_ group: Int) -> Double { squares[group] / max(counts[group], 1) }
    }
}
