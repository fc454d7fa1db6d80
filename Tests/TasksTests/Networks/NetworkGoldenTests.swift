import Foundation
import Randomness
import Testing

@testable import Tasks

/// What `Golden/networks.py` computed with NumPy.
@Suite struct NetworkGoldenTests {
    private struct Constants: Decodable {
        var model: String
        var transmission: Double?
        var recovery: Double?
        var efficacy: Double
        var ramp: Int?
        var spreading: Double?
        var stifling: Double?
        var forgetting: Double?
        var prebunking: Double?
        var cost: Double
        var startShare: Double
        var horizon: Int
        var discount: Double

        func dynamics() throws -> any NetworkDynamics {
            if let transmission, let recovery, let ramp {
                return EpidemicDynamics(
                    model: try #require(.init(rawValue: model)),
                    transmission: transmission,
                    recovery: recovery,
                    efficacy: efficacy,
                    ramp: ramp,
                    cost: cost,
                    startShare: startShare,
                    horizon: horizon,
                    discount: discount
                )
            }
            return RumourDynamics(
                model: try #require(.init(rawValue: model)),
                spreading: try #require(spreading),
                stifling: try #require(stifling),
                forgetting: try #require(forgetting),
                efficacy: efficacy,
                prebunking: try #require(prebunking),
                cost: cost,
                startShare: startShare,
                horizon: horizon,
                discount: discount
            )
        }
    }

    private struct Episode: Decodable {
        struct Row: Decodable {
            var actions: String
            var compartments: String
            var levels: String
        }
        var graph: String
        var dynamics: Constants
        var rule: String
        var start: [Int]
        var salt: UInt32
        var steps: Int
        var rows: [Row]
        var `return`: Double
    }

    private struct Mean: Decodable {
        var graph: String
        var dynamics: Constants
        var rule: String
        var mean: Double
        var standardError: Double
    }

    private struct Numbers: Decodable {
        var episodes: [Episode]
        var means: [Mean]
    }

    private func numbers() throws -> Numbers {
        let file = try #require(Bundle.module.url(forResource: "networks", withExtension: "json"))
        return try JSONDecoder().decode(Numbers.self, from: Data(contentsOf: file))
    }

    private func network(_ name: String) throws -> Network {
        name == "karate"
            ? try ShippedNetwork.karate.network() : try NetworkFamily.grid.network(nodes: 20, seed: 1)
    }

    private func ramp(_ count: Int, _ salt: UInt32) -> [Float] {
        var state = salt
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) * 0x1p-24
        }
    }

    @Test("followed node by node, every action, compartment and level is the same")
    func episodes() throws {
        for golden in try numbers().episodes {
            let (network, dynamics) = (try network(golden.graph), try golden.dynamics.dynamics())
            var start = NodeStates(nodes: network.nodeCount)
            for node in golden.start { start.compartments[node] = 1 }
            var episode = NetworkEpisode(
                on: network,
                start: start,
                uniforms: ramp(golden.steps * network.nodeCount, golden.salt)
            )
            var policy = RulePolicy(
                try #require(NetworkRule(name: golden.rule)),
                on: network,
                ramp: dynamics.ramp,
                stream: RandomStream(seed: 1)
            )
            episode.run(&policy, dynamics)

            func text(_ values: ArraySlice<UInt8>) -> String { values.map(String.init).joined() }
            let name = "\(golden.graph) \(golden.dynamics.model) \(golden.rule)"
            #expect(golden.rows.count == golden.steps)
            for (step, row) in golden.rows.enumerated() {
                #expect(text(episode.actions[episode.rowRange(step)]) == row.actions, "\(name), step \(step)")
                let after = episode.rowRange(step + 1)
                #expect(text(episode.compartments[after]) == row.compartments, "\(name), step \(step)")
                #expect(text(episode.levels[after]) == row.levels, "\(name), step \(step)")
            }
            #expect(abs(episode.discountedReturn(dynamics.discount) - golden.return) < 1e-5, "\(name)")
        }
    }

    @Test("mean returns of the rules agree within the errors of both sides")
    func means() throws {
        for golden in try numbers().means {
            let returns = RuleEvaluation.returns(
                try #require(NetworkRule(name: golden.rule)),
                on: [try network(golden.graph)],
                [try golden.dynamics.dynamics()],
                seed: 11,
                episodes: 60,
                cores: 2
            )
            let mean = returns.reduce(0, +) / 60
            let variance = returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 59
            let error = (variance / 60 + golden.standardError * golden.standardError).squareRoot()

            #expect(
                abs(mean - golden.mean) < 4 * error,
                "\(golden.graph) \(golden.rule): \(mean), NumPy \(golden.mean), error \(error)"
            )
        }
    }
}
