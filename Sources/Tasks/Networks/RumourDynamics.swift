package import Contract
internal import Glibc

/// Controlling a rumour: nodes are moderated at a cost (after Maki and Thompson 1973, with moderation).
///
/// None of the paper's constants is known; model and constants are our reconstruction. **This is the
/// definition of one step** for node i with compartment x, action a and random number u, all neighbours as
/// they were before the step:
///
/// 1. An ignorant node hears it with probability p and spreads it if u < p. `simple`: p = 1 − Π_j (1 − λ (1 −
///    η a_j)) over spreading neighbours j. `threshold`: with m = Σ_j (1 − η a_j) over the same, p = max(0, 1
///    − (1 − 0.2 λ)^m · (1 − λ)^(m (m − 1) / 2)), so that it takes several neighbours.
/// 2. One that did not hear it and is moderated turns into a stifler with probability ρ: if u ≥ 1 − (1 − p)
///    ρ.
/// 3. A spreader goes on if u < (1 − δ₀) (1 − α)^(neighbours that spread or stifle), otherwise it stifles.
/// 4. The local reward is −1 if spreading **after** the step, −c if acting, or both.
///
/// Stiflers stay so. There is no protection to build up: levels are 0, τ is 0. At the start max(1,
/// round(`startShare` · n)) nodes spread it.
package struct RumourDynamics: NetworkDynamics, TrainerSettings {
    /// How it is passed on.
    package enum Model: String, Sendable, Codable, CaseIterable {
        /// Each spreading neighbour alone may be enough.
        case simple
        /// Pairs of spreading neighbours count far more than single ones.
        case threshold
    }

    /// How it is passed on.
    package var model: Model
    /// λ, the probability that a spreading neighbour passes it on in a step.
    package var spreading: Double
    /// α, the probability that a neighbour who knows it makes a spreader lose interest in a step.
    package var stifling: Double
    /// δ₀, the probability that a spreader loses interest of itself in a step.
    package var forgetting: Double
    /// η, the part of a moderated node's spreading that is stopped.
    package var efficacy: Double
    /// ρ, the probability that an ignorant moderated node is warned for good in a step.
    package var prebunking: Double
    /// c, what moderating a node costs in a step; a spreading node costs 1.
    package var cost: Double
    /// The share of nodes that spread it at the start; at least one does.
    package var startShare: Double
    /// T, the steps of an episode.
    package var horizon: Int
    /// γ, the weight of the next step's reward against this one's.
    package var discount: Double

    /// The simple rumour of our reconstruction.
    package init() { self.init(model: .simple) }

    /// Makes a setting.
    package init(
        model: Model,
        spreading: Double = 0.4,
        stifling: Double = 0.05,
        forgetting: Double = 0.02,
        efficacy: Double = 0.7,
        prebunking: Double = 0.15,
        cost: Double = 0.05,
        startShare: Double = 0.05,
        horizon: Int = 30,
        discount: Double = 0.99
    ) {
        self.model = model
        self.spreading = spreading
        self.stifling = stifling
        self.forgetting = forgetting
        self.efficacy = efficacy
        self.prebunking = prebunking
        self.cost = cost
        self.startShare = startShare
        self.horizon = horizon
        self.discount = discount
    }

    /// No levels.
    package var ramp: Int { 0 }

    /// Ignorant, spreading, stifling.
    package var compartments: Int { 3 }

    /// λ, α, δ₀, η, ρ, c, and the share at the start.
    package var particularNames: [String] {
        ["spreading", "stifling", "forgetting", "efficacy", "prebunking", "cost", "startShare"]
    }

    package var particularNumbers: [Double] {
        get { [spreading, stifling, forgetting, efficacy, prebunking, cost, startShare] }
        set {
            (spreading, stifling, forgetting) = (newValue[0], newValue[1], newValue[2])
            (efficacy, prebunking, cost, startShare) = (newValue[3], newValue[4], newValue[5], newValue[6])
        }
    }

    /// λ, 10 α, 10 δ₀, η, ρ and 10 c.
    package var rates: [Float] {
        [spreading, 10 * stifling, 10 * forgetting, efficacy, prebunking, 10 * cost].map { Float($0) }
    }

    /// What becomes of one node in a step.
    @inline(__always)
    package func advance(_ node: Int, _ step: NetworkStep) -> NodeOutcome {
        let acts = step.actions[node] != 0
        let uniform = step.uniforms[node]
        var compartment = step.compartments[node]
        switch compartment {
        case NodeStates.open:
            let heard = heard(node, step)
            if uniform < heard {
                compartment = NodeStates.active
            } else if acts, uniform >= 1 - (1 - heard) * Float(prebunking) {
                compartment = NodeStates.closed
            }
        case NodeStates.active:
            var goesOn = 1 - Float(forgetting)
            for index in Int(step.offsets[node])..<Int(step.offsets[node + 1])
            where step.compartments[Int(step.neighbours[index])] != NodeStates.open {
                goesOn *= 1 - Float(stifling)
            }
            if uniform >= goesOn { compartment = NodeStates.closed }
        default: break
        }
        let spreads: Float = compartment == NodeStates.active ? 1 : 0
        return NodeOutcome(
            compartment: compartment,
            level: 0,
            reward: -spreads - (acts ? Float(cost) : 0)
        )
    }

    /// The probability that an ignorant node hears it.
    @inline(__always)
    private func heard(_ node: Int, _ step: NetworkStep) -> Float {
        let reach = 1 - Float(efficacy)
        var (escape, mass): (Float, Float) = (1, 0)
        for index in Int(step.offsets[node])..<Int(step.offsets[node + 1]) {
            let neighbour = Int(step.neighbours[index])
            guard step.compartments[neighbour] == NodeStates.active else { continue }
            let weight = step.actions[neighbour] != 0 ? reach : 1
            escape *= 1 - Float(spreading) * weight
            mass += weight
        }
        guard model == .threshold, mass > 0 else { return 1 - escape }
        let (count, rate) = (Double(mass), spreading)
        return Float(max(0, 1 - pow(1 - 0.2 * rate, count) * pow(1 - rate, count * (count - 1) / 2)))
    }

    /// Checks ranges.
    ///
    /// - Throws: `SettingsFault` naming the field.
    package func validate() throws(SettingsFault) {
        try DynamicsRanges.share(spreading, "spreading")
        try DynamicsRanges.share(stifling, "stifling")
        try DynamicsRanges.share(forgetting, "forgetting")
        try DynamicsRanges.share(efficacy, "efficacy")
        try DynamicsRanges.share(prebunking, "prebunking")
        try DynamicsRanges.common(self)
    }
}
