internal import Aggregation
internal import Contract
internal import Nodes
internal import Topology
internal import Trainers

/// The methods that a reproduction of PubSwap (arXiv:2604.12160) compares.
///
/// All take the same number of optimiser steps on groups of the same size. Public steps take the place of
/// private ones; they are not extra.
enum ReproductionMethod: String, CaseIterable, Codable, Sendable {
    case balanced, none, random, replaceAll, privateOnly, fedProx, localOnly, centralised

    /// The method as tables show it.
    var title: String {
        switch self {
        case .balanced: "balanced swap"
        case .none: "no swap"
        case .random: "random pool"
        case .replaceAll: "replace all"
        case .privateOnly: "private only"
        case .fedProx: "FedProx"
        case .localOnly: "local only"
        case .centralised: "centralised"
        }
    }

    /// What it does, in a line.
    var explanation: String {
        switch self {
        case .balanced:
            "public steps; wrong answers are replaced by others' right ones until half of a group is right"
        case .none: "public steps, each client with its own answers alone"
        case .random:
            "public steps; each client gets as many answers as it gave, drawn from all, right or wrong"
        case .replaceAll: "public steps; every wrong answer is replaced while others' right ones last"
        case .privateOnly: "no public step; the adapters are averaged after each round"
        case .fedProx: "private only, with a pull towards the last average; its weight is not tuned"
        case .localOnly: "every client alone, evaluated on all topics, the mean over clients"
        case .centralised:
            "one learner with all private questions and all clients' prompts in every step, never merged"
        }
    }

    /// Whether clients are merged after rounds, so that a federation has to be run.
    var isFederated: Bool { self != .localOnly && self != .centralised }

    /// The topology of one run.
    ///
    /// - Parameters:
    ///   - base: What all methods have in common. Its rounds times their steps are the budget.
    ///   - steps: The steps of a round, a divisor of the budget; a centralised run has one round.
    ///   - seed: The federation's seed: data, samples, the adapter's first values.
    ///   - proximalWeight: FedProx's μ.
    /// - Throws: `NodeError` for a base that the methods cannot be applied to; `SettingsFault`.
    func topology(
        from base: Topology,
        steps: Int,
        seed: UInt64,
        proximalWeight: Double
    ) throws -> Topology {
        let budget = base.rounds.count * base.rounds.steps
        guard steps > 0, budget.isMultiple(of: steps) else {
            throw NodeError(
                .configuration,
                "\(steps) steps per round do not divide the budget of \(budget) steps"
            )
        }
        guard base.trainer.name == RLVRTrainer.name else {
            throw NodeError(
                .configuration,
                "trainer '\(base.trainer.name)': this study is about '\(RLVRTrainer.name)'"
            )
        }
        var topology = ReproductionMethod.withoutHaste(base)
        topology.seed = seed
        topology.rounds.count = budget / steps
        topology.rounds.steps = steps
        switch self {
        case .balanced: topology.pool = BalancedRule.name
        case .none: topology.pool = NoPoolRule.name
        case .random: topology.pool = RandomRule.name
        case .replaceAll: topology.pool = ReplaceAllRule.name
        case .privateOnly, .localOnly: topology.rounds.localPerPublic = steps
        case .fedProx:
            topology.rounds.localPerPublic = steps
            topology.trainer.settings = try topology.trainer.settings
                .setting("proximalWeight", to: "\(proximalWeight)")
        case .centralised: topology = try ReproductionMethod.pooled(topology)
        }
        return topology
    }

    /// Waits for every client however long it takes, since a skipped step would make results depend on time.
    private static func withoutHaste(_ base: Topology) -> Topology {
        var topology = base
        topology.rounds.quorum = base.clients.count
        topology.rounds.deadlines.start = .seconds(86_400)
        topology.rounds.deadlines.publicStep = .seconds(86_400)
        topology.rounds.deadlines.update = .seconds(86_400)
        topology.rounds.deadlines.heartbeat = .seconds(60)
        topology.rounds.deadlines.idle = .seconds(3_600)
        return topology
    }

    /// One client in one round with the batch of all, so that as many answers are sampled in all.
    private static func pooled(_ base: Topology) throws -> Topology {
        var topology = base
        let settings = try RLVRSettings(json: base.trainer.settings.json)
        topology.trainer.settings = try base.trainer.settings
            .setting("promptsPerStep", to: "\(settings.promptsPerStep * base.clients.count)")
        topology.rounds.steps = base.rounds.count * base.rounds.steps
        topology.rounds.count = 1
        topology.rounds.localPerPublic = topology.rounds.steps
        topology.rounds.quorum = 1
        topology.clients = Array(base.clients.prefix(1))
        topology.clients[0].name = "all"
        return topology
    }
}
