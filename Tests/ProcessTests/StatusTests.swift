import Foundation
import Testing

extension ProcessTests {
    /// `tributary status` and `tributary stop`.
    @Suite(.serialized)
    struct StatusTests {
        private func operatorIdentity(_ run: Federation, _ bench: Bench) async throws -> String {
            try await bench.succeed(
                "tributary",
                ["provision", run.topologyFile, "--out", bench.path("identities"), "--add", "operator/kim"]
            )
            return bench.path("identities/operators/kim")
        }

        @Test(
            "a running federation is asked from its state and from afar, and stopped by an operator",
            .timeLimit(.minutes(2))
        )
        func asksAndStops() async throws {
            try await Bench.with { bench in
                let topology = SmallTopology(delayMs: 500)
                let run = try await Federation(topology, in: bench)
                let address = ["--coordinator", "127.0.0.1:\(topology.port)", "--identity"]
                let kim = try await operatorIdentity(run, bench)
                try run.start(Federation.everyone)
                try #require(await eventually { run.log("inc").contains("responses(round: 0, step: 2)") })
                try #require(await eventually { run.status?.waitingFor == ["max"] })

                let here = try await bench.succeed(
                    "tributary",
                    ["status", run.state(Federation.coordinator)]
                )
                let number = run.running[Federation.coordinator]?.pid ?? 0
                #expect(
                    here.contains("small  round 1 of 2, clients train  (running, process \(number))"),
                    "\(here)"
                )
                #expect(here.contains("waiting for   max since 20"), "\(here)")
                #expect(here.contains("coordinator until ") && here.contains("max until "), "\(here)")
                let there = try await bench.succeed(
                    "tributary",
                    ["status"] + address + [kim, "--format", "json"]
                )
                #expect(
                    there.contains(#""kind":"coordinator""#) && there.contains(#""waitingFor":["max"]"#),
                    "\(there)"
                )
                var client = ""
                for _ in 0..<100 where !client.contains("waiting for the others' responses, round 1 of 2") {
                    client = try await bench.succeed("tributary", ["status", run.state("inc")])
                }
                #expect(
                    client.contains("inc of small") && client.contains("\(topology.port)  connected"),
                    "\(client)"
                )
                let refused = try await bench.run("tributary", ["status"] + address + [run.identity("inc")])
                #expect(refused.code == 78 && refused.output.contains("not of an operator"), "\(refused)")

                let stopped = try await bench.succeed("tributary", ["stop"] + address + [kim])
                #expect(stopped.contains("drains in round 1 of 2"))
                #expect(await run.running[Federation.coordinator]?.exit() == 0)
                #expect(run.log(Federation.coordinator).contains("an operator stops the coordinator"))
                let gone = try await bench.run("tributary", ["status"] + address + [kim])
                #expect(gone.code == 69, "\(gone)")

                let ended = try await bench.succeed("tributary", ["stop", run.state("inc")])
                #expect(ended.contains("drains") && ended.contains("stopped"))
                #expect(await run.running["inc"]?.exit() == 0)
                let twice = try await bench.succeed("tributary", ["stop", run.state("inc")])
                #expect(twice.contains("not running"))
                let idle = try await bench.succeed("tributary", ["status", run.state("inc")])
                #expect(idle.contains("NOT RUNNING"), "\(idle)")

                try run.start(Federation.coordinator, "inc")
                #expect(try await run.finish() == Federation.undisturbed())
                let over = try await bench.succeed("tributary", ["status", run.state("inc"), "--follow"])
                #expect(over.contains("finished, 2 rounds  (ended)"), "\(over)")
            }
        }

        @Test(
            "a folder without state is no federation, and the error says what was expected",
            .timeLimit(.minutes(1))
        )
        func nothingThere() async throws {
            try await Bench.with { bench in
                for command in ["status", "stop"] {
                    let result = try await bench.run("tributary", [command, bench.path("nowhere")])
                    #expect(
                        result.code == 66 && result.output.contains("neither the state directory"),
                        "\(result)"
                    )
                }
                let half = try await bench.run("tributary", ["status", "--coordinator", "host:1"])
                #expect(half.code == 64)
                let bad = try await bench.run(
                    "tributary",
                    ["stop", "--coordinator", "host", "--identity", "x"]
                )
                #expect(bad.code == 64 && bad.output.contains("expected HOST:PORT"), "\(bad)")
            }
        }
    }
}
