import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// What is wrong with files and arguments: exit code and message.
    @Suite(.serialized)
    struct FaultTests {
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
                try await bench.fail(78, words, "tributary", ["validate", bad])
                try await bench.fail(
                    78,
                    words,
                    "tributary",
                    ["simulate", bad, "--out", bench.path("run")]
                )
                for program in ["coordinator", "client"] {
                    try await bench.fail(
                        78,
                        words,
                        program,
                        (program == "client" ? ["--name", "inc"] : [])
                            + ["--topology", bad, "--identity", "none", "--state", bench.path("state")]
                    )
                }
                let broken = try bench.write("broken.yaml", "federation: [small\nrounds:\n")
                try await bench.fail(
                    78,
                    ["broken.yaml:", "not YAML"],
                    "tributary",
                    ["validate", broken]
                )
                try await bench.fail(
                    78,
                    ["absent.yaml"],
                    "tributary",
                    ["validate", bench.path("absent.yaml")]
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
                try await bench.fail(78, words, "tributary", ["validate", file])
                try await bench.fail(
                    78,
                    words,
                    "tributary",
                    ["simulate", file, "--out", bench.path("run")]
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
                #expect(progress.contains("2 of 2 rounds not taken"), "\(progress)")
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
                    try await bench.fail(
                        code,
                        words,
                        "tributary",
                        ["simulate", file, "--out", bench.path("run")]
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
                try await bench.fail(
                    65,
                    ["questions.jsonl: line 2", "expected a JSON object"],
                    "client",
                    run.arguments("inc") + ["--data", questions]
                )
                let absent = run.arguments("inc") + ["--data", bench.path("absent.jsonl")]
                try await bench.fail(66, ["absent.jsonl: cannot be read"], "client", absent)
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
                try await bench.fail(
                    77,
                    ["WRONG_FINGERPRINT", "base model", "at the coordinator"],
                    "client",
                    ["--name", "inc", "--topology", file, "--identity", run.identity("inc")]
                        + ["--state", bench.path("hard-state")]
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
                try await bench.fail(64, ["frobnicate"], "tributary", ["frobnicate"])
                try await bench.fail(64, ["--topology"], "coordinator", [])
                try await bench.fail(
                    64,
                    ["--nonsense"],
                    "tributary",
                    ["validate", "t.yaml", "--nonsense"]
                )
                try await bench.fail(
                    64,
                    ["sideways"],
                    "tributary",
                    ["simulate", try bench.write("t.yaml", SmallTopology().text), "--out", bench.path("run")]
                        + ["--pool", "sideways"]
                )
            }
        }
    }
}
