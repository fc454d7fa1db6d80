import Foundation
import Randomness
import Testing

@testable import Tasks

@Suite struct NetworkEpisodeTests {
    private static let all: [any NetworkDynamics] = [
        EpidemicDynamics.range,
        EpidemicDynamics(transmission: 0.4, recovery: 0.2, efficacy: 0.7, ramp: 1, cost: 0.1),
        EpidemicDynamics(model: .sir, transmission: 0.5, recovery: 0.1, efficacy: 1, ramp: 2, cost: 0.1),
        RumourDynamics(), RumourDynamics(model: .threshold, spreading: 0.8),
    ]

    /// An episode of random actions.
    private func episode(_ network: Network, _ dynamics: any NetworkDynamics, _ key: Int) -> NetworkEpisode {
        var episode = NetworkEpisode(on: network, dynamics, seed: 6, key: key, isExploring: key % 2 == 1)
        var policy = RulePolicy(
            .drawn(probability: 0.6),
            on: network,
            ramp: dynamics.ramp,
            stream: RandomStream(seed: 6, "actions", key)
        )
        episode.run(&policy, dynamics)
        return episode
    }

    @Test("replaying some nodes after one changed action equals whole steps, to the bit")
    func replayEqualsSteps() throws {
        var stream = RandomStream(seed: 1, "flips")
        var different = 0
        for dynamics in Self.all {
            for family in [NetworkFamily.barabasiAlbert(edges: 2), .grid] {
                let network = try family.network(nodes: 20, seed: 3)
                let record = episode(network, dynamics, stream.below(100))
                var replay = CounterfactualReplay(nodes: 20)
                for _ in 0..<40 {
                    let (time, node) = (stream.below(dynamics.horizon), stream.below(20))
                    let steps = 1 + stream.below(6)
                    let outcome = replay.flip(node, at: time, in: record, dynamics, steps: steps)

                    var state = record.state(after: time)
                    var (sum, weight) = (0.0, 1.0)
                    var rewards = [Float](repeating: 0, count: 20)
                    let end = min(dynamics.horizon, time + steps)
                    for step in time..<end {
                        let row = record.rowRange(step)
                        var actions = Array(record.actions[row])
                        if step == time { actions[node] ^= 1 }
                        dynamics.step(
                            &state,
                            on: network,
                            actions: actions,
                            uniforms: Array(record.uniforms[row]),
                            rewards: &rewards
                        )
                        for (index, cell) in row.enumerated() {
                            sum += weight * (Double(rewards[index]) - Double(record.rewards[cell]))
                        }
                        weight *= dynamics.discount
                    }
                    let factual = record.state(after: end)
                    let changed = (0..<20).filter {
                        state.compartments[$0] != factual.compartments[$0]
                            || state.levels[$0] != factual.levels[$0]
                    }

                    #expect(outcome.steps == end - time)
                    #expect(abs(outcome.rewardDifference - sum) < 1e-5)
                    #expect(outcome.changed.map { $0.node } == changed)
                    #expect(outcome.changed.map { $0.compartment } == changed.map { state.compartments[$0] })
                    #expect(outcome.changed.map { $0.level } == changed.map { state.levels[$0] })
                    different += changed.isEmpty ? 0 : 1
                }
            }
        }
        #expect(different > 40)
    }

    @Test("rules act as their definitions say, by the distances of the whole graph")
    func rules() throws {
        let network = try ShippedNetwork.karate.network()
        let hops = network.hops()
        var stream = RandomStream(seed: 2, "rules")
        for index in 0..<30 {
            let state = EpidemicDynamics.range.exploringStart(on: network, stream: &stream)
            let nearest = (0..<34).map { (node: Int) -> Int in
                let active = (0..<34).filter { state.compartments[$0] == NodeStates.active }
                return active.reduce(1000) { min($0, Int(hops[node * 34 + $1])) }
            }
            func actions(_ rule: NetworkRule) -> [UInt8] {
                var policy = RulePolicy(rule, on: network, ramp: 5, stream: RandomStream(seed: 1, index))
                return policy.actions(state)
            }

            for count in 0...4 {
                let within = nearest.map { (distance: Int) -> UInt8 in distance <= count ? 1 : 0 }
                #expect(actions(.hops(count)) == within)
            }
            let hand = (0..<34).map { (node: Int) -> UInt8 in
                let isOpen = nearest[node] <= 4 && state.levels[node] < 5
                return nearest[node] <= 1 || isOpen ? 1 : 0
            }
            #expect(actions(.hand) == hand)
            #expect(actions(.none) == [UInt8](repeating: 0, count: 34))
            #expect(actions(.all) == [UInt8](repeating: 1, count: 34))
        }
    }

    @Test("exactly the share of nodes with the highest degrees acts, ties or not")
    func topDegree() throws {
        let grid = try NetworkFamily.grid.network(nodes: 20, seed: 1)
        var policy = RulePolicy(.topDegree(share: 0.25), on: grid, ramp: 5, stream: RandomStream(seed: 1))
        let actions = policy.actions(NodeStates(nodes: 20))
        let chosen = (0..<20).filter { actions[$0] == 1 }

        #expect(chosen == [6, 7, 8, 11, 12])
    }

    @Test("a random rule acts as often as it should")
    func random() throws {
        let network = try NetworkFamily.grid.network(nodes: 100, seed: 1)
        var policy = RulePolicy(
            .drawn(probability: 0.3),
            on: network,
            ramp: 5,
            stream: RandomStream(seed: 1)
        )
        let acting = (0..<100).reduce(0) { sum, _ in
            sum + policy.actions(NodeStates(nodes: 100)).reduce(0) { $0 + Int($1) }
        }

        #expect(abs(Double(acting) / 10_000 - 0.3) < 0.02)
    }

    @Test("rules are read back from their names, and nothing else is a rule")
    func names() {
        let rules: [NetworkRule] = [
            .none, .all, .drawn(probability: 0.5), .topDegree(share: 0.25), .hops(0), .hops(12), .hand,
        ]
        for rule in rules { #expect(NetworkRule(name: rule.name) == rule) }
        #expect(NetworkRule(name: "hand") == .hand)
        for name in ["", "h", "h-1", "hx", "random", "random-2", "own-4-1-0.9", "degree-x", "all-1"] {
            #expect(NetworkRule(name: name) == nil, "\(name)")
        }
    }

    @Test("returns depend on the seed, and not on the cores or on other episodes")
    func cores() throws {
        let networks = try (0..<3).map { try NetworkFamily.grid.network(nodes: 20 + 4 * $0, seed: 1) }
        func returns(_ cores: Int, seed: UInt64 = 1) -> [Double] {
            RuleEvaluation.returns(
                .drawn(probability: 0.4),
                on: networks,
                networks.map { _ in EpidemicDynamics.s1 },
                seed: seed,
                episodes: 3,
                cores: cores
            )
        }
        let one = returns(1)

        #expect(one.count == 9)
        #expect(Set(one).count > 6)
        #expect(returns(4) == one)
        #expect(returns(100) == one)
        #expect(returns(2, seed: 2) != one)
    }

    @Test("the return is the discounted mean reward, and shares count nodes and steps")
    func bookkeeping() throws {
        let pair = try Network(name: "pair", nodes: 2, edges: [(0, 1)])
        let dynamics = EpidemicDynamics(
            transmission: 1,
            recovery: 0,
            efficacy: 1,
            ramp: 1,
            cost: 0.5,
            discount: 0.5
        )
        var episode = NetworkEpisode(
            on: pair,
            start: NodeStates(compartments: [1, 0], levels: [0, 0]),
            uniforms: [Float](repeating: 0.5, count: 6)
        )
        episode.step([0, 1], dynamics)
        episode.step([0, 0], dynamics)
        episode.step([0, 0], dynamics)

        // Protected in step 0; infected in step 1.
        #expect(episode.state(after: 1).compartments == [1, 0])
        #expect(episode.state(after: 2).compartments == [1, 1])
        #expect(episode.discountedReturn(0.5) == -0.75 - 0.5 - 0.25)
        #expect(episode.shares.everActive == 1)
        #expect(episode.shares.peakActive == 1)
        #expect(abs(episode.shares.meanActive - 5.0 / 6) < 1e-12)
        #expect(abs(episode.shares.acting - 1.0 / 6) < 1e-12)
    }
}
