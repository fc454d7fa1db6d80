internal import Glibc

/// How heads are turned by their positions: pair i of R turned elements by position · θ^(−2i/R)
/// (Su et al., arXiv:2104.09864), with what a scaling makes of these frequencies.
package struct RotaryPositions: Sendable, Hashable {
    /// θ (`rope_theta`).
    package var theta: Double
    /// How a model that was trained on short texts is made to read longer ones.
    package var scaling: RotaryScaling
    /// R/D, the share of a head that turns (`partial_rotary_factor`).
    package var turnedShare: Double

    /// Positions; of whole heads and without scaling unless more is said.
    package init(theta: Double, scaling: RotaryScaling = .none, turnedShare: Double = 1) {
        self.theta = theta
        self.scaling = scaling
        self.turnedShare = turnedShare
    }

    /// R of heads of a width.
    func turnedSize(headSize: Int) -> Int { Int(Double(headSize) * turnedShare) }

    /// What turned pairs are multiplied by.
    var magnitude: Double { scaling.magnitude }

    /// What each pair of a head of a width turns by from one position to the next.
    func frequencies(headSize: Int) -> [Double] {
        let size = turnedSize(headSize: headSize)
        let plain = (0..<size / 2).map { pow(theta, -2 * Double($0) / Double(size)) }
        switch scaling {
        case .none, .dynamic: return plain
        case .linear(let factor): return plain.map { $0 / factor }
        case .llama3(let rule): return plain.map(rule.scaled)
        case .yarn(let rule):
            let ramp = rule.ramp(pairs: size / 2, theta: theta)
            return zip(plain, ramp).map { $0 * $1 / rule.factor + $0 * (1 - $1) }
        case .long(let rule): return zip(plain, rule.short).map { $0 / $1 }
        }
    }

    /// What is out of range, with its key; nil if nothing is.
    func fault(headSize: Int) -> (key: String, detail: String)? {
        guard (1e-6...1e15).contains(theta) else {
            return ("rope_theta", "\(theta) is not positive, or over 1e15")
        }
        let size = (0...1).contains(turnedShare) ? turnedSize(headSize: headSize) : 0
        guard size > 0, size % 2 == 0 else {
            return (
                "partial_rotary_factor",
                "\(turnedShare) of heads of \(headSize) is no even number of elements"
            )
        }
        if case .yarn = scaling, theta <= 1 {
            return ("rope_theta", "\(theta) is not above 1, which YaRN needs")
        }
        return scaling.fault(pairs: size / 2).map { ("rope_scaling.\($0.key)", $0.detail) }
    }
}

/// How the frequencies of rotary positions are changed for longer texts.
package enum RotaryScaling: Sendable, Hashable {
    /// Not at all.
    case none
    /// All are divided by a factor: position interpolation (Chen et al., arXiv:2306.15595).
    case linear(factor: Double)
    /// θ grows with texts longer than `max_position_embeddings`. Which tokens share an angle then depends on how much
    /// follows, so that is not computed: such a model is read up to that length, at which nothing is scaled yet.
    case dynamic(factor: Double)
    /// Llama 3.1's.
    case llama3(Llama3Scaling)
    /// YaRN.
    case yarn(YarnScaling)
    /// LongRoPE.
    case long(LongScaling)

    /// What turned pairs are multiplied by.
    var magnitude: Double {
        switch self {
        case .none, .linear, .dynamic, .llama3: 1
        case .yarn(let rule): rule.magnitude
        case .long(let rule): rule.magnitude
        }
    }

    fileprivate func fault(pairs: Int) -> (key: String, detail: String)? {
        func factor(_ key: String, _ value: Double) -> (key: String, detail: String)? {
            (1e-3...1e6).contains(value) ? nil : (key, "\(value) is not between 0.001 and 1000000")
        }
        func original(_ value: Int) -> (key: String, detail: String)? {
            let key = "original_max_position_embeddings"
            return (2...1 << 24).contains(value) ? nil : (key, "\(value) is not between 2 and \(1 << 24)")
        }
        switch self {
        case .none: return nil
        case .linear(let value), .dynamic(let value): return factor("factor", value)
        case .llama3(let rule):
            guard rule.lowFactor > 0, rule.highFactor > rule.lowFactor, rule.highFactor <= 1e6 else {
                return (
                    "high_freq_factor", "\(rule.highFactor) is not above low_freq_factor = \(rule.lowFactor)"
                )
            }
            return factor("factor", rule.factor) ?? original(rule.original)
        case .yarn(let rule):
            guard (1e-3...1e6).contains(rule.betaSlow), (rule.betaSlow...1e6).contains(rule.betaFast) else {
                return ("beta_fast", "\(rule.betaFast) is not at least beta_slow = \(rule.betaSlow)")
            }
            guard (1e-3...1e3).contains(rule.magnitude) else {
                return ("attention_factor", "\(rule.magnitude) is not between 0.001 and 1000")
            }
            return factor("factor", rule.factor) ?? original(rule.original)
        case .long(let rule):
            for (key, factors) in [("short_factor", rule.short), ("long_factor", rule.long)] {
                guard factors.count == pairs else {
                    return (key, "\(factors.count) numbers for \(pairs) pairs")
                }
                if let value = factors.first(where: { factor(key, $0) != nil }) { return factor(key, value) }
            }
            guard (1e-3...1e3).contains(rule.magnitude) else {
                return ("attention_factor", "\(rule.magnitude) is not between 0.001 and 1000")
            }
            return original(rule.original)
        }
    }
}

/// Llama 3.1's scaling: pairs that turn slowly are slowed down by a factor, fast ones are left alone.
package struct Llama3Scaling: Sendable, Hashable {
    /// What slow pairs are divided by.
    package var factor: Double
    /// Pairs that turn less often than this within `original` positions are slow (`low_freq_factor`).
    package var lowFactor: Double
    /// Pairs that turn more often than this are fast (`high_freq_factor`).
    package var highFactor: Double
    /// The length that the model was first trained on.
    package var original: Int

    /// A pair's frequency; between slow and fast both are mixed.
    func scaled(_ frequency: Double) -> Double {
        let turns = Double(original) * frequency / (2 * Double.pi)
        if turns > highFactor { return frequency }
        if turns < lowFactor { return frequency / factor }
        let share = (turns - lowFactor) / (highFactor - lowFactor)
        return (1 - share) * frequency / factor + share * frequency
    }
}

/// YaRN (Peng et al., arXiv:2309.00071): slow pairs interpolated, fast ones left alone, a ramp over the pairs between,
/// and the turned pairs made longer.
package struct YarnScaling: Sendable, Hashable {
    /// What slow pairs are divided by.
    package var factor: Double
    /// The length that the model was first trained on.
    package var original: Int
    /// Pairs that turn more often than this within `original` positions are fast.
    package var betaFast: Double = 32
    /// Pairs that turn less often than this are slow.
    package var betaSlow: Double = 1
    /// What turned pairs are multiplied by (`attention_factor`); nil for the paper's 0.1 ln(factor) + 1.
    package var attentionFactor: Double?
    /// The weight of the logarithm in the magnitude (`mscale`), in effect where `mscaleAll` is given too.
    package var mscale: Double?
    /// What the magnitude is divided by, as a weight of the logarithm (`mscale_all_dim`).
    package var mscaleAll: Double?
    /// Whether the ramp starts and ends at whole pairs.
    package var truncates: Bool = true

    var magnitude: Double {
        if let attentionFactor { return attentionFactor }
        func length(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
        guard let mscale, let mscaleAll, mscale != 0, mscaleAll != 0 else { return length(1) }
        return length(mscale) / length(mscaleAll)
    }

    /// The length that the scaling is for; nil where that is beyond all texts.
    var positionsMax: Int? {
        let length = factor * Double(original)
        return (1...Double(1 << 24)).contains(length) ? Int(length) : nil
    }

    /// For each pair how much of it is interpolated, 0 to 1.
    func ramp(pairs: Int, theta: Double) -> [Double] {
        func pair(turning turns: Double) -> Double {
            Double(pairs) * log(Double(original) / (turns * 2 * Double.pi)) / log(theta)
        }
        var (low, high) = (pair(turning: betaFast), pair(turning: betaSlow))
        if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        (low, high) = (max(low, 0), min(high, Double(2 * pairs - 1)))
        if low == high { high += 0.001 }
        return (0..<pairs).map { min(max((Double($0) - low) / (high - low), 0), 1) }
    }
}

/// LongRoPE (Ding et al., arXiv:2402.13753): each pair's frequency is divided by a factor of its own, by other factors
/// in texts longer than the model was first trained on. Two sets are never mixed here: a model with both is read up to
/// `original`, with the short one.
package struct LongScaling: Sendable, Hashable {
    /// A factor for each pair, up to `original` positions.
    package var short: [Double]
    /// A factor for each pair of longer texts.
    package var long: [Double]
    /// The length that the model was first trained on.
    package var original: Int
    /// `max_position_embeddings`, up to which the long factors would reach.
    package var positions: Int
    /// What `positions / original` stands for in the magnitude where it is given (`factor`).
    package var factor: Double?
    /// What turned pairs are multiplied by (`attention_factor`); nil for the paper's.
    package var attentionFactor: Double?

    /// The same rule without an `attentionFactor` that is the usual one to float32.
    var withoutUsualFactor: LongScaling {
        var usual = self
        usual.attentionFactor = nil
        return abs(usual.magnitude - magnitude) <= 1e-6 * magnitude ? usual : self
    }

    /// The longest text that the short factors are for.
    var positionsMax: Int { short == long ? positions : min(positions, original) }

    var magnitude: Double {
        if let attentionFactor { return attentionFactor }
        let factor = factor ?? Double(positions) / Double(original)
        return factor <= 1 ? 1 : (1 + log(factor) / log(Double(original))).squareRoot()
    }
}
