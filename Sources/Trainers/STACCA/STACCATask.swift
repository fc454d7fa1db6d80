package import Contract
package import Models
internal import Randomness
package import Tasks

/// What a federation's members have in common: environment, coding and the shape of the policy.
struct STACCATask {
    let settings: STACCASettings
    let words: GraphPolicySettings
    let seed: UInt64
    let dynamics: any NetworkDynamics
    let coding: StateCoding

    /// Reads `model`, `adapter` and the settings.
    ///
    /// - Throws: `ConfigurationError` naming the line.
    init(_ settings: STACCASettings, _ run: RunContext) throws {
        self.settings = settings
        words = try GraphPolicySettings(run)
        seed = run.seed
        dynamics = settings.environment.dynamics
        coding = StateCoding(dynamics, hidesLevels: words.model.hidesLevels)
    }

    /// A fresh policy, the same for all members.
    func policy() throws -> GraphPolicy {
        try GraphPolicy(words, coding: coding, seed: seed, localHead: settings.localCriticHead)
    }

    /// A policy with an adapter's arrays.
    func policy(_ adapter: AdapterWeights) throws -> GraphPolicy {
        let policy = try policy()
        try policy.load(adapter)
        return policy
    }

    /// Start and noise of an episode that everyone can replay.
    ///
    /// - Parameter draws: What sampled actions are drawn from; nobody else has to know it.
    func start(
        on network: Network,
        place: Int,
        seed: UInt64,
        draws: RandomStream? = nil
    ) -> Rollout.Start {
        let record = NetworkEpisode(on: network, dynamics, seed: seed, key: 0)
        guard var draws else { return Rollout.Start(place: place, record: record) }
        let count = dynamics.horizon * network.nodeCount
        return Rollout.Start(
            place: place,
            record: record,
            draws: (0..<count).map { _ in Float(draws.uniform()) }
        )
    }
}
