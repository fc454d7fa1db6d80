internal import Contract
internal import Glibc
internal import Randomness
internal import Tasks

/// How fast dynamics, rules and counterfactual replays are, on one core.
struct NetworkBench: Encodable {
    /// One environment on one graph.
    struct Row: Encodable {
        var environment: String
        var family: String
        var nodes: Int
        /// Steps of the recorded actions, nothing else: nodes · steps in a second.
        var environmentNodeStepsPerSecond: Double
        /// The same with rule h3 choosing the actions.
        var ruleNodeStepsPerSecond: Double
        /// The same with starts and random numbers drawn as well.
        var episodeNodeStepsPerSecond: Double
        /// One changed action, replayed for four steps.
        var replayMicroseconds: Double
        /// The share of replays that leave a different state.
        var replaysThatDiffer: Double
    }

    /// Epidemics and rumours on graphs of rising size.
    var rows: [Row]

    /// Measures; medians of `repeats` runs, in CPU time of this process.
    ///
    /// - Parameters:
    ///   - sizes: Numbers of nodes.
    ///   - repeats: How often each is measured, at least 1.
    /// - Throws: `NetworkFault` for sizes that a family does not have.
    init(sizes: [Int], repeats: Int) throws {
        rows = []
        for nodes in sizes {
            for family in [
                NetworkFamily.barabasiAlbert(edges: 2), .wattsStrogatz(neighbours: 4, rewiring: 0.1),
            ] {
                let network = try family.network(nodes: nodes, seed: 1)
                rows.append(NetworkBench.row("epidemic", EpidemicDynamics.range, network, repeats))
                rows.append(NetworkBench.row("rumour", RumourDynamics(), network, repeats))
                rows.append(
                    NetworkBench.row("rumour, threshold", RumourDynamics(model: .threshold), network, repeats)
                )
            }
        }
    }

    private static func seconds(_ work: () -> Void) -> Double {
        let begin = clock()
        work()
        return max(1e-9, Double(clock() - begin) / Double(CLOCKS_PER_SEC))
    }

    private static func row(
        _ name: String,
        _ dynamics: some NetworkDynamics,
        _ network: Network,
        _ repeats: Int
    ) -> Row {
        let (nodes, replays) = (network.nodeCount, 10_000)
        let count = max(4, 200_000 / (nodes * dynamics.horizon))
        let nodeSteps = Double(count * nodes * dynamics.horizon)
        var stream = RandomStream(seed: 1, "bench-network")
        let picks = (0..<replays).map { _ in
            (stream.below(count), stream.below(dynamics.horizon), stream.below(nodes))
        }
        var (drawn, ruled, alone, replayed): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        var different = 0
        for _ in 0..<repeats {
            var starts: [NetworkEpisode] = []
            drawn.append(
                seconds {
                    starts = (0..<count).map { NetworkEpisode(on: network, dynamics, seed: 1, key: $0) }
                }
            )
            var policy = RulePolicy(.hops(3), on: network, ramp: dynamics.ramp, stream: stream)
            var episodes = starts
            ruled.append(seconds { for index in episodes.indices { episodes[index].run(&policy, dynamics) } })
            let actions = episodes.map(\.actions)
            alone.append(
                seconds {
                    for index in starts.indices {
                        for step in 0..<dynamics.horizon {
                            starts[index].step(dynamics) { chosen, _, _ in
                                for node in 0..<nodes { chosen[node] = actions[index][step * nodes + node] }
                            }
                        }
                    }
                }
            )
            precondition(starts.map(\.rewards) == episodes.map(\.rewards), "the same actions, other episodes")
            var replay = CounterfactualReplay(nodes: nodes)
            different = 0
            replayed.append(
                seconds {
                    for (index, step, node) in picks {
                        let outcome = replay.flip(node, at: step, in: episodes[index], dynamics, steps: 4)
                        if !outcome.changed.isEmpty { different += 1 }
                    }
                }
            )
        }
        return Row(
            environment: name,
            family: network.family,
            nodes: nodes,
            environmentNodeStepsPerSecond: nodeSteps / (alone.median ?? 1),
            ruleNodeStepsPerSecond: nodeSteps / (ruled.median ?? 1),
            episodeNodeStepsPerSecond: nodeSteps / (zip(drawn, ruled).map(+).median ?? 1),
            replayMicroseconds: (replayed.median ?? 0) / Double(replays) * 1e6,
            replaysThatDiffer: Double(different) / Double(replays)
        )
    }
}
