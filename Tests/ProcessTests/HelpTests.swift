import Foundation
import Testing

extension ProcessTests {
    /// `--help`.
    @Suite(.serialized)
    struct HelpTests {
        static let subcommands = [
            "provision", "up", "status", "stop", "simulate", "report", "evaluate", "generate", "convert",
            "pretrain",
            "trajectories",
            "macrostates", "features", "network", "reproduce", "bench", "inspect", "validate",
        ]
        static let nested = [
            "provision all", "provision authority", "provision request", "provision sign",
            "provision install",
            "reproduce pubswap", "reproduce hyperattention", "reproduce ret",
            "reproduce feature-blocking", "reproduce stacca", "trajectories record", "trajectories info",
            "macrostates learn",
            "macrostates fit", "macrostates name",
            "macrostates show", "features train", "features discover", "features show", "features info",
            "network evaluate", "network render", "network act", "bench gemm", "bench train",
            "bench generate", "bench rlvr", "bench wire", "bench ret", "bench features", "bench network",
        ]

        /// The lines of the examples, each with the lines it was broken into, and the options of the rest.
        private func parts(_ help: String) -> (examples: [String], options: Set<Substring>) {
            var examples: [String] = []
            var options: Set<Substring> = []
            var inExamples = false
            for line in help.split(separator: "\n", omittingEmptySubsequences: false) {
                if line.hasPrefix("EXAMPLE") {
                    inExamples = true
                } else if line.isEmpty || line.hasPrefix("EXIT") {
                    inExamples = false
                } else if inExamples, line.hasPrefix("    "), let last = examples.indices.last {
                    examples[last] += " " + line
                } else if inExamples, line.hasPrefix("  ") {
                    examples.append(String(line))
                } else if inExamples, let last = examples.indices.last {
                    examples[last] += " " + line
                } else if line.hasPrefix("  -") {
                    options.formUnion(flags(line))
                }
            }
            return (examples, options)
        }

        private func flags(_ text: some StringProtocol) -> [Substring] {
            text.split { " ,[]".contains($0) }.filter { $0.hasPrefix("--") && $0.count > 2 }.map {
                Substring($0)
            }
        }

        @Test("every command's help has examples whose options exist", .timeLimit(.minutes(1)))
        func examplesAreTrue() async throws {
            try await Bench.with { bench in
                var options: [String: Set<Substring>] = [:]
                var examples: [String] = []
                let commands =
                    ["coordinator", "client"]
                    + (Self.subcommands + Self.nested).map { "tributary " + $0 }
                for command in commands {
                    var words = command.split(separator: " ").map(String.init)
                    let help = try await bench.succeed(
                        words.removeFirst(),
                        words + ["--help"],
                        environment: ["COLUMNS": "200"]
                    )
                    let found = parts(help)
                    #expect(!found.examples.isEmpty, "\(command) --help has no examples")
                    options[command] = found.options
                    examples += found.examples
                }
                // Its options are those of the subcommand that it stands for.
                options["tributary provision"] = options["tributary provision all"]
                for example in examples {
                    let line = example.split(separator: " ").joined(separator: " ") + " "
                    let name = commands.filter { line.hasPrefix($0 + " ") }.max {
                        $0.count < $1.count
                    }
                    let known = try #require(name.flatMap { options[$0] }, "'\(example)' is no command")
                    for flag in flags(example) { #expect(known.contains(flag), "\(flag) of '\(example)'") }
                }
            }
        }

        @Test("`tributary --help` lists every command", .timeLimit(.minutes(1)))
        func listsCommands() async throws {
            try await Bench.with { bench in
                let help = try await bench.succeed("tributary", ["--help"])
                let listed = help.split(separator: "\n").filter {
                    $0.hasPrefix("  ") && $0.dropFirst(2).first != " "
                }
                .compactMap { $0.split(separator: " ").first.map(String.init) }
                for command in Self.subcommands { #expect(listed.contains(command)) }
            }
        }
    }
}
