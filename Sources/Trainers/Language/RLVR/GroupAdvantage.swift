/// Group-relative advantages (DeepSeekMath, arXiv:2402.03300, section 4.1.2):
///
///     A_k = (R_k − m) / (s + 1e-6)
///
/// with m the mean and s the population standard deviation of the K rewards of one prompt. A silent
/// group, all rewards equal, has A = 0. Without the division it is Dr. GRPO's (arXiv:2503.20783).
enum GroupAdvantage {
    /// The advantages of one group with its statistics.
    struct Result: Equatable {
        /// A_k.
        var advantages: [Double]
        /// m.
        var mean: Double
        /// s, the population standard deviation.
        var deviation: Double

        /// Whether all rewards are equal, so that nothing can be learnt from the group.
        var isSilent: Bool { deviation == 0 }
    }

    /// Evaluates one group.
    ///
    /// - Parameters:
    ///   - rewards: R_k; at least one.
    ///   - normalise: Whether to divide by s + 1e-6.
    static func evaluate(rewards: [Double], normalise: Bool) -> Result {
        precondition(!rewards.isEmpty, "a group without responses")
        guard let first = rewards.first, rewards.contains(where: { $0 != first }) else {
            return Result(advantages: rewards.map { _ in 0 }, mean: rewards[0], deviation: 0)
        }
        let count = Double(rewards.count)
        let mean = rewards.reduce(0, +) / count
        let deviation = (rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        let scale = normalise ? 1 / (deviation + 1e-6) : 1
        return Result(advantages: rewards.map { ($0 - mean) * scale }, mean: mean, deviation: deviation)
    }

    /// What TRL logs of groups' rewards, as means over the groups: `reward`, `reward_std`, `frac_reward_zero_std`.
    static func metrics(of groups: [[Double]]) -> [String: Double] {
        let each = groups.filter { !$0.isEmpty }.map { evaluate(rewards: $0, normalise: false) }
        let count = Double(max(each.count, 1))
        return [
            "reward": each.reduce(0) { $0 + $1.mean } / count,
            "reward_std": each.reduce(0) { $0 + $1.deviation } / count,
            "frac_reward_zero_std": Double(each.count { $0.isSilent }) / count,
        ]
    }
}
