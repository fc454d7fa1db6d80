/// What one or several steps did.
public struct StepReport: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The steps covered, within the round.
    public var steps: Range<Int>
    /// How many responses or labelled answers were learnt from.
    public var examples: Int
    /// Measurements by name; they go as they are into `metrics.jsonl` at the client and at the coordinator. Language
    /// trainers use TRL's names: `reward`, `reward_std`, `frac_reward_zero_std`, `loss`, `kl`, `entropy`,
    /// `clip_ratio`, `grad_norm`, `completions/mean_length`. Of a public step they are about the client's own
    /// responses, before any is replaced. Names that begin with `seconds/` are the host's.
    public var metrics: [String: Double]

    /// Makes a report.
    public init(round: Int, steps: Range<Int>, examples: Int, metrics: [String: Double]) {
        self.round = round
        self.steps = steps
        self.examples = examples
        self.metrics = metrics
    }

    /// The report over several steps of one round: examples add up, and each metric is the mean over
    /// the reports that have it.
    ///
    /// - Parameters:
    ///   - reports: One report for each step, in order; may be empty.
    ///   - plan: The steps they cover.
    public static func mean(of reports: [StepReport], for plan: StepPlan) -> StepReport {
        var sums: [String: (sum: Double, count: Int)] = [:]
        for report in reports {
            for (name, value) in report.metrics {
                let old = sums[name] ?? (0, 0)
                sums[name] = (old.sum + value, old.count + 1)
            }
        }
        return StepReport(
            round: plan.round,
            steps: plan.steps,
            examples: reports.reduce(0) { $0 + $1.examples },
            metrics: sums.mapValues { $0.sum / Double($0.count) }
        )
    }
}
