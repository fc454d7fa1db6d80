import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// What is wrong with files and arguments: exit code and message.
    @Suite(.serialized)
    struct FaultTests {
        /// Runs a program that has to fail, and checks its exit code and the words of its message.
        private func expect(
            _ code: Int32,
            _ words: [String],
            _ program: String,
            _ arguments: [String],
            in bench: Bench,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let result = try await bench.run(program, arguments)
            #expect(
                result.code == code,
                "\(program): \(result.output.suffix(900))",
                sourceLocation: sourceLocation
            )
            for word in words {
                #expect(
                    result.output.contains(word),
                    "'\(word)' in: \(result.output.suffix(900))",
                    sourceLocation: sourceLocation
                )
            }
        }

        @Test(
            "a malformed topology is refused with file, line, key, and what was expected",
            .timeLimit(.minutes(1))
        )
        func malformedTopology() async throws {
            try await Bench.with { bench in
                let text = SmallTopology().text
                let bad = try bench.write(
                    "bad.yaml",
                    text.replacing("rank: 2", with: "rank: many").replacing("  steps: 6", with: "  stepz: 6")
                )
                let words = [
                    "bad.yaml:9: key 'adapter.rank': found 'many', expected a whole number",
                    "key 'rounds.stepz': unknown key; did you mean 'steps'?",
                ]
                try await expect(78, words, "tributary", ["validate", bad], in: bench)
                try await expect(
                    78,
                    words,
                    "tributary",
                    ["simulate", bad, "--out", bench.path("run")],
                    in: bench
                )
                for program in ["coordinator", "client"] {
                    try await expect(
                        78,
                        words,
                        program,
                        (program == "client" ? ["--name", "inc"] : [])
                            + ["--topology", bad, "--identity", "none", "--state", bench.path("state")],
                        in: bench
                    )
                }
                let broken = try bench.write("broken.yaml", "federation: [small\nrounds:\n")
                try await expect(
                    78,
                    ["broken.yaml:", "not YAML"],
                    "tributary",
                    ["validate", broken],
                    in: bench
                )
                try await expect(
                    78,
                    ["absent.yaml"],
                    "tributary",
                    ["validate", bench.path("absent.yaml")],
                    in: bench
                )
            }
        }

        @Test("an unknown setting of the trainer is refused with the known ones", .timeLimit(.minutes(1)))
        func unknownSetting() async throws {
            try await Bench.with { bench in
                let file = try bench.write("t.yaml", SmallTopology(settings: ["samplesPerPromt: 4"]).text)
                let words = [
                    "t.yaml:24: key 'trainer.settings.samplesPerPromt': unknown key; did you mean 'samplesPerPrompt'?"
                ]
                try await expect(78, words, "tributary", ["validate", file], in: bench)
                try await expect(
                    78,
                    words,
                    "tributary",
                    ["simulate", file, "--out", bench.path("run")],
                    in: bench
                )
            }
        }

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
                try await expect(
                    78,
                    ["identity.crt does not exist"],
                    "client",
                    client(bench.path("nowhere")),
                    in: bench
                )
                try await expect(
                    78,
                    ["tributary://small/client/dec", "expected tributary://small/client/inc"],
                    "client",
                    client(run.identity("dec")),
                    in: bench
                )
                try await expect(
                    78,
                    ["has no client 'ward'", "inc, dec, max"],
                    "client",
                    client(run.identity("inc"), name: "ward"),
                    in: bench
                )
                try await expect(
                    78,
                    ["expected tributary://small/coordinator"],
                    "coordinator",
                    ["--topology", run.topologyFile, "--identity", run.identity("inc")]
                        + ["--state", bench.path("state")],
                    in: bench
                )

                let mixed = bench.path("mixed")
                try files.copyItem(atPath: run.identity("inc"), toPath: mixed)
                try files.removeItem(atPath: mixed + "/identity.key")
                try files.copyItem(
                    atPath: run.identity("dec") + "/identity.key",
                    toPath: mixed + "/identity.key"
                )
                try await expect(
                    78,
                    ["identity.key is not the key of"],
                    "client",
                    client(mixed),
                    in: bench
                )

                let open = bench.path("open")
                try files.copyItem(atPath: run.identity("inc"), toPath: open)
                try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: open + "/identity.key")
                try await expect(78, ["mode 644", "chmod 600"], "client", client(open), in: bench)
            }
        }

        @Test("without a revocation list nobody starts: it would revoke nobody", .timeLimit(.minutes(1)))
        func noRevocationList() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(), in: bench)
                for node in [Federation.coordinator, "inc"] {
                    try FileManager.default.removeItem(atPath: run.identity(node) + "/crl.pem")
                    let program = node == Federation.coordinator ? "coordinator" : "client"
                    try await expect(78, ["crl.pem does not exist"], program, run.arguments(node), in: bench)
                }
            }
        }

        @Test("`up` ends with the exit code of the process that failed", .timeLimit(.minutes(1)))
        func upPassesOn() async throws {
            let (descriptor, port) = FreePort.occupy()
            defer { close(descriptor) }
            try await Bench.with { bench in
                let file = try bench.write("topology.yaml", SmallTopology(port: port).text)
                try await expect(
                    69,
                    ["coordinator ended with exit code 69", "taken by another program"],
                    "tributary",
                    ["up", file, "--out", bench.path("run")],
                    in: bench
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
                #expect(codes == [EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_SOFTWARE, EX_NOPERM, EX_CONFIG])
                #expect(text.contains("ExecReload=/bin/kill -HUP $MAINPID"))
            }
        }

        @Test("a port that is taken is named", .timeLimit(.minutes(1)))
        func portTaken() async throws {
            let (descriptor, port) = FreePort.occupy()
            defer { close(descriptor) }
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(port: port), in: bench)
                try await expect(
                    69,
                    ["127.0.0.1:\(port)", "taken"],
                    "coordinator",
                    run.arguments(Federation.coordinator),
                    in: bench
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
                try await expect(
                    75,
                    ["is in use by process"],
                    "coordinator",
                    ["--topology", second] + arguments,
                    in: bench
                )
                await run.kill(Federation.coordinator)

                let longer = try bench.write("longer.yaml", SmallTopology(rounds: 3).text)
                try await expect(
                    78,
                    ["holds another run", "its rounds.count is 2, this one's is 3"],
                    "coordinator",
                    ["--topology", longer] + arguments,
                    in: bench
                )
                let other = try bench.write("other.yaml", SmallTopology(federation: "other").text)
                try await bench.succeed("tributary", ["provision", other, "--out", bench.path("others")])
                try await expect(
                    78,
                    ["its federation is small, this one's is other"],
                    "coordinator",
                    ["--topology", other, "--identity", bench.path("others/coordinator")]
                        + ["--state", run.state(Federation.coordinator)],
                    in: bench
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
                    try await expect(
                        78,
                        ["holds another run: its topology differs from", "other.yaml"],
                        "tributary",
                        [command, other, "--out", bench.path("run")],
                        in: bench
                    )
                }
                #expect(
                    try String(contentsOfFile: bench.path("run/topology.yaml"), encoding: .utf8) == before
                )
            }
        }

        @Test("a vetoed round is named by log, progress, status, inspect and report", .timeLimit(.minutes(2)))
        func vetoes() async throws {
            try await Bench.with { bench in
                let text =
                    SmallTopology().text
                    + "\nguards: [bounds: {minimum: 0.99}]\nmonitors: [answerDrift: {items: 4}]\n"
                let file = try bench.write("t.yaml", text)
                let progress = try await bench.succeed(
                    "tributary",
                    ["simulate", file, "--out", bench.path("run")]
                )
                #expect(progress.contains("not taken: 1, 2"), "\(progress)")
                let reason = "bounds: pass@1 is"
                let state = try await bench.succeed("tributary", ["inspect", bench.path("run/coordinator")])
                #expect(state.contains("round 0: not taken, \(reason)"), "\(state)")
                let report = try await bench.succeed("tributary", ["report", bench.path("run")])
                #expect(report.contains("round 1 was not taken: \(reason)"), "\(report)")
                let page = try String(contentsOfFile: bench.path("run/report.html"), encoding: .utf8)
                #expect(page.contains("Rounds not taken") && page.contains("answerDrift (items: 4)"))
            }
        }

        @Test("model files that are missing, truncated or of another kind are named", .timeLimit(.minutes(1)))
        func badModels() async throws {
            try await Bench.with { bench in
                let files = FileManager.default
                let models =
                    try #require(Programs.folder) + "/tributary_Models.resources/Resources/tiny-arithmetic"
                let original =
                    files.fileExists(atPath: models)
                    ? models : Programs.packageRoot + "/Sources/Models/Resources/tiny-arithmetic"
                for name in ["short", "kind", "gap"] {
                    try files.copyItem(atPath: original, toPath: bench.path(name))
                }
                let weights = try Data(contentsOf: URL(fileURLWithPath: original + "/model.safetensors"))
                try weights.prefix(5000).write(
                    to: URL(fileURLWithPath: bench.path("short/model.safetensors"))
                )
                try bench.write("kind/tokenizer.json", #"{"model": {"type": "Unigram"}}"#)
                try files.removeItem(atPath: bench.path("gap/config.json"))
                // A GGUF file that says: version 3, one tensor, one metadata pair; and ends.
                let header: [UInt8] = [
                    0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
                ]
                try Data(header).write(to: URL(fileURLWithPath: bench.path("cut.gguf")))

                func simulate(_ code: Int32, _ model: String, _ words: [String]) async throws {
                    let file = try bench.write("t.yaml", SmallTopology(model: model).text)
                    try await expect(
                        code,
                        words,
                        "tributary",
                        ["simulate", file, "--out", bench.path("run")],
                        in: bench
                    )
                }
                try await simulate(
                    78,
                    "embedded: nothing",
                    ["key 'model.embedded': found 'nothing', expected one of tiny-arithmetic"]
                )
                try await simulate(66, "gguf: absent.gguf", ["absent.gguf: No such file"])
                try await simulate(66, "directory: gap", ["gap/config.json: No such file"])
                try await simulate(65, "gguf: cut.gguf", ["cut.gguf: truncated", "20 B"])
                try await simulate(65, "directory: short", ["short/model.safetensors: truncated"])
                try await simulate(65, "directory: kind", ["kind/tokenizer.json: model"])
            }
        }

        @Test("a bad line of a question file is named", .timeLimit(.minutes(1)))
        func badQuestions() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(), in: bench)
                let questions = try bench.write(
                    "questions.jsonl",
                    #"{"prompt": "1+1=", "answer": "2"}"# + "\nnot JSON\n"
                )
                try await expect(
                    65,
                    ["questions.jsonl: line 2", "expected a JSON object"],
                    "client",
                    run.arguments("inc") + ["--data", questions],
                    in: bench
                )
                let absent = run.arguments("inc") + ["--data", bench.path("absent.jsonl")]
                try await expect(66, ["absent.jsonl: cannot be read"], "client", absent, in: bench)
                let result = try await bench.run("client", absent)
                #expect(!result.output.contains("Error Domain="), "\(result.output)")
            }
        }

        @Test("a client with another base model is refused and told which", .timeLimit(.minutes(1)))
        func otherBaseModel() async throws {
            try await Bench.with { bench in
                let topology = SmallTopology()
                let run = try await Federation(topology, in: bench)
                try run.start(Federation.coordinator)
                try #require(await eventually { run.log(Federation.coordinator).contains("listening") })
                var hard = topology
                hard.model = "embedded: tiny-arithmetic-hard"
                let file = try bench.write("hard.yaml", hard.text)
                try await expect(
                    77,
                    ["WRONG_FINGERPRINT", "base model", "at the coordinator"],
                    "client",
                    ["--name", "inc", "--topology", file, "--identity", run.identity("inc")]
                        + ["--state", bench.path("hard-state")],
                    in: bench
                )
                #expect(
                    try await eventually {
                        run.log(Federation.coordinator).contains("code=WRONG_FINGERPRINT")
                    }
                )
            }
        }

        @Test("unknown words on the command line are usage errors", .timeLimit(.minutes(1)))
        func usage() async throws {
            try await Bench.with { bench in
                try await expect(64, ["frobnicate"], "tributary", ["frobnicate"], in: bench)
                try await expect(64, ["--topology"], "coordinator", [], in: bench)
                try await expect(
                    64,
                    ["--nonsense"],
                    "tributary",
                    ["validate", "t.yaml", "--nonsense"],
                    in: bench
                )
                try await expect(
                    64,
                    ["sideways"],
                    "tributary",
                    ["simulate", try bench.write("t.yaml", SmallTopology().text), "--out", bench.path("run")]
                        + ["--pool", "sideways"],
                    in: bench
                )
            }
        }
    }
}
