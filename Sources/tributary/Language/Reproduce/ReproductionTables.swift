internal import Digest
internal import Report
internal import Topology
internal import TributaryKit

/// Puts results into the shape that the report module compares and draws.
struct ReproductionTables {
    /// What was run.
    let plan: ReproductionPlan
    /// The results of the plan's cells, in any order.
    let results: [CellResult]

    /// The methods in rows, setting by setting, with the pairs to compare.
    func reproduction() -> Reproduction {
        let setups = plan.setups
        return Reproduction(
            title: "PubSwap in small: \(setups.map(\.name).joined(separator: " and "))",
            topology: setups.map { "\($0.name) (digest \($0.topology.digest))" }.joined(separator: ", "),
            measure: CellResult.measure,
            base: setups.count == 1 ? Score.mean(bases(setups[0]).map(\.score)) : nil,
            methods: setups.flatMap(methods).filter { !$0.runs.isEmpty },
            comparisons: setups.flatMap(comparisons),
            settings: settings
        )
    }

    private func methods(in setup: ReproductionPlan.Setup) -> [Reproduction.Method] {
        var methods: [Reproduction.Method] = []
        if plan.setups.count > 1 {
            let runs = bases(setup).map { Reproduction.Run(seed: $0.seed, score: $0.score) }
            methods.append(.init(name: name("base", setup, steps: nil), runs: runs))
        }
        for steps in plan.steps(in: setup) {
            for method in plan.methods where method != .centralised {
                methods.append(row(method, setup, steps: steps))
            }
        }
        if plan.methods.contains(.centralised) {
            methods.append(row(.centralised, setup, steps: setup.budget))
        }
        return methods
    }

    private func row(
        _ method: ReproductionMethod,
        _ setup: ReproductionPlan.Setup,
        steps: Int
    ) -> Reproduction.Method {
        let runs = results.filter { $0.setup == setup.name && $0.method == method && $0.steps == steps }
        return .init(
            name: name(method, setup, steps: steps),
            runs: runs.sorted { $0.seed < $1.seed }.map { result in
                .init(seed: result.seed, score: result.passAt1, metrics: result.metrics)
            }
        )
    }

    /// The base model's score by seed, since the seed also draws the held-out questions.
    private func bases(_ setup: ReproductionPlan.Setup) -> [(seed: UInt64, score: Score)] {
        plan.seeds.sorted().compactMap { seed in
            let scores = results.lazy.filter { $0.setup == setup.name && $0.seed == seed }.compactMap(\.base)
            return scores.first.map { (seed, $0) }
        }
    }

    private func comparisons(in setup: ReproductionPlan.Setup) -> [Reproduction.Comparison] {
        let pairs: [(ReproductionMethod, ReproductionMethod)] = [
            (.privateOnly, .localOnly), (.none, .privateOnly), (.balanced, .none), (.balanced, .privateOnly),
            (.random, .none), (.random, .balanced), (.replaceAll, .balanced), (.fedProx, .privateOnly),
            (.centralised, .balanced),
        ]
        return plan.steps(in: setup).flatMap { steps in
            pairs.map { better, worse in
                let first = better == .centralised ? setup.budget : steps
                return .init(
                    name(better, setup, steps: first),
                    against: name(worse, setup, steps: steps)
                )
            }
        }
    }

    // MARK: - Names

    private func name(
        _ method: ReproductionMethod,
        _ setup: ReproductionPlan.Setup,
        steps: Int
    ) -> String {
        let shows = method != .centralised && plan.steps(in: setup).count > 1
        return name(method.title, setup, steps: shows ? steps : nil)
    }

    /// A title with what tells it from its namesakes in other settings.
    private func name(_ title: String, _ setup: ReproductionPlan.Setup, steps: Int?) -> String {
        var parts = [title]
        if plan.setups.count > 1 { parts.append(setup.name) }
        if let steps { parts.append("S \(steps)") }
        return parts.joined(separator: ", ")
    }

    // MARK: - Words

    private var settings: [Setting] {
        var rows = [
            Setting("what this can show", ReproductionTables.shown),
            Setting("what it cannot", ReproductionTables.notShown),
        ]
        for setup in plan.setups {
            let schedules = plan.steps(in: setup).map { "\(setup.budget / $0) × \($0)" }
            let rounds = setup.topology.rounds
            rows.append(
                Setting(
                    "setting \(setup.name)",
                    "\(setup.topology.clients.count) clients; \(setup.budget) optimiser steps in rounds of "
                        + "\(schedules.joined(separator: ", ")) steps; where there are public "
                        + "steps, one after every \(rounds.localPerPublic) local ones; base model SHA-256 \(setup.baseModel)"
                )
            )
        }
        rows += plan.methods.map { Setting($0.title, $0.explanation) }
        if plan.methods.contains(.fedProx) {
            rows.append(Setting("FedProx's weight μ", "\(plan.proximalWeight)"))
        }
        return rows + [
            Setting(
                "seeds",
                plan.seeds.map { "\($0)" }.joined(separator: ", ") + "; a seed decides the questions, "
                    + "the samples and the adapter's first values, but not the base model"
            ),
            Setting("drift, FedIT gap", "means over the rounds of a run"),
            Setting(
                "silent, silent left",
                "the part of public groups that teach nothing, before and after the swap"
            ),
            Setting("swaps", "responses that others' took the place of, for each public group"),
            Setting("MB", "sent by all, both ways, as the coordinator counted"),
        ]
    }

    /// What the figures can show.
    static let shown = """
        How the methods compare under one budget, ties and losses included. Expect the swap's own gain to be small \
        where clients synchronise often and see similar questions, and clear only where they are far apart: long \
        rounds, separate data. Much of what public steps gain over private training comes from public questions as \
        such, without any swap.
        """

    /// What they cannot.
    static let notShown = """
        Any number of the paper (arXiv:2604.12160), which trains language models of billions of parameters on \
        mathematics and medicine. These are small models and short runs; the errors cover questions and samples, not \
        the making of the base model.
        """
}
