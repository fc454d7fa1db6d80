import Foundation
import Testing

extension ProcessTests {
    /// Policies on networks, from a federation of processes to the commands that use them.
    @Suite(.serialized)
    struct NetworkTests {
        private static func topology(port: Int) -> String {
            """
            federation: outbreak
            seed: 5
            coordinator: {port: \(port)}
            model: {width: 8, heads: 2, inner: 8, receptiveField: 2}
            trainer:
              name: stacca
              settings:
                environment: {kind: epidemic, epidemic: {horizon: 8, ramp: 2}}
                learning: {episodes: 2, warmUp: 1, epochs: 1, minibatches: 1}
                publicEpisodes: 2
                evaluationEpisodes: 1
            data:
              public: {networks: {family: erdosRenyi, nodes: 8, count: 2, seed: 1}}
              evaluation: {networks: [{family: grid, nodes: 8, count: 1, seed: 1}, {shipped: florentine}]}
            rounds: {count: 2, steps: 3, localPerPublic: 2, deadlines: {heartbeat: 500ms, idle: 20s}}
            clients:
              - {name: north, data: {networks: {family: grid, nodes: 9, count: 1, seed: 1}}}
              - {name: south, data: {networks: {family: barabasiAlbert, nodes: 8, count: 2, seed: 2}}}
            """
        }

        private func adapter(_ folder: String) throws -> Data {
            try Data(contentsOf: URL(filePath: folder + "/coordinator/adapter/adapter.safetensors"))
        }

        @Test(
            "a policy is the same from processes, of which one was killed, and from a simulation, and can be used",
            .timeLimit(.minutes(2))
        )
        func used() async throws {
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", Self.topology(port: FreePort.find()))
                try await bench.succeed("tributary", ["simulate", file, "--out", bench.path("simulated")])
                try await bench.succeed("tributary", ["provision", file, "--out", bench.path("identities")])
                func start(_ name: String) throws -> Child {
                    let isClient = name != "coordinator"
                    let identity = bench.path("identities/" + (isClient ? "clients/" : "") + name)
                    let state = bench.path("run/" + (isClient ? "clients/" : "") + name)
                    return try bench.start(
                        isClient ? "client" : "coordinator",
                        (isClient ? ["--name", name] : [])
                            + ["--topology", file, "--identity", identity, "--state", state],
                        log: name
                    )
                }
                let coordinator = try start("coordinator")
                let south = try start("south")
                let north = try start("north")
                try #require(await eventually { north.output.contains("round began") })
                await north.killNow()
                let again = try start("north")
                for child in [coordinator, south, again] {
                    let code = await child.exit()
                    try #require(code == 0, "\(child.output.suffix(1500))")
                }

                #expect(try adapter(bench.path("run")) == adapter(bench.path("simulated")))
                let policy = bench.path("simulated/coordinator/adapter")
                let table = try await bench.succeed(
                    "tributary",
                    ["network", "evaluate", policy, "--network", "karate", "--episodes", "1"]
                )
                #expect(table.contains("karate") && table.contains("best hop rule"))
                try await bench.fail(
                    65,
                    ["circumstances: 'price': there is no such number, expected one of transmission"],
                    "tributary",
                    ["network", "evaluate", policy, "--network", "karate", "--circumstances", "price=1"]
                )
                let free = try await bench.succeed(
                    "tributary",
                    ["network", "evaluate", policy, "--network", "karate", "--episodes", "1"]
                        + ["--circumstances", "transmission=0"]
                )
                #expect(free.contains("karate") && free != table)
                let page = bench.path("page.html")
                try await bench.succeed(
                    "tributary",
                    ["network", "render", policy, "--network", "grid:9:1", "--rule", "hand", "--out", page]
                )
                let html = try String(contentsOfFile: page, encoding: .utf8)
                #expect(html.contains("rule hand") && html.contains("id=\"scrub\"") && !html.contains("src="))
                try await acts(bench, policy)
            }
        }

        private func acts(_ bench: Bench, _ policy: String) async throws {
            let program = try Programs.path("tributary")
            func act(_ line: String) async throws -> (code: Int32, output: String) {
                try bench.write("state.jsonl", line + "\n")
                return try await bench.run(
                    "/bin/sh",
                    [
                        "-c",
                        "'\(program)' network act '\(policy)' --network grid:4:1 < '\(bench.path("state.jsonl"))'",
                    ]
                )
            }
            let states = #"["infected", "susceptible", "susceptible", "susceptible"]"#

            let good = try await act(#"{"states": \#(states), "levels": [0, 2, 1, 0]}"#)
            #expect(
                good.code == 0 && good.output.contains("\"act\":[") && good.output.contains("probabilities")
            )
            for (line, words) in [
                ("nonsense", "standard input:1: found 'nonsense', expected {\"states\""),
                (#"{"states": ["ill"]}"#, "'states' has 1 names, expected one for each of 4 nodes"),
                (
                    #"{"states": \#(states.replacing("infected", with: "ill"))}"#,
                    "'states[0]' is 'ill', expected susceptible, infected"
                ),
                (#"{"states": \#(states), "levels": [0, 3, 0, 0]}"#, "'levels[1]' is 3, expected 0 to 2"),
            ] {
                let bad = try await act(line)
                #expect(bad.code != 0 && bad.output.contains(words), "\(bad.output)")
            }
        }

        @Test("what is wrong with networks is named with its line", .timeLimit(.minutes(1)))
        func faults() async throws {
            try await Bench.with { bench in
                let coordinator = ["--as", "coordinator"]
                for (old, new, words, host) in [
                    (
                        "family: grid, nodes: 9", "family: gird, nodes: 9", "clients[0].data.networks.family",
                        []
                    ),
                    (
                        "ramp: 2", "ramp: 2, transmission: 1.5",
                        "epidemic.transmission': found 1.5, expected 0 to 1", []
                    ),
                    ("{shipped: florentine}", "{file: absent.edges}", "absent.edges", coordinator),
                    ("receptiveField: 2", "receptiveField: 0, heads: 3", "heads", []),
                ] {
                    let text = Self.topology(port: 1).replacing(old, with: new)
                    let file = try bench.write("wrong.yaml", text)
                    let (code, output) = try await bench.run("tributary", ["validate", file] + host)
                    #expect(code != 0 && output.contains(words), "\(new): \(output)")
                }
            }
        }
    }
}
