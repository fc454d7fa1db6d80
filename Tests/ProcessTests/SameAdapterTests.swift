import Foundation
import Testing

extension ProcessTests {
    @Suite(.serialized)
    struct SameAdapterTests {
        @Test(
            "one process and several processes end with the same adapter, byte for byte, on every path of the products",
            .timeLimit(.minutes(3)),
            arguments: [nil, "avx2"]
        )
        func simulateEqualsUp(kernels: String?) async throws {
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", SmallTopology().text)
                let environment: [String: String?] = ["TRIBUTARY_KERNELS": kernels]
                var adapters: [Data] = []
                for repetition in 0..<2 {
                    for command in ["simulate", "up"] {
                        let out = bench.path("\(command)-\(repetition)")
                        try await bench.succeed(
                            "tributary",
                            [command, file, "--out", out],
                            environment: environment
                        )
                        adapters.append(try Federation.adapter(below: out + "/coordinator"))
                    }
                }
                #expect(Set(adapters) == [try await Federation.undisturbed()])
            }
        }

        @Test("the run learns something, and another seed gives another adapter", .timeLimit(.minutes(2)))
        func adapterDependsOnTheRun() async throws {
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", SmallTopology(seed: 2).text)
                try await bench.succeed("tributary", ["simulate", file, "--out", bench.path("run")])
                let other = try Federation.adapter(below: bench.path("run/coordinator"))
                let expected = try await Federation.undisturbed()
                #expect(other.count == expected.count)
                #expect(other != expected)
                let status = try JSONDecoder().decode(
                    Federation.Status.self,
                    from: Data(contentsOf: URL(fileURLWithPath: bench.path("run/coordinator/status.json")))
                )
                #expect(status.passAt1.count == 3)
                #expect(Set(status.passAt1).count == 3, "the adapter has not changed: \(status.passAt1)")
            }
        }

        @Test("a finished run started again ends at once with the same adapter", .timeLimit(.minutes(2)))
        func finishedRunStartsAgain() async throws {
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", SmallTopology().text)
                let out = bench.path("run")
                try await bench.succeed("tributary", ["up", file, "--out", out])
                let start = ContinuousClock.now
                try await bench.succeed("tributary", ["up", file, "--out", out])
                #expect(ContinuousClock.now - start < .seconds(20), "nobody waits for those who know already")
                #expect(try await Federation.adapter(below: out + "/coordinator") == Federation.undisturbed())
            }
        }
    }
}
