import Foundation
import Testing

extension ProcessTests {
    /// The words of errors: sentences for people, and never those of Swift, Foundation or the system's headers.
    @Suite(.serialized)
    struct WordsTests {
        private static let strange = [
            "NSCocoa", "NSPOSIX", "NSError", "Domain=", "Code=", "UserInfo", "DecodingError", "CodingKey",
            "codingPath", "debugDescription", "Cannot initialize", "Dictionary<", "Array<", "Optional(",
            "Swift.", "Foundation", "errno", "The operation could not be completed", "Fatal error",
            "rawValue", "nil",
        ]

        /// Runs a command that has to fail with a code, in plain words.
        private func refuse(
            _ bench: Bench,
            _ code: Int32,
            _ command: String,
            _ words: String = "",
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            var parts = command.split(separator: " ").map { $0 == "EMPTY" ? "" : String($0) }
            let program = parts.removeFirst()
            let (found, output) = try await bench.run(program, parts)
            #expect(found == code, "\(command): \(output.suffix(600))", sourceLocation: sourceLocation)
            #expect(
                output.contains(words),
                "\(command): \(output.suffix(600))",
                sourceLocation: sourceLocation
            )
            for word in Self.strange where output.contains(word) {
                Issue.record("'\(word)' in \(command): \(output.suffix(600))", sourceLocation: sourceLocation)
            }
        }

        /// Every command that writes, with everything it needs but a place to write to.
        private static let folders = [
            "pretrain", "reproduce pubswap", "reproduce ret", "reproduce stacca", "reproduce hyperattention",
            "reproduce feature-blocking", "macrostates learn x", "macrostates fit x --trajectories x",
            "trajectories record --model tiny-phases --data x",
            "features train --model tiny-personas --layer 1 --data x",
            "features discover --model tiny-personas --adapter x --autoencoder x --questions x",
            "simulate TOPOLOGY", "up TOPOLOGY", "provision TOPOLOGY",
        ]
        private static let files = [
            "bench ret", "bench features", "bench network", "network render x --network karate",
            "features show x --model tiny-personas", "macrostates predict x --trajectories x",
            "macrostates show x --trajectories x --model tiny-phases",
        ]

        @Test(
            "every command refuses a place that it cannot write to before it works",
            .timeLimit(.minutes(2))
        )
        func outputs() async throws {
            try await Bench.with { bench in
                let run = try await Federation(SmallTopology(), in: bench)
                let file = try bench.write("file", "x")
                for command in Self.folders {
                    let command = "tributary \(command.replacing("TOPOLOGY", with: run.topologyFile)) --out "
                    try await refuse(bench, 64, command + "EMPTY", "expected a folder")
                    try await refuse(bench, 73, command + file, "\(file): cannot be written: it is a file")
                    try await refuse(
                        bench,
                        73,
                        command + "\(file)/inner",
                        "file is a file, expected a folder"
                    )
                }
                for command in Self.files {
                    let command = "tributary \(command) --out "
                    try await refuse(bench, 64, command + "EMPTY", "expected a file")
                    try await refuse(bench, 73, command + bench.folder, "it is a folder, expected a file")
                    try await refuse(bench, 73, command + "\(bench.folder)/none/a", "does not exist; make it")
                }
                try await refuse(bench, 64, "tributary convert m.gguf EMPTY", "expected a folder")
                try await refuse(bench, 73, "tributary convert m.gguf \(file)", "it is a file")
            }
        }

        @Test("what cannot be read is refused in a sentence with the file", .timeLimit(.minutes(2)))
        func inputs() async throws {
            try await Bench.with { bench in
                let text = try bench.write("text", "no topology, no JSON: {")
                let binary = bench.path("binary.yaml")
                try Data([0xFF, 0xFE, 0x00, 0x80]).write(to: URL(filePath: binary))
                let none = bench.path("none")
                let folder = bench.path("folder")
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                for name in [
                    "adapter_config.json", "config.json", "features.json", "trajectories.json",
                    "macrostates.json", "policy.json", "cfg.json",
                ] {
                    try bench.write("folder/\(name)", #"{"format": 3, "r": "a", "model_type": []}"#)
                }
                for path in [none, folder, binary, text] {
                    for command in ["validate", "evaluate"] {
                        let (code, output) = try await bench.run("tributary", [command, path])
                        #expect([65, 66, 78].contains(code), "\(command) \(path): \(output)")
                        for word in Self.strange { #expect(!output.contains(word), "\(command): \(output)") }
                    }
                }
                for command in [
                    "inspect \(folder)", "generate --model \(folder) --prompt a", "features info \(folder)",
                    "trajectories info \(folder)", "macrostates name \(folder) 1 a",
                    "network evaluate \(folder) --network karate",
                    "generate --model tiny-arithmetic --adapter \(folder) --prompt 1",
                    "generate --model tiny-arithmetic --prompt a", "report \(folder)", "inspect \(text)",
                ] {
                    let (code, output) = try await bench.run(
                        "tributary",
                        command.split(separator: " ").map(String.init)
                    )
                    #expect([65, 66, 78].contains(code), "\(command): \(code) \(output)")
                    for word in Self.strange { #expect(!output.contains(word), "\(command): \(output)") }
                }
            }
        }

        @Test("fatal errors are lines of JSON where the log is, wrong arguments too", .timeLimit(.minutes(1)))
        func json() async throws {
            try await Bench.with { bench in
                let none = bench.path("none")
                let node = ["--topology", none, "--identity", none, "--state", none, "--log-format", "json"]
                let calls: [(String, [String], Int)] = [
                    ("coordinator", node, 78), ("client", node + ["--name", "a"], 78),
                    ("client", node + ["--bogus"], 64), ("coordinator", node + ["--log-level", "loud"], 64),
                    ("tributary", ["simulate", none, "--out", none, "--log-format=json"], 78),
                    ("tributary", ["simulate", "--log-format", "json"], 64),
                ]
                for (program, arguments, code) in calls {
                    let (found, output) = try await bench.run(program, arguments)
                    #expect(Int(found) == code, "\(output)")
                    let lines = output.split(separator: "\n")
                    #expect(lines.count == 1, "\(output)")
                    let line =
                        try JSONSerialization.jsonObject(with: Data(lines.joined().utf8)) as? [String: Any]
                    #expect(line?["exitCode"] as? Int == code)
                    #expect(line?["level"] as? String == "critical")
                    #expect(line?["message"] is String && line?["time"] is String)
                }
            }
        }

        @Test("every program and subcommand says its version and its libraries'", .timeLimit(.minutes(1)))
        func versions() async throws {
            try await Bench.with { bench in
                for (program, arguments) in [
                    ("tributary", ["--version"]), ("coordinator", ["--version"]), ("client", ["--version"]),
                    ("tributary", ["inspect", "--version"]), ("tributary", ["bench", "ret", "--version"]),
                ] {
                    let said = try await bench.succeed(program, arguments)
                    #expect(said.hasPrefix(program + " "), "\(said)")
                    for word in ["protocol 1", "OpenBLAS ", "OpenSSL 3", "zstd 1", "SQLite 3", "Swift 6"] {
                        #expect(said.contains(word), "\(said)")
                    }
                }
            }
        }
    }
}
