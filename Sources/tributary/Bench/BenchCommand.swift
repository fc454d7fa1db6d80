internal import ArgumentParser
internal import Foundation

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast parts of the program are on this machine.",
        discussion: """
            The first five show a table: medians and ranges of several runs behind a warm-up,
            memory, what other programs took of the machine meanwhile, and the share of what
            the processor could do at best. With --against and --peers they run other
            programs by turns with this one (deploy/peers/README.md). Those behind them
            measure one trainer each, on one thread. TRIBUTARY_KERNELS in the environment
            (avx512, avx2 or scalar) holds matrix products to a lesser path.

            EXAMPLES
              tributary bench gemm --out run/bench-gemm.json
              tributary bench train --tiny --threads 1
              tributary bench ret --out run/bench-ret.json
              tributary bench features --out run/bench-features.json
              tributary bench network --out run/bench-network.json
            """,
        subcommands: [
            BenchGemmCommand.self, BenchTrainCommand.self, BenchGenerateCommand.self, BenchRLVRCommand.self,
            BenchWireCommand.self, BenchRETCommand.self, BenchFeaturesCommand.self, BenchNetworkCommand.self,
        ]
    )
}

extension BenchCommand {
    /// Writes what was measured to a file, or shows it.
    static func tell(_ record: some Encodable, out: String?) throws {
        if let out {
            try write(record, out: out)
        } else {
            print(String(decoding: try json(record), as: UTF8.self))
        }
    }

    /// Writes what was measured to a file.
    static func write(_ record: some Encodable, out: String) throws {
        try json(record).write(to: URL(filePath: out), options: .atomic)
        print("wrote \(out)")
    }

    private static func json(_ record: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(record)
    }
}
