import Foundation
import Testing

extension ProcessTests {
    /// `tributary up` and the processes it starts: none outlives it, and none takes the others with it.
    @Suite(.serialized)
    struct UpTests {
        /// The process ids of coordinator and clients of a run, as their locks have them; those that run alone.
        private func processes(_ out: String) -> [String: Int32] {
            let folders = ["coordinator": "coordinator"].merging(
                SmallTopology.clients.map { ($0, "clients/" + $0) }
            ) { first, _ in first }
            return folders.compactMapValues { folder in
                guard let data = FileManager.default.contents(atPath: "\(out)/\(folder)/lock"),
                    let text = String(data: data, encoding: .utf8),
                    let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)),
                    kill(process, 0) == 0
                else { return nil }
                return process
            }
        }

        private func start(_ topology: SmallTopology, _ bench: Bench) throws -> (
            Child, out: String, file: String
        ) {
            let file = try bench.write("topology.yaml", topology.text)
            let out = bench.path("run")
            return (try bench.start("tributary", ["up", file, "--out", out]), out, file)
        }

        private func hasBegun(_ out: String) async throws -> Bool {
            try await eventually {
                let log = FileManager.default.contents(atPath: out + "/logs/max.log") ?? Data()
                return String(decoding: log, as: UTF8.self).contains("round began")
                    && processes(out).count == 4
            }
        }

        @Test(
            "killed, it takes its processes with it, and started again the run goes on",
            .timeLimit(.minutes(2))
        )
        func killed() async throws {
            try await Bench.with { bench in
                let (up, out, file) = try start(SmallTopology(delayMs: 200), bench)
                try #require(try await hasBegun(out), "\(up.output)")
                await up.killNow()
                #expect(
                    try await eventually { processes(out).isEmpty },
                    "they drain when their parent is gone"
                )
                try await bench.succeed("tributary", ["up", file, "--out", out])
                #expect(try await Federation.adapter(below: out + "/coordinator") == Federation.undisturbed())
            }
        }

        @Test("what no run made is not written over, and nothing is begun", .timeLimit(.minutes(1)))
        func foreign() async throws {
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", "# mine\n" + SmallTopology().text)
                let folder = (file as NSString).deletingLastPathComponent
                for command in ["up", "simulate"] {
                    let words = ["topology.yaml: cannot be written: it is there already, and no run made it"]
                    try await bench.fail(73, words, "tributary", [command, file, "--out", folder])
                }
                let text = String(
                    decoding: FileManager.default.contents(atPath: file) ?? Data(),
                    as: UTF8.self
                )
                #expect(text.hasPrefix("# mine\n"))
                #expect(!FileManager.default.fileExists(atPath: folder + "/data.json"))
            }
        }

        @Test("while processes of the run are there, it names them", .timeLimit(.minutes(2)))
        func inUse() async throws {
            try await Bench.with { bench in
                let (up, out, file) = try start(SmallTopology(delayMs: 20_000), bench)
                try #require(try await hasBegun(out), "\(up.output)")
                let inUse = try await bench.run("tributary", ["up", file, "--out", out])
                #expect(inUse.code == 75)
                #expect(inUse.output.contains("in use by process \(up.pid)"), "\(inUse.output)")
                let client = try #require(processes(out)["max"])
                await up.killNow()
                // The slow client is in a step of twenty seconds.
                let left = try await bench.run("tributary", ["up", file, "--out", out])
                #expect(left.code == 75)
                #expect(left.output.contains("max (process \(client))"), "\(left.output)")
                kill(client, SIGKILL)
            }
        }

        @Test(
            "a first signal drains, and the exit code says which one it was; a second one ends all at once",
            .timeLimit(.minutes(2)),
            arguments: [(SIGINT, 80), (SIGTERM, 80), (SIGHUP, 80), (SIGINT, 20_000)]
        )
        func stopped(signal: Int32, delayMs: Int) async throws {
            try await Bench.with { bench in
                let (up, out, _) = try start(SmallTopology(rounds: 20, delayMs: delayMs), bench)
                try #require(try await hasBegun(out), "\(up.output)")
                up.send(signal)
                try #require(try await eventually { up.output.contains("Stopping") })
                if delayMs > 1000 { up.send(SIGINT) }
                let code = await up.exit()
                #expect(code == 128 + signal, "\(up.output)")
                #expect(up.output.contains("The same command goes on"))
                #expect(try await eventually { processes(out).isEmpty })
            }
        }

        @Test("a client and a coordinator that are killed are started again", .timeLimit(.minutes(2)))
        func healed() async throws {
            try await Bench.with { bench in
                let (up, out, _) = try start(SmallTopology(delayMs: 300), bench)
                try #require(try await hasBegun(out), "\(up.output)")
                for name in ["inc", "coordinator"] { kill(try #require(processes(out)[name]), SIGKILL) }
                let code = await up.exit()
                #expect(code == 0, "\(up.output)")
                #expect(up.output.contains("inc was ended by signal 9; it is started again in 1 s"))
                #expect(try await Federation.adapter(below: out + "/coordinator") == Federation.undisturbed())
            }
        }

        @Test("a client without its state hears of the end of a finished run again", .timeLimit(.minutes(2)))
        func forgetful() async throws {
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", SmallTopology().text)
                for command in ["up", "simulate"] {
                    let out = bench.path(command)
                    try await bench.succeed("tributary", [command, file, "--out", out])
                    try FileManager.default.removeItem(atPath: out + "/clients/inc")
                    try await bench.succeed("tributary", [command, file, "--out", out])
                    #expect(FileManager.default.fileExists(atPath: out + "/clients/inc/snapshot"))
                }
            }
        }

        @Test("a run does not go on with other data, and port 0 is another port if the first is taken")
        func changed() async throws {
            try await Bench.with { bench in
                let lines = (0..<20).map { #"{"question": "\#($0)+1=", "answer": "\#($0 + 1)"}"# }
                let data = try bench.write("own.jsonl", lines.joined(separator: "\n") + "\n")
                let file = try bench.write("topology.yaml", SmallTopology(port: 0).text)
                let run = ["up", file, "--out", bench.path("run"), "--data", data]
                try await bench.succeed("tributary", run)
                let topology = try String(contentsOfFile: bench.path("run/topology.yaml"), encoding: .utf8)
                let port = try #require(topology.firstMatch(of: /port: (\d+)/).flatMap { Int($0.1) })
                let taken = try FreePort.occupy(port)
                defer { close(taken) }
                let again = try await bench.succeed("tributary", run)
                #expect(again.contains("'coordinator.port' is"), "\(again)")

                try await bench.fail(
                    65,
                    ["clients[inc].data.path: it had", "--data"],
                    "tributary",
                    ["up", file, "--out", bench.path("run")]
                )
                try bench.write("own.jsonl", lines.dropLast().joined(separator: "\n") + "\n")
                try await bench.fail(65, ["own.jsonl' has changed since"], "tributary", run)
            }
        }
    }
}
