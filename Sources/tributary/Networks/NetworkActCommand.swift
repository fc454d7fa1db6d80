internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Nodes
internal import Tasks
internal import Tensors
internal import Trainers
internal import TributaryKit

struct NetworkActCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "act",
        abstract: "Reads states of a network and prints what the policy would do.",
        discussion: """
            One JSON object a line on standard input, one on standard output for each, so
            that another program can use the policy. A state has what each node is in,
            by name, and its level of protection, 0 where it is not given:
              {"states": ["infected", "susceptible", "susceptible"], "levels": [0, 2, 0]}
            What comes back: who acts, and the probability of acting of each node.
              {"act": [0, 1], "probabilities": [0.98, 0.83, 0.02]}

            EXAMPLE
              tributary network act run/epidemic/coordinator/adapter --network karate \\
                < states.jsonl
            """
    )

    @Argument(help: ArgumentHelp("The folder of the policy.", valueName: "directory"))
    var folder: String

    @Option(
        help: ArgumentHelp(
            "FAMILY:NODES:SEED, a name such as karate, or a file.",
            valueName: "network"
        )
    )
    var network: String

    @Option(help: "Numbers of the environment that are other, such as cost=0.1,transmission=0.7.")
    var circumstances = ""

    private struct Input: Decodable {
        var states: [String]
        var levels: [Int]?
    }

    private struct Output: Encodable {
        var act: [Int]
        var probabilities: [Double]
    }

    func run() async throws {
        try await Failure.reporting("tributary network act") {
            Compute.configure(threads: 1)
            let files = try PolicyFolder(reading: folder)
            let networks = try NetworkSource(text: network).networks()
            guard networks.count == 1 else {
                throw NodeError(.input, "--network: found \(networks.count) networks, expected one")
            }
            let (policy, view) = (
                try files.policy(), try NetworkView(networks[0], try files.dynamics(under: circumstances))
            )
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            var line = 0
            while let text = readLine() {
                line += 1
                guard !text.allSatisfy(\.isWhitespace) else { continue }
                let state = try state(text, line: line, files.environment, nodes: networks[0].nodeCount)
                let chances = policy.actingProbabilities(CodedState(view: view, state: state, time: 0))
                let output = Output(
                    act: chances.indices.filter { chances[$0] > 0.5 },
                    probabilities: chances.map { (Double($0) * 1e6).rounded() / 1e6 }
                )
                // Written at once: a program that asks state by state waits for it.
                FileHandle.standardOutput.write(try encoder.encode(output) + Data("\n".utf8))
            }
        }
    }

    private func state(
        _ text: String,
        line: Int,
        _ environment: NetworkEnvironment,
        nodes: Int
    ) throws -> NodeStates {
        func fault(_ reason: String) -> NodeError { NodeError(.input, "standard input:\(line): \(reason)") }
        guard let input = try? JSONDecoder().decode(Input.self, from: Data(text.utf8)) else {
            throw fault("found '\(text.prefix(60))', expected {\"states\": [names], \"levels\": [numbers]}")
        }
        guard input.states.count == nodes else {
            throw fault("'states' has \(input.states.count) names, expected one for each of \(nodes) nodes")
        }
        let (names, ramp) = (environment.compartments, environment.dynamics.ramp)
        var state = NodeStates(nodes: nodes)
        for (node, name) in input.states.enumerated() {
            guard let place = names.firstIndex(of: name) else {
                throw fault("'states[\(node)]' is '\(name)', expected \(names.joined(separator: ", "))")
            }
            state.compartments[node] = UInt8(place)
        }
        guard let levels = input.levels else { return state }
        guard levels.count == nodes else {
            throw fault("'levels' has \(levels.count) numbers, expected one for each of \(nodes) nodes")
        }
        for (node, level) in levels.enumerated() {
            guard (0...ramp).contains(level) else {
                throw fault("'levels[\(node)]' is \(level), expected 0 to \(ramp)")
            }
            state.levels[node] = UInt8(level)
        }
        return state
    }
}
