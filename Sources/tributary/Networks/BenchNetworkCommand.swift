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
        abstract: "Measures environments on networks, rules, replays, and learning as networks grow.",
        discussion: """
            Node-steps a second on one core: the environment with given actions, with a rule
            that chooses them, and with starts and random numbers as well. With --learning:
            an iteration of the trainer on one network of each size, with the slope in
            the number of nodes, for a linear critic and for one of all pairs.

            EXAMPLES
              tributary bench network
              tributary bench network --sizes 20,1000 --out run/bench-network.json
              tributary bench network --learning --sizes 20,80,320,1250,5000
            """
    )

    @Option(help: ArgumentHelp("Numbers of nodes, with commas.", valueName: "numbers"))
    var sizes = "20,80,1000,5000"

    @Option(help: ArgumentHelp("How often each is measured.", valueName: "number"))
    var repeats = 5

    @Flag(help: "Learning in place of environments.")
    var learning = false

    @Option(help: ArgumentHelp("With --learning: how many threads may work.", valueName: "number"))
    var threads = 1

    @Option(help: ArgumentHelp("Where the JSON goes; shown if not given.", valueName: "file"))
    var out: String?

    private var counts: [Int] { sizes.split(separator: ",").compactMap { Int($0) } }

    func validate() throws {
        let numbers = sizes.split(separator: ",", omittingEmptySubsequences: false)
        try FlagRange.require(repeats, in: 1...1000, "repeats")
        guard (1...1024).contains(threads), counts.count == numbers.count,
            counts.allSatisfy({ (5...Network.nodesMax).contains($0) }), counts == counts.sorted()
        else {
            throw ValidationError(
                "threads: 1 … 1024; sizes: 5 … \(Network.nodesMax), rising, with commas."
            )
        }
    }

    private struct Record<Row: Encodable>: Encodable {
        var machine: [String: String]
        var repeats: Int
        var threads: Int
        var rows: [Row]
    }

    func run() async throws {
        try await Failure.reporting("tributary bench network") {
            if let out { try OutputPath.requireFile(out) }
            Compute.configure(threads: learning ? threads : 1)
            if learning {
                try tell(NetworkScale(sizes: counts, repeats: repeats, threads: threads).rows)
            } else {
                try tell(NetworkBench(sizes: counts, repeats: repeats).rows)
            }
        }
    }

    private func tell(_ rows: [some Encodable]) throws {
        let facts = StudyMachine.facts.prefix(2).map { ($0.name, $0.value) }
        let record = Record(
            machine: Dictionary(facts) { first, _ in first },
            repeats: repeats,
            threads: learning ? threads : 1,
            rows: rows
        )
        try BenchCommand.tell(record, out: out)
    }
}
