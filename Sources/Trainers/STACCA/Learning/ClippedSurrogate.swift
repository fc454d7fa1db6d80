internal import Glibc

/// PPO's clipped objective for one binary decision, with an entropy bonus:
/// −min(ρA, clip(ρ, 1 ± ε)A) − c·H with ρ = π(a) / π_old(a), as a function of the log-odds ℓ of acting.
struct ClippedSurrogate {
    /// The loss.
    let loss: Float
    /// d loss / d ℓ.
    let gradient: Float
    /// H in nats.
    let entropy: Float
    /// log π_old(a) − log π(a) + ρ − 1 (Schulman's estimate of the divergence KL(π_old ‖ π)), in nats.
    let divergence: Float
    /// Whether the ratio was clipped.
    let isClipped: Bool

    init(
        logit: Float,
        oldLogit: Float,
        acts: Bool,
        advantage: Float,
        clip: Float,
        entropyWeight: Float
    ) {
        let probability = logistic(logit)
        let sign: Float = acts ? 1 : -1
        let change = logLogistic(sign * logit) - logLogistic(sign * oldLogit)
        let ratio = expf(change)
        let bounded = min(max(ratio, 1 - clip), 1 + clip)
        isClipped = bounded * advantage < ratio * advantage
        entropy = -probability * logLogistic(logit) - (1 - probability) * logLogistic(-logit)
        divergence = ratio - 1 - change
        loss = -min(ratio * advantage, bounded * advantage) - entropyWeight * entropy
        // d log π(a) / d ℓ = 1[a] − π(1), and d H / d ℓ = −ℓ π(1) π(0).
        let slope = (acts ? 1 : 0) - probability
        gradient =
            (isClipped ? 0 : -advantage * ratio * slope)
            + entropyWeight * logit * probability * (1 - probability)
    }
}

/// 1 / (1 + e^−x).
func logistic(_ x: Float) -> Float { 1 / (1 + expf(-x)) }

/// log(1 / (1 + e^−x)).
func logLogistic(_ x: Float) -> Float { x < 0 ? x - log1pf(expf(x)) : -log1pf(expf(-x)) }
