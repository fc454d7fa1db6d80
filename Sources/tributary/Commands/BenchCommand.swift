internal import ArgumentParser

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
