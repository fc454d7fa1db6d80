import Foundation
import Testing

extension ProcessTests {
    /// SIGTERM and SIGHUP.
    @Suite(.serialized)
    struct SignalTests {
        @Test(
            "SIGTERM drains with exit code 0, and started again the run completes",
            .timeLimit(.minutes(2)),
            arguments: [Federation.everyone, [Federation.coordinator], ["inc", "max"]]
        )
        func drains(nodes: [String]) async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(delayMs: 80), in: bench)
                try run.start(Federation.everyone)
                try #require(await eventually { run.log("inc").contains("responses(round: 0, step: 2)") })
                for node in nodes { run.running[node]?.send(SIGTERM) }
                for node in nodes {
                    #expect(await run.running[node]?.exit() == 0, "\(node): \(run.log(node).suffix(600))")
                    #expect(run.log(node).contains("drained"), "\(node) says that it was drained")
                }
                try run.start(nodes)
                #expect(try await run.finish() == Federation.undisturbed())
            }
        }

        @Test(
            "SIGHUP after a revocation cuts the revoked client, which says so, and nobody else",
            .timeLimit(.minutes(2))
        )
        func revokes() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(delayMs: 400), in: bench)
                try run.start(Federation.everyone)
                try #require(await eventually { run.log("inc").contains("responses(round: 0, step: 2)") })
                try await bench.succeed(
                    "tributary",
                    ["provision", run.topologyFile, "--out", bench.path("identities"), "--revoke", "max"]
                )
                run.running[Federation.coordinator]?.send(SIGHUP)
                let code = try #require(await run.running["max"]?.exit())
                #expect(code == 77, "\(run.log("max").suffix(900))")
                #expect(run.log("max").lowercased().contains("revoked"))
                #expect(run.log(Federation.coordinator).contains("revocation list reread"))
                for node in [Federation.coordinator, "inc", "dec"] {
                    #expect(run.running[node]?.exitCode == nil, "\(node) goes on")
                }
                try run.start("max")
                let again = try #require(await run.running["max"]?.exit())
                #expect(again != 0, "a revoked certificate stays refused: \(run.log("max").suffix(900))")
            }
        }

        @Test("SIGHUP lets a client reread its certificate and go on", .timeLimit(.minutes(1)))
        func clientRereads() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(delayMs: 400), in: bench)
                try run.start(Federation.everyone)
                try #require(await eventually { run.log("inc").contains("round began") })
                try await bench.succeed(
                    "tributary",
                    ["provision", run.topologyFile, "--out", bench.path("identities"), "--renew", "inc"]
                )
                run.running["inc"]?.send(SIGHUP)
                try #require(await eventually { run.log("inc").contains("revocation list reread") })
                #expect(run.running["inc"]?.exitCode == nil, "\(run.log("inc").suffix(600))")
            }
        }

        @Test("a second SIGTERM ends a program at once", .timeLimit(.minutes(1)))
        func secondSignalEnds() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(delayMs: 30_000), in: bench)
                try run.start(Federation.everyone)
                try #require(await eventually { run.log("max").contains("round began") })
                // The client sleeps in a step; a first signal may wait for its end, a second may not.
                run.running["max"]?.send(SIGTERM)
                try await Task.sleep(for: .milliseconds(300))
                run.running["max"]?.send(SIGTERM)
                let start = ContinuousClock.now
                let code = try #require(await run.running["max"]?.exit())
                #expect(code == 0 || code == 128 + SIGTERM)
                #expect(ContinuousClock.now - start < .seconds(10))
            }
        }
    }
}
