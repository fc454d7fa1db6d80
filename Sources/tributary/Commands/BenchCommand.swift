internal import ArgumentParser
internal import Foundation

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast parts of the program are on this machine.",
        discussion: """
            Medians of several runs on one thread, as JSON. OPENBLAS_CORETYPE and
            OPENBLAS_L2_SIZE in the environment slow matrix products: unset them.

            EXAMPLES
              tributary bench ret --out run/bench-ret.json
              tributary bench features --out run/bench-features.json
              tributary bench network --out run/bench-network.json
            """,
        subcommands: [BenchRETCommand.self, BenchFeaturesCommand.self, BenchNetworkCommand.self]
    )
}

extension BenchCommand {
    /// Writes what was measured to a file, or shows it.
    static func tell(_ record: some Encodable, out: String?) throws {
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
