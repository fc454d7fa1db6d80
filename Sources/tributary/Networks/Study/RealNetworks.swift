internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// Networks that somebody measured: the two that are written down here, and files.
struct RealNetworks {
    /// Edge lists, GML or CSV.
    var files: [String]

    private func networks() throws -> [Network] {
        let sources =
            [NetworkSource.shipped(.karate), .shipped(.florentine)]
            + files.map { .files([$0], largestComponent: true) }
        return try sources.flatMap { try $0.networks() }
    }

    /// The method's policies beside rules on each network.
    func table(_ trials: [NetworkTrial], isQuick: Bool) throws -> StudyTable {
        let dynamics = ContainmentRecipe.dynamics
        let rows = try networks().map { network -> [StudyTable.Cell] in
            let view = try NetworkView(network, dynamics)
            let count = isQuick ? 8 : 24
            var (greedy, sampled, gaps, hand): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
            for trial in trials {
                let seed = trial.policy.seed
                let policy = try trial.policy.policy(dynamics)
                let held = HeldOutEpisodes([view], seed: seed, count: count)
                let rules = RuleReturns([view], seed: seed, episodes: count)
                greedy.append(held.returns(policy, .greedy).mean ?? .nan)
                sampled.append(held.returns(policy, .sampled).mean ?? .nan)
                gaps.append((greedy.last ?? .nan) - rules.best.value)
                hand.append((greedy.last ?? .nan) - (rules.values[NetworkRule.hand.name] ?? .nan))
            }
            return [
                .text(network.name), .number(Double(network.nodeCount)), .number(Double(network.edgeCount)),
                .spread(greedy), .spread(sampled), .spread(gaps), .spread(hand),
            ]
        }
        return StudyTable(
            "Real networks",
            caption:
                "\(NetworkArm.stacca.name), trained on random graphs of 20 nodes alone. The best hop rule is chosen on each network itself.",
            header: [
                "network", "nodes", "edges", "return", "drawn actions", "less the best hop rule",
                "less the hand rule",
            ],
            rows: rows
        )
    }
}
