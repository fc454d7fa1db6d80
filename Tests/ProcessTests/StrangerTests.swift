import Foundation
import Testing

extension ProcessTests {
    /// A trainer of a package that sees the public library alone, in programs of its own.
    @Suite(.serialized)
    struct StrangerTests {
        private static let topology = """
            federation: wards
            seed: 3
            coordinator: {port: 0}
            trainer:
              name: logistic
              settings: {features: [age, dose], label: relapse, group: ward, learningRate: 0.5}
            data:
              public: {path: public.csv}
              evaluation: {path: held-out.csv}
            rounds: {count: 3, steps: 12, deadlines: {heartbeat: 500ms, idle: 20s}}
            pool: {rule: replaceAll}
            guards: [bounds: {minimum: 0.2}]
            clients:
              - {name: north, data: {path: north.csv}}
              - {name: south, data: {path: south.csv}}
            """

        /// Rows whose label follows from both features, in wards that differ in age.
        private static func table(rows: Int, seed: UInt64, wards: [String]) -> String {
            var random = SplitMix(state: seed)
            let lines = (0..<rows).map { row in
                let ward = wards[row % wards.count]
                let age = Double.random(in: -1...1, using: &random) + (ward == "north" ? 0.5 : -0.5)
                let dose = Double.random(in: -1...1, using: &random)
                return "\(ward),\(age),\(dose),\(2 * age - dose > 0 ? 1 : 0)"
            }
            return "ward,age,dose,relapse\n" + lines.joined(separator: "\n") + "\n"
        }

        private func prepare(_ bench: Bench, port: Int) throws -> String {
            try FileManager.default.createDirectory(
                atPath: bench.path("run"),
                withIntermediateDirectories: true
            )
            for (name, rows, seed, wards) in [
                ("public", 40, 1, ["north", "south"]), ("held-out", 200, 2, ["north", "south"]),
                ("north", 100, 3, ["north"]), ("south", 100, 4, ["south"]),
            ] as [(String, Int, UInt64, [String])] {
                try bench.write("run/\(name).csv", Self.table(rows: rows, seed: seed, wards: wards))
            }
            return try bench.write(
                "run/topology.yaml",
                Self.topology.replacing("port: 0", with: "port: \(port)")
            )
        }

        @Test(
            "a stranger's trainer federates over TLS, and the report shows it in its own words",
            .timeLimit(.minutes(2))
        )
        func federates() async throws {
            try await Bench.with { bench in
                let file = try prepare(bench, port: FreePort.find())
                try await bench.succeed("tributary", ["provision", file, "--out", bench.path("identities")])
                let coordinator = try bench.start(
                    "logistic-coordinator",
                    ["--topology", file, "--identity", bench.path("identities/coordinator")]
                        + ["--state", bench.path("run/coordinator")],
                    log: "coordinator"
                )
                let clients = try ["north", "south"].map { name in
                    try bench.start(
                        "logistic-client",
                        [
                            "--name", name, "--topology", file, "--identity",
                            bench.path("identities/clients/\(name)"),
                        ]
                            + ["--state", bench.path("run/clients/\(name)")],
                        log: name
                    )
                }
                for child in [coordinator] + clients {
                    let code = await child.exit()
                    try #require(code == 0, "\(child.output.suffix(1500))")
                }

                let report = try await bench.run("tributary", ["report", bench.path("run")])
                #expect(report.code == 0 && report.output.contains("accuracy"), "\(report.output)")
                #expect(!report.output.contains("pass@1"))
                let summary = try #require(
                    JSONSerialization.jsonObject(
                        with: Data(contentsOf: URL(fileURLWithPath: bench.path("run/summary.json")))
                    ) as? [String: Any]
                )
                let scores = try #require(summary["accuracy"] as? [String: Any])
                let federated = try #require(scores["federated"] as? [String: Any])
                #expect(try #require(federated["overall"] as? Double) > 0.9)
                #expect(Set(try #require(federated["byGroup"] as? [String: Any]).keys) == ["north", "south"])
                // 8 of 12 steps of a round are local, 16 rows each, at both clients.
                let metrics = try #require(summary["metrics"] as? [String: Double])
                #expect(metrics["rows"] == 768.0)
                let history = try #require(summary["history"] as? [[String: Any]])
                let updates = try #require(history.last?["updates"] as? [String: [String: Double]])
                #expect(updates.keys.sorted() == ["north", "south"])
                #expect(updates.values.allSatisfy { $0["update/norm"] ?? 0 > 0 })
                let page = try String(contentsOfFile: bench.path("run/report.html"), encoding: .utf8)
                #expect(page.contains("Weights") && page.contains("accuracy") && !page.contains("pass@1"))
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: bench.path("run/coordinator/adapter"))
                        .sorted()
                        == ["adapter.json", "adapter.safetensors"]
                )
            }
        }

        @Test("what is wrong in a stranger's words is named with its line", .timeLimit(.minutes(1)))
        func faults() async throws {
            try await Bench.with { bench in
                let file = try prepare(bench, port: 1)
                let good = try String(contentsOfFile: file, encoding: .utf8)
                try await bench.succeed("tributary", ["provision", file, "--out", bench.path("identities")])
                for (old, new, code, words) in [
                    (
                        "label: relapse", "labell: relapse", 78,
                        ":6: key 'trainer.settings.labell': unknown key; did you mean 'label'?"
                    ),
                    ("path: north.csv", "path: absent.csv", 78, ":14: key 'clients[0].data.path': found '"),
                    ("[age, dose]", "[age, weight]", 78, "north.csv:1: found the columns"),
                    (
                        "guards:", "model: {embedded: x}\nguards:", 78,
                        ":12: key 'model': the trainer 'logistic' has no 'model'"
                    ),
                ] as [(String, String, Int32, String)] {
                    try bench.write("run/topology.yaml", good.replacing(old, with: new))
                    let result = try await bench.run(
                        "logistic-client",
                        [
                            "--name", "north", "--topology", file, "--identity",
                            bench.path("identities/clients/north"),
                        ]
                            + ["--state", bench.path("state")]
                    )
                    #expect(result.output.contains(words), "\(result.output)")
                    #expect(result.code == code)
                }
            }
        }
    }
}
