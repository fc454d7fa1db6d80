import Contract
import Randomness
import Testing

@testable import Tasks

/// The laws of the dynamics, for drawn states, actions and graphs.
@Suite struct NetworkDynamicsTests {
    private static let all: [any NetworkDynamics] = [
        EpidemicDynamics.range, EpidemicDynamics.s1,
        EpidemicDynamics(model: .sir, transmission: 0.3, recovery: 0.3, efficacy: 0.7, ramp: 1, cost: 0.1),
        RumourDynamics(), RumourDynamics(model: .threshold),
    ]

    private func graphs() throws -> [Network] {
        try [
            NetworkFamily.barabasiAlbert(edges: 2).network(nodes: 30, seed: 8),
            NetworkFamily.grid.network(nodes: 20, seed: 8), ShippedNetwork.karate.network(),
            Network(name: "lonely", nodes: 3, edges: []),
        ]
    }

    private func state(_ nodes: Int, _ dynamics: any NetworkDynamics, _ stream: inout RandomStream)
        -> NodeStates
    {
        var state = NodeStates(nodes: nodes)
        for node in 0..<nodes {
            state.compartments[node] = UInt8(stream.below(dynamics.compartments))
            state.levels[node] = UInt8(stream.below(dynamics.ramp + 1))
        }
        return state
    }

    private func bits(_ nodes: Int, _ stream: inout RandomStream) -> [UInt8] {
        (0..<nodes).map { _ in UInt8(stream.below(2)) }
    }

    private func noise(_ nodes: Int, _ stream: inout RandomStream) -> [Float] {
        (0..<nodes).map { _ in Float(stream.nextWord() >> 8) * 0x1p-24 }
    }

    private func step(
        _ state: NodeStates,
        _ network: Network,
        _ dynamics: any NetworkDynamics,
        _ actions: [UInt8],
        _ uniforms: [Float]
    ) -> (state: NodeStates, rewards: [Float]) {
        var (state, rewards) = (state, [Float](repeating: 0, count: state.nodeCount))
        dynamics.step(&state, on: network, actions: actions, uniforms: uniforms, rewards: &rewards)
        return (state, rewards)
    }

    /// How often node 0 of a star is active after a step, with its neighbours 1, 2, … as given.
    private func share(
        _ dynamics: any NetworkDynamics,
        own: (UInt8, UInt8, UInt8),
        neighbours: [(UInt8, UInt8, UInt8)],
        becomes compartment: UInt8
    ) throws -> Double {
        let nodes = [own] + neighbours
        let network = try Network(
            name: "star",
            nodes: nodes.count,
            edges: neighbours.indices.map { (0, $0 + 1) }
        )
        let state = NodeStates(compartments: nodes.map(\.0), levels: nodes.map(\.1))
        var stream = RandomStream(seed: 3, "share")
        var count = 0
        for _ in 0..<20_000 {
            let after = step(state, network, dynamics, nodes.map(\.2), noise(nodes.count, &stream)).state
            if after.compartments[0] == compartment { count += 1 }
        }
        return Double(count) / 20_000
    }

    @Test("an epidemic's probabilities are those of the formula")
    func epidemicProbabilities() throws {
        let dynamics = EpidemicDynamics(transmission: 0.4, recovery: 0.3, efficacy: 0.8, ramp: 2, cost: 0.1)
        // (compartment, level, action): level 1, acting, is protected in this step, level 2, resting, not.
        let open = try share(
            dynamics,
            own: (0, 0, 0),
            neighbours: [(1, 0, 0), (1, 1, 1), (1, 2, 0), (0, 0, 0)],
            becomes: 1
        )
        let guarded = try share(dynamics, own: (0, 1, 1), neighbours: [(1, 0, 0), (1, 0, 1)], becomes: 1)
        let alone = try share(dynamics, own: (0, 0, 0), neighbours: [(0, 0, 0)], becomes: 1)
        let recovers = try share(dynamics, own: (1, 0, 0), neighbours: [(1, 0, 0)], becomes: 0)

        #expect(abs(open - (1 - 0.6 * 0.92 * 0.6)) < 0.015)
        #expect(abs(guarded - 0.2 * (1 - 0.6 * 0.6)) < 0.015)
        #expect(alone == 0)
        #expect(abs(recovers - 0.3) < 0.015)
    }

    @Test("a rumour's probabilities are those of the formula")
    func rumourProbabilities() throws {
        let simple = RumourDynamics(model: .simple, efficacy: 0.5)
        let threshold = RumourDynamics(model: .threshold, efficacy: 0.5)
        let two: [(UInt8, UInt8, UInt8)] = [(1, 0, 0), (1, 0, 0), (2, 0, 0)]
        let heard = try share(simple, own: (0, 0, 0), neighbours: [(1, 0, 0), (1, 0, 1)], becomes: 1)
        let warned = try share(simple, own: (0, 0, 1), neighbours: [(1, 0, 0)], becomes: 2)
        let stifles = try share(simple, own: (1, 0, 0), neighbours: two + [(0, 0, 0)], becomes: 2)
        let one = try share(threshold, own: (0, 0, 0), neighbours: [(1, 0, 0)], becomes: 1)
        let pair = try share(threshold, own: (0, 0, 0), neighbours: two, becomes: 1)

        #expect(abs(heard - (1 - 0.6 * 0.8)) < 0.015)
        #expect(abs(warned - 0.6 * 0.15) < 0.01)
        #expect(abs(stifles - (1 - 0.98 * 0.95 * 0.95 * 0.95)) < 0.015)
        #expect(abs(one - 0.08) < 0.01)
        #expect(abs(pair - (1 - 0.92 * 0.92 * 0.6)) < 0.015)
    }

    @Test("levels climb by one for who acts, fall by one for who rests, and stay within 0 and τ")
    func levels() throws {
        var stream = RandomStream(seed: 1, "levels")
        let (network, dynamics) = (try ShippedNetwork.karate.network(), EpidemicDynamics.range)
        for _ in 0..<50 {
            let (before, actions) = (state(34, dynamics, &stream), bits(34, &stream))
            let after = step(before, network, dynamics, actions, noise(34, &stream)).state
            for node in 0..<34 {
                let change = actions[node] == 1 ? 1 : -1
                #expect(Int(after.levels[node]) == min(5, max(0, Int(before.levels[node]) + change)))
            }
        }
    }

    @Test("only what may follow follows, and rewards are those of the state after the step")
    func conservation() throws {
        var stream = RandomStream(seed: 2, "conservation")
        let allowed: [String: Set<[UInt8]>] = [
            "sis": [[0, 0], [0, 1], [1, 1], [1, 0]], "sir": [[0, 0], [0, 1], [1, 1], [1, 2], [2, 2]],
            "rumour": [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]],
        ]
        for dynamics in Self.all {
            let kind = (dynamics as? EpidemicDynamics)?.model.rawValue ?? "rumour"
            var seen: Set<[UInt8]> = []
            for network in try graphs() {
                for _ in 0..<40 {
                    let count = network.nodeCount
                    let (before, actions) = (state(count, dynamics, &stream), bits(count, &stream))
                    let (after, rewards) = step(before, network, dynamics, actions, noise(count, &stream))
                    for node in 0..<count {
                        seen.insert([before.compartments[node], after.compartments[node]])
                        let active: Float = after.compartments[node] == 1 ? 1 : 0
                        let cost = actions[node] == 1 ? Float(dynamics.cost) : 0
                        #expect(rewards[node] == -active - cost)
                    }
                }
            }
            #expect(seen == allowed[kind])
        }
    }

    @Test("a step does not depend on how nodes are numbered")
    func permutation() throws {
        var stream = RandomStream(seed: 4, "permutation")
        let network = try NetworkFamily.barabasiAlbert(edges: 2).network(nodes: 30, seed: 8)
        var order = Array(0..<30)
        stream.shuffle(&order)
        let renamed = try Network(
            name: "renamed",
            nodes: 30,
            edges: network.edges.map { (order[$0.0], order[$0.1]) }
        )
        func moved<Value>(_ values: [Value]) -> [Value] {
            var result = values
            for node in 0..<30 { result[order[node]] = values[node] }
            return result
        }
        for dynamics in Self.all {
            let before = state(30, dynamics, &stream)
            let (actions, uniforms) = (bits(30, &stream), noise(30, &stream))
            let plain = step(before, network, dynamics, actions, uniforms)
            let other = step(
                NodeStates(compartments: moved(before.compartments), levels: moved(before.levels)),
                renamed,
                dynamics,
                moved(actions),
                moved(uniforms)
            )

            #expect(moved(plain.state.compartments) == other.state.compartments)
            #expect(moved(plain.state.levels) == other.state.levels)
            #expect(moved(plain.rewards) == other.rewards)
        }
    }

    @Test(
        "with common numbers more transmission, less efficacy, less recovery or fewer actions infect more"
    )
    func monotonicity() throws {
        var stream = RandomStream(seed: 5, "monotonicity")
        // On a grid a node has at most four neighbours; with small β every infection probability stays below
        // 1 − δ, so that whole runs keep their order, not only single steps.
        let network = try NetworkFamily.grid.network(nodes: 30, seed: 1)
        let base = EpidemicDynamics(transmission: 0.15, recovery: 0.2, efficacy: 0.5, ramp: 2, cost: 0)
        var (more, weaker, slower) = (base, base, base)
        more.transmission = 0.2
        weaker.efficacy = 0.3
        slower.recovery = 0.1
        for _ in 0..<20 {
            let start = state(30, base, &stream)
            var states = [NodeStates](repeating: start, count: 5)
            for _ in 0..<20 {
                let (actions, uniforms) = (bits(30, &stream), noise(30, &stream))
                let fewer = actions.enumerated().map { $0 % 3 == 0 ? 0 : $1 }
                let choices = [
                    (base, actions), (more, actions), (weaker, actions), (slower, actions), (base, fewer),
                ]
                for (index, (dynamics, actions)) in choices.enumerated() {
                    states[index] = step(states[index], network, dynamics, actions, uniforms).state
                    for node in 0..<30 {
                        #expect(states[index].compartments[node] >= states[0].compartments[node])
                    }
                }
            }
        }
    }

    @Test("starts have the number of active nodes that is set, and nobody protected")
    func starts() throws {
        for (nodes, count) in [(5, 1), (20, 1), (40, 2), (50, 3), (200, 10)] {
            let network = try NetworkFamily.barabasiAlbert(edges: 2).network(nodes: nodes, seed: 1)
            var stream = RandomStream(seed: 9, "start")
            let state = EpidemicDynamics.range.start(on: network, stream: &stream)

            #expect(state.activeCount == count)
            #expect(state.levels.allSatisfy { $0 == 0 })
        }
    }

    @Test("exploring starts show no infection in about a third, up to four times the usual, and every level")
    func exploring() throws {
        let network = try NetworkFamily.grid.network(nodes: 40, seed: 1)
        for dynamics in Self.all {
            var stream = RandomStream(seed: 9, "exploring")
            var counts: [Int] = []
            var levels: Set<UInt8> = []
            for _ in 0..<600 {
                let state = dynamics.exploringStart(on: network, stream: &stream)
                counts.append(state.activeCount)
                levels.formUnion(state.levels)
            }
            let most = 4 * dynamics.startCount(nodes: 40)

            #expect(counts.max() == most)
            let none = Double(counts.count { $0 == 0 }) / 600
            #expect(abs(none - (1.0 / 3 + 2.0 / 3 / Double(most + 1))) < 0.06)
            #expect(levels == Set((0...dynamics.ramp).map { UInt8($0) }))
        }
    }

    @Test("numbers out of range are named, and all shipped settings are in range")
    func ranges() throws {
        for dynamics in Self.all { try dynamics.validate() }
        func key(_ change: (inout EpidemicDynamics) -> Void) -> String {
            var dynamics = EpidemicDynamics()
            change(&dynamics)
            do throws(SettingsFault) {
                try dynamics.validate()
                return "none"
            } catch {
                return error.key
            }
        }

        #expect(key { $0.transmission = 1.2 } == "transmission")
        #expect(key { $0.recovery = -0.1 } == "recovery")
        #expect(key { $0.efficacy = .nan } == "efficacy")
        #expect(key { $0.ramp = 0 } == "ramp")
        #expect(key { $0.ramp = 101 } == "ramp")
        #expect(key { $0.cost = .infinity } == "cost")
        #expect(key { $0.startShare = 1.5 } == "startShare")
        #expect(key { $0.horizon = 0 } == "horizon")
        #expect(key { $0.discount = 1.01 } == "discount")
        #expect(throws: SettingsFault(key: "prebunking", reason: "found 2.0, expected 0 to 1")) {
            var rumour = RumourDynamics()
            rumour.prebunking = 2
            try rumour.validate()
        }
    }

    @Test("settings take defaults for what is not written and refuse what they do not know")
    func settings() throws {
        let read = try EpidemicDynamics(json: Array(#"{"model": "sir", "ramp": 3}"#.utf8))

        #expect(read.model == .sir)
        #expect(read.ramp == 3)
        #expect(read.transmission == 0.5)
        #expect(throws: ConfigurationError.self) { try EpidemicDynamics(json: Array(#"{"beta": 1}"#.utf8)) }
    }
}
