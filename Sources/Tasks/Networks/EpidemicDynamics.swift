package import Contract

/// Containing an epidemic: nodes protect themselves at a cost, and protection needs τ steps to work (SIS or
/// SIR).
///
/// None of the paper's constants is known; model and constants are our reconstruction. **This is the
/// definition of one step**, in this order, for node i with compartment x, level l ∈ 0 ... τ, action a and
/// random number u:
///
/// 1. l' = min(l + 1, τ) if a = 1, else max(l − 1, 0). Protection P = η if l' = τ, else 0.
/// 2. A susceptible node is infected if u < p, where p = (1 − P_i) · (1 − Π_j (1 − β (1 − P_j))), over the
///    neighbours j that were infected before the step, with the protection of step 1.
/// 3. A node infected before the step stays so if u < 1 − δ; otherwise it is susceptible again (SIS) or
///    recovered (SIR). "Active after the step" is u below a threshold in both cases, so that common random
///    numbers keep two runs together.
/// 4. The local reward is −1 if infected **after** the step, −c if acting, or both.
///
/// At the start max(1, round(`startShare` · n)) nodes are infected and no level is built up. All in 32-bit
/// floating point, the product in the order of the neighbours.
package struct EpidemicDynamics: NetworkDynamics, TrainerSettings {
    /// What happens to a node that recovers.
    package enum Model: String, Sendable, Codable, CaseIterable {
        /// It is susceptible again.
        case sis
        /// It is immune.
        case sir
    }

    /// What happens to a node that recovers.
    package var model: Model
    /// β, the probability that an infected neighbour passes it on in a step.
    package var transmission: Double
    /// δ, the probability that an infected node recovers in a step.
    package var recovery: Double
    /// η, the part of transmission, in both directions, that full protection stops.
    package var efficacy: Double
    /// τ, the acting steps that protection needs; 1 for at once.
    package var ramp: Int
    /// c, what an acting node pays in a step; an infected node costs 1.
    package var cost: Double
    /// The share of nodes that are infected at the start; at least one is. Returns depend on it more than on
    /// most rules: on 40 nodes of a Watts–Strogatz graph "all" at c = 0.03 has −2.7 with one of them and −3.9
    /// with two.
    package var startShare: Double
    /// T, the steps of an episode.
    package var horizon: Int
    /// γ, the weight of the next step's reward against this one's.
    package var discount: Double

    /// The setting "range", in which it pays to look four hops ahead.
    package init() {
        self.init(transmission: 0.5, recovery: 0.2, efficacy: 1, ramp: 5, cost: 0.06)
    }

    /// Makes a setting.
    package init(
        model: Model = .sis,
        transmission: Double,
        recovery: Double,
        efficacy: Double,
        ramp: Int,
        cost: Double,
        startShare: Double = 0.05,
        horizon: Int = 40,
        discount: Double = 0.99
    ) {
        self.model = model
        self.transmission = transmission
        self.recovery = recovery
        self.efficacy = efficacy
        self.ramp = ramp
        self.cost = cost
        self.startShare = startShare
        self.horizon = horizon
        self.discount = discount
    }

    /// The setting "range": τ = 5, so that one-hop information comes too late.
    package static var range: EpidemicDynamics { EpidemicDynamics() }

    /// The setting "S1" of the first small reproduction: τ = 3, T = 20, 10 % infected at the start.
    package static var s1: EpidemicDynamics {
        EpidemicDynamics(
            transmission: 0.4,
            recovery: 0.15,
            efficacy: 0.9,
            ramp: 3,
            cost: 0.05,
            startShare: 0.1,
            horizon: 20,
            discount: 0.98
        )
    }

    /// 2 for SIS, 3 for SIR.
    package var compartments: Int { model == .sis ? 2 : 3 }

    /// β, δ, η, c, and the share at the start.
    package var particularNames: [String] { ["transmission", "recovery", "efficacy", "cost", "startShare"] }

    package var particularNumbers: [Double] {
        get { [transmission, recovery, efficacy, cost, startShare] }
        set {
            (transmission, recovery, efficacy) = (newValue[0], newValue[1], newValue[2])
            (cost, startShare) = (newValue[3], newValue[4])
        }
    }

    /// β, δ, η and 10 c.
    package var rates: [Float] { [transmission, recovery, efficacy, 10 * cost].map { Float($0) } }

    /// What becomes of one node in a step.
    @inline(__always)
    package func advance(_ node: Int, _ step: NetworkStep) -> NodeOutcome {
        let full = UInt8(truncatingIfNeeded: ramp)
        let acts = step.actions[node] != 0
        let level = EpidemicDynamics.level(step.levels[node], acts, full)
        let uniform = step.uniforms[node]
        var compartment = step.compartments[node]
        switch compartment {
        case NodeStates.open:
            let open = 1 - Float(transmission)
            let guarded = 1 - Float(transmission) * (1 - Float(efficacy))
            var escape: Float = 1
            for index in Int(step.offsets[node])..<Int(step.offsets[node + 1]) {
                let neighbour = Int(step.neighbours[index])
                guard step.compartments[neighbour] == NodeStates.active else { continue }
                let theirs = EpidemicDynamics.level(
                    step.levels[neighbour],
                    step.actions[neighbour] != 0,
                    full
                )
                escape *= theirs == full ? guarded : open
            }
            let exposure: Float = level == full ? 1 - Float(efficacy) : 1
            if uniform < exposure * (1 - escape) { compartment = NodeStates.active }
        case NodeStates.active where uniform >= 1 - Float(recovery):
            compartment = model == .sis ? NodeStates.open : NodeStates.closed
        default: break
        }
        let infected: Float = compartment == NodeStates.active ? 1 : 0
        return NodeOutcome(
            compartment: compartment,
            level: level,
            reward: -infected - (acts ? Float(cost) : 0)
        )
    }

    /// The level after a step.
    @inline(__always)
    private static func level(_ level: UInt8, _ acts: Bool, _ full: UInt8) -> UInt8 {
        acts ? min(level &+ 1, full) : level == 0 ? 0 : level &- 1
    }

    /// Checks ranges.
    ///
    /// - Throws: `SettingsFault` naming the field.
    package func validate() throws(SettingsFault) {
        try DynamicsRanges.share(transmission, "transmission")
        try DynamicsRanges.share(recovery, "recovery")
        try DynamicsRanges.share(efficacy, "efficacy")
        try SettingsFault.require((1...100).contains(ramp), "ramp", "found \(ramp), expected 1 to 100 steps")
        try DynamicsRanges.common(self)
    }
}

/// Limits that all dynamics share.
enum DynamicsRanges {
    /// Checks that a number is a probability or a share.
    static func share(_ value: Double, _ key: String) throws(SettingsFault) {
        try SettingsFault.require(value >= 0 && value <= 1, key, "found \(value), expected 0 to 1")
    }

    /// Checks cost, start, horizon and discount.
    static func common(_ dynamics: some NetworkDynamics) throws(SettingsFault) {
        let (cost, horizon) = (dynamics.cost, dynamics.horizon)
        try SettingsFault.require(cost >= 0 && cost.isFinite, "cost", "found \(cost), expected 0 or more")
        try share(dynamics.startShare, "startShare")
        try SettingsFault.require(
            (1...10_000).contains(horizon),
            "horizon",
            "found \(horizon), expected 1 to 10000 steps"
        )
        try share(dynamics.discount, "discount")
    }
}
