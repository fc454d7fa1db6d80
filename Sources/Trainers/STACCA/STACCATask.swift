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
        coding = StateCoding(dynamics, words.model)
    }

    /// A mapping's networks and what is particular to them, checked; no distance is measured yet.
    ///
    /// - Throws: `ConfigurationError` naming the line; `NetworkFault` for files.
    func sites(_ data: Mapping, _ run: RunContext) throws -> [NetworkSite] {
        let sites = try NetworkSite.sites(data, run)
        for site in sites {
            _ = try dynamics(at: site, data)
            guard site.network.nodeCount <= NetworkView.nodesMax else {
                throw data.error(
                    site.place,
                    "the network '\(site.network.name)' has \(site.network.nodeCount) nodes, expected at most "
                        + "\(NetworkView.nodesMax)"
                )
            }
        }
        return sites
    }

    /// The same networks as models see them, each with what happens on it.
    ///
    /// - Throws: As `sites`.
    func views(_ data: Mapping, _ run: RunContext) throws -> [(group: String, view: NetworkView)] {
        try sites(data, run).map { ($0.group, try NetworkView($0.network, dynamics(at: $0, data))) }
    }

    private func dynamics(at site: NetworkSite, _ data: Mapping) throws -> any NetworkDynamics {
        do throws(SettingsFault) {
            return try dynamics.under(site.circumstances)
        } catch {
            throw data.error("\(site.place).circumstances.\(error.key)", error.reason)
        }
    }

    /// A public item's network and seed; nil where the bytes are none, or its numbers are out of range.
    func item(_ payload: [UInt8]) -> (view: NetworkView, seed: UInt64)? {
        guard let item = EpisodePayload.decode(payload, nodesMax: EpisodePayload.nodesMax),
            let dynamics = try? dynamics.with(particularNumbers: item.particulars),
            let view = try? NetworkView(item.network, dynamics)
        else { return nil }
        return (view, item.seed)
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
        on view: NetworkView,
        place: Int,
        seed: UInt64,
        draws: RandomStream? = nil
    ) -> Rollout.Start {
        let record = NetworkEpisode(on: view.network, view.dynamics, seed: seed, key: 0)
        guard var draws else { return Rollout.Start(place: place, record: record) }
        let count = dynamics.horizon * view.network.nodeCount
        return Rollout.Start(
            place: place,
            record: record,
            draws: (0..<count).map { _ in Float(draws.uniform()) }
        )
    }
}
