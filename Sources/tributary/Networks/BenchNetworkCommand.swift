internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Report
internal import Tasks
internal import Tensors
internal import TributaryKit

struct BenchNetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Measures environments on networks, simple rules, and counterfactual replays.",
        discussion: """
            Node-steps a second on one core: the environment with given actions, with a rule
            that chooses them, and with starts and random numbers as well.

            EXAMPLES
              tributary bench network
              tributary bench network --sizes 20,1000 --out run/bench-network.json
            """
    )

    @Option(help: ArgumentHelp("Numbers of nodes, with commas.", valueName: "numbers"))
    var sizes = "20,80,1000,5000"

    @Option(help: ArgumentHelp("How often each is measured.", valueName: "number"))
    var repeats = 5

    @Option(help: ArgumentHelp("Where the JSON goes; shown if not given.", valueName: "file"))
    var out: String?

    private var counts: [Int] { sizes.split(separator: ",").compactMap { Int($0) } }

    func validate() throws {
        let numbers = sizes.split(separator: ",", omittingEmptySubsequences: false)
        guard repeats > 0, counts.count == numbers.count,
            counts.allSatisfy({ (5...Network.nodesMax).contains($0) })
        else { throw ValidationError("repeats: at least 1; sizes: 5 … \(Network.nodesMax), with commas.") }
    }

    private struct Record: Encodable {
        var machine: [String: String]
        var repeats: Int
        var rows: [NetworkBench.Row]
    }

    func run() async throws {
        try await Failure.reporting("tributary bench network") {
            Compute.configure(threads: 1)
            let bench = try NetworkBench(sizes: counts, repeats: repeats)
            let facts = StudyMachine.facts.prefix(2).map { ($0.name, $0.value) }
            let record = Record(
                machine: Dictionary(facts) { first, _ in first },
                repeats: repeats,
                rows: bench.rows
            )
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            let json = try encoder.encode(record)
            if let out {
                try json.write(to: URL(filePath: out), options: .atomic)
                print("wrote \(out)")
            } else {
                print(String(decoding: json, as: UTF8.self))
            }
        }
    }
}
