import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// What keeps programs from starting where their files are right: identities, ports, folders of other runs.
    @Suite(.serialized)
    struct StartFaultTests {
        @Test(
            "an identity that is missing, mixed up, open to others or somebody else's is refused",
            .timeLimit(.minutes(1))
        )
        func badIdentities() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(), in: bench)
                let files = FileManager.default
                func client(_ identity: String, name: String = "inc") -> [String] {
                    ["--name", name, "--topology", run.topologyFile, "--identity", identity]
                        + ["--state", bench.path("state")]
                }
                try await bench.fail(
                    78,
                    ["identity.crt does not exist"],
                    "client",
                    client(bench.path("nowhere"))
                )
                try await bench.fail(
                    78,
                    ["tributary://small/client/dec", "expected tributary://small/client/inc"],
                    "client",
                    client(run.identity("dec"))
                )
                try await bench.fail(
                    78,
                    ["has no client 'ward'", "inc, dec, max"],
                    "client",
                    client(run.identity("inc"), name: "ward")
                )
                try await bench.fail(
                    78,
                    ["expected tributary://small/coordinator"],
                    "coordinator",
                    ["--topology", run.topologyFile, "--identity", run.identity("inc")]
                        + ["--state", bench.path("state")]
                )

                let mixed = bench.path("mixed")
                try files.copyItem(atPath: run.identity("inc"), toPath: mixed)
                try files.removeItem(atPath: mixed + "/identity.key")
                try files.copyItem(
                    atPath: run.identity("dec") + "/identity.key",
                    toPath: mixed + "/identity.key"
                )
                try await bench.fail(
                    78,
                    ["identity.key is not the key of"],
                    "client",
                    client(mixed)
                )

                let open = bench.path("open")
                try files.copyItem(atPath: run.identity("inc"), toPath: open)
                try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: open + "/identity.key")
                try await bench.fail(78, ["mode 644", "chmod 600"], "client", client(open))
            }
        }

        @Test("without a revocation list nobody starts: it would revoke nobody", .timeLimit(.minutes(1)))
        func noRevocationList() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(), in: bench)
                for node in [Federation.coordinator, "inc"] {
                    try FileManager.default.removeItem(atPath: run.identity(node) + "/crl.pem")
                    let program = node == Federation.coordinator ? "coordinator" : "client"
                    try await bench.fail(78, ["crl.pem does not exist"], program, run.arguments(node))
                }
            }
        }

        @Test("`up` ends with the exit code of the process that failed", .timeLimit(.minutes(1)))
        func upPassesOn() async throws {
            let (descriptor, port) = FreePort.occupy()
            defer { close(descriptor) }
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", SmallTopology(port: port).text)
                try await bench.fail(
                    69,
                    ["coordinator ended with exit code 69", "taken by another program"],
                    "tributary",
                    ["up", file, "--out", bench.path("run")]
                )
            }
        }

        @Test("the units restart what may heal and nothing else")
        func units() throws {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            for unit in ["tributary-client@", "tributary-coordinator"] {
                let file = root.appending(path: "deploy/systemd/\(unit).service")
                let text = try String(contentsOf: file, encoding: .utf8)
                let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("RestartPrevent") })
                let codes = line.split(separator: "=")[1].split(separator: " ").compactMap { Int32($0) }
                #expect(
                    codes == [
                        EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_SOFTWARE, EX_CANTCREAT, EX_NOPERM, EX_CONFIG,
                    ]
                )
                #expect(text.contains("ExecReload=/bin/kill -HUP $MAINPID"))
            }
        }

        @Test("a port that is taken is named", .timeLimit(.minutes(1)))
        func portTaken() async throws {
            let (descriptor, port) = FreePort.occupy()
            defer { close(descriptor) }
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(port: port), in: bench)
                try await bench.fail(
                    69,
                    ["127.0.0.1:\(port)", "taken"],
                    "coordinator",
                    run.arguments(Federation.coordinator)
                )
            }
        }

        @Test("a state directory of another run, or in use, is refused", .timeLimit(.minutes(1)))
        func foreignState() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(), in: bench)
                try run.start(Federation.coordinator)
                try #require(await eventually { run.status != nil })
                let second = try bench.write("second.yaml", SmallTopology().text)
                let arguments =
                    ["--identity", run.identity(Federation.coordinator)]
                    + ["--state", run.state(Federation.coordinator)]
                try await bench.fail(
                    75,
                    ["is in use by process"],
                    "coordinator",
                    ["--topology", second] + arguments
                )
                await run.kill(Federation.coordinator)

                let seeded = try bench.write("seeded.yaml", SmallTopology(seed: 2).text)
                try await bench.fail(
                    78,
                    ["holds another run", "its seed is 1, this one's is 2"],
                    "coordinator",
                    ["--topology", seeded] + arguments
                )
                let other = try bench.write("other.yaml", SmallTopology(federation: "other").text)
                try await bench.succeed("tributary", ["provision", other, "--out", bench.path("others")])
                try await bench.fail(
                    78,
                    ["its federation is small, this one's is other"],
                    "coordinator",
                    ["--topology", other, "--identity", bench.path("others/coordinator")]
                        + ["--state", run.state(Federation.coordinator)]
                )
            }
        }

        @Test("the folder of another run is refused and left as it is", .timeLimit(.minutes(2)))
        func foreignFolder() async throws {
            try await Bench.with { bench in
                let file = try bench.write("t.yaml", SmallTopology().text)
                try await bench.succeed("tributary", ["simulate", file, "--out", bench.path("run")])
                let before = try String(contentsOfFile: bench.path("run/topology.yaml"), encoding: .utf8)
                let other = try bench.write(
                    "other.yaml",
                    SmallTopology().text.replacing("rank: 2", with: "rank: 3")
                )
                for command in ["simulate", "up"] {
                    try await bench.fail(
                        78,
                        [
                            "holds another run: its topology differs from",
                            "other.yaml: 'adapter.rank' is 3, it was 2",
                        ],
                        "tributary",
                        [command, other, "--out", bench.path("run")]
                    )
                }
                #expect(
                    try String(contentsOfFile: bench.path("run/topology.yaml"), encoding: .utf8) == before
                )
            }
        }
    }
}
