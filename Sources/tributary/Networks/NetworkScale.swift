internal import Contract
internal import Foundation
internal import Models
internal import Tasks
internal import Trainers

/// What learning costs as networks grow: an iteration on one network, with a critic whose attention looks at all pairs of
/// nodes, and with one that is linear in the nodes.
struct NetworkScale: Encodable {
    /// One size under one critic.
    struct Row: Encodable {
        var critic: String
        var nodes: Int
        /// Of an iteration: rolling out, values, counterfactuals, one epoch of both networks.
        var millisecondsPerStep: Double
        var microsecondsPerNodeStep: Double
        /// The exponent of n between this size and the one before it; nil for the first.
        var slope: Double?
        /// Most memory that this process has had so far; sizes rise, the linear critic comes first.
        var peakMebibytes: Double
    }

    /// The steps of an episode.
    static let horizon = 4

    /// The linear critic's sizes, then those of the critic of all pairs.
    var rows: [Row] = []

    /// Measures; medians of `repeats` iterations.
    ///
    /// - Parameters:
    ///   - sizes: Numbers of nodes, in rising order.
    ///   - threads: How many may work.
    init(sizes: [Int], repeats: Int, threads: Int) throws {
        for (name, attention) in [
            ("HyperAttention, linear", AnyAttention(HyperAttention())), ("softmax, all pairs", .softmax),
        ] {
            var before: Row?
            for nodes in sizes {
                var row = try Self.row(name, attention, nodes, repeats, threads)
                if let before {
                    row.slope =
                        log(row.millisecondsPerStep / before.millisecondsPerStep)
                        / log(Double(nodes) / Double(before.nodes))
                }
                rows.append(row)
                before = row
            }
        }
    }

    private static func row(
        _ name: String,
        _ attention: AnyAttention,
        _ nodes: Int,
        _ repeats: Int,
        _ threads: Int
    ) throws -> Row {
        var dynamics = EpidemicDynamics.range
        dynamics.horizon = horizon
        var words = GraphPolicySettings()
        words.model.criticAttention = attention
        var settings = LearningSettings()
        (settings.episodes, settings.minibatches, settings.epochs, settings.warmUp) = (1, 1, 1, 0)
        let network = try NetworkFamily.wattsStrogatz(neighbours: 4, rewiring: 0.1).network(
            nodes: nodes,
            seed: 1
        )
        let learner = PolicyLearner(
            try GraphPolicy(words, coding: StateCoding(dynamics, words.model), seed: 1),
            pool: [try NetworkView(network, dynamics)],
            settings: settings,
            seed: 1,
            name: "bench",
            threads: threads
        )
        _ = learner.iterate(0)
        let clock = ContinuousClock()
        let times = (0..<repeats).map { iteration -> Double in
            let begin = clock.now
            _ = learner.iterate(iteration + 1)
            return (clock.now - begin).inSeconds
        }
        let step = (times.median ?? 0) / Double(horizon)
        return Row(
            critic: name,
            nodes: nodes,
            millisecondsPerStep: step * 1e3,
            microsecondsPerNodeStep: step * 1e6 / Double(nodes),
            peakMebibytes: peakMebibytes
        )
    }

    private static var peakMebibytes: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return Double(usage.ru_maxrss) / 1024
    }
}
