internal import Contract
internal import Digest
internal import Nodes
internal import Topology
internal import Trainers

/// Everything that a reproduction runs, in a fixed order.
struct ReproductionPlan: Sendable {
    /// A setting that all methods are run in.
    struct Setup: Sendable {
        /// Its name: a preset's, or the topology's.
        var name: String
        /// What all methods start from.
        var topology: Topology
        /// SHA-256 of its base model's weights.
        var baseModel: String

        /// The optimiser steps of a run.
        var budget: Int { topology.rounds.count * topology.rounds.steps }
    }

    /// The settings.
    var setups: [Setup]
    /// Steps of a round, each to be tried; nil for those of each setting's topology.
    var steps: [Int]?
    /// The methods, without repeats.
    var methods: [ReproductionMethod]
    /// The seeds, without repeats.
    var seeds: [UInt64]
    /// FedProx's μ.
    var proximalWeight: Double

    /// The steps of a round to try in a setting.
    func steps(in setup: Setup) -> [Int] { steps ?? [setup.topology.rounds.steps] }

    /// SHA-256 of a topology's base model, as its members compare it.
    static func baseModel(of topology: Topology) throws -> String {
        let parts = try Job(topology, .shipped).fingerprint()
        return parts.first { $0.name == "base model" }?.value ?? ""
    }

    /// All runs: setting by setting, then by steps, then seed by seed, so that an interrupted reproduction has
    /// whole pairs. A centralised run does not depend on the steps of a round and is there once.
    ///
    /// - Throws: What `ReproductionMethod.topology(from:steps:seed:proximalWeight:)` throws.
    func cells() throws -> [ReproductionCell] {
        var cells: [ReproductionCell] = []
        for setup in setups {
            for (index, steps) in steps(in: setup).enumerated() {
                for seed in seeds {
                    for method in methods where index == 0 || method != .centralised {
                        cells.append(try cell(setup, method, steps: steps, seed: seed))
                    }
                }
            }
        }
        return cells
    }

    private func cell(
        _ setup: Setup,
        _ method: ReproductionMethod,
        steps: Int,
        seed: UInt64
    ) throws -> ReproductionCell {
        let topology = try method.topology(
            from: setup.topology,
            steps: steps,
            seed: seed,
            proximalWeight: proximalWeight
        )
        var sources = setup.topology
        sources.seed = seed
        var content = Array((method.rawValue + topology.resolvedYAML).utf8)
        // A centralised learner's topology does not say whose questions it has.
        if method == .centralised { content += sources.resolvedYAML.utf8 }
        return ReproductionCell(
            setup: setup.name,
            method: method,
            steps: topology.rounds.steps,
            seed: seed,
            topology: topology,
            sources: sources,
            fingerprint: SHA256Digest(of: content + setup.baseModel.utf8)
        )
    }
}

/// One run of one method.
struct ReproductionCell: Sendable {
    /// The setting's name.
    var setup: String
    /// The method.
    var method: ReproductionMethod
    /// Steps of a round; for a centralised run the whole budget.
    var steps: Int
    /// The seed.
    var seed: UInt64
    /// What is run.
    var topology: Topology
    /// The federation whose private questions a centralised run has.
    var sources: Topology
    /// SHA-256 of everything that decides the result, apart from the program.
    var fingerprint: SHA256Digest

    /// A name for files and messages.
    var name: String { "\(setup)-\(steps)-\(seed)-\(method.rawValue)" }
}
