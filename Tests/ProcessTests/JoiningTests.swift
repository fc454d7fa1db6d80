import Foundation
import Testing

extension ProcessTests {
    /// New members of a federation that runs.
    @Suite(.serialized)
    struct JoiningTests {
        private static func topology(_ newcomer: String?) -> SmallTopology {
            var topology = SmallTopology(rounds: 3, delayMs: 300)
            topology.listsMembers = false
            topology.newcomer = newcomer
            return topology
        }

        @Test(
            "a client that is added to the topology takes part from the next round on, without a restart of the others",
            .timeLimit(.minutes(2))
        )
        func joins() async throws {
            try await Bench.with { bench in
                var topology = Self.topology(nil)
                let run = try await Federation(topology, in: bench)
                let questions = (0..<40).map { #"{"question": "\#($0)+1=", "answer": "\#($0 + 1)"}"# }
                _ = try bench.write("questions.jsonl", questions.joined(separator: "\n"))
                try run.start(Federation.everyone)
                try #require(await eventually { run.log("inc").contains("responses(round: 0, step: 2)") })

                topology.newcomer = "elm"
                topology.delayMs = 200
                try run.rewrite(topology)
                run.running[Federation.coordinator]?.send(SIGHUP)
                let coordinator: () -> String = { run.log(Federation.coordinator) }
                try #require(await eventually { coordinator().contains("topology was not reread") })
                #expect(coordinator().contains("'clients[2].delay' is"), "\(coordinator().suffix(900))")

                topology.delayMs = 300
                try run.rewrite(topology)
                run.running[Federation.coordinator]?.send(SIGHUP)
                try #require(await eventually { coordinator().contains("take part from the next round on") })
                try await bench.succeed(
                    "tributary",
                    ["provision", run.topologyFile, "--out", bench.path("identities"), "--add", "elm"]
                )
                try run.start("elm")
                #expect(await run.running["elm"]?.exit() == 0, "\(run.log("elm").suffix(900))")
                _ = try await run.finish()

                let summary = try await bench.succeed(
                    "tributary",
                    ["inspect", run.state(Federation.coordinator)]
                )
                let rounds = summary.split(separator: "\n").filter { $0.contains("updates from") }
                #expect(!rounds[0].contains("elm") && rounds[2].contains("elm"), "\(rounds)")
            }
        }
    }
}
