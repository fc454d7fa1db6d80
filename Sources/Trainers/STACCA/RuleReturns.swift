package import Tasks

/// What simple rules come to on held-out episodes: what a policy has to be compared with.
package struct RuleReturns: Sendable {
    /// Discounted returns by the rule's name.
    package let values: [String: Double]

    /// The rules that are played: hop rules, doing nothing, always acting, and the rule that uses its own protection.
    package static let rules: [NetworkRule] =
        [.none, .all, .hand, .drawn(probability: 0.5), .topDegree(share: 0.25)]
        + (0...5).map { NetworkRule.hops($0) }
    /// Those that a figure shows.
    static let shown: [NetworkRule] = [.all, .hops(1), .hops(2), .hops(3), .hops(4), .hand]

    /// The best hop rule, by name; of several the one that looks least far.
    package var best: (name: String, value: Double) {
        var best = (name: "", value: -Double.infinity)
        for hops in 0...5 {
            let name = NetworkRule.hops(hops).name
            if let value = values[name], value > best.value { best = (name, value) }
        }
        return best
    }

    /// Plays all rules on networks.
    package init(_ views: [NetworkView], seed: UInt64, episodes: Int) {
        var values: [String: Double] = [:]
        for rule in Self.rules {
            values[rule.name] =
                RuleEvaluation.returns(
                    rule,
                    on: views.map(\.network),
                    views.map(\.dynamics),
                    seed: seed,
                    episodes: episodes
                ).mean
        }
        self.values = values
    }
}

extension NetworkRule {
    /// What tables and pages call it.
    package var shortName: String { self == .hand ? "hand" : name }
}
