import Contract
import Foundation
import Testing

@testable import Topology

@Suite("Errors in topology files")
struct ErrorTests {
    private func errors(_ yaml: String) -> [String] {
        do {
            _ = try Topology.parse(yaml, file: "t.yaml", folder: "/")
            return []
        } catch {
            return "\(error)".split(separator: "\n").map(String.init)
        }
    }

    @Test("a mistyped key names the line and the key that was meant")
    func typo() {
        let yaml = minimal.replacingOccurrences(of: "steps: 60", with: "steps: 60, localPerPulbic: 2")

        #expect(
            errors(yaml) == [
                "t.yaml:4: key 'rounds.localPerPulbic': unknown key; did you mean 'localPerPublic'?"
            ]
        )
    }

    @Test("no client has the coordinator's own name")
    func ownName() {
        let yaml = minimal.replacingOccurrences(of: "name: inc", with: "name: coordinator")

        #expect(errors(yaml).first?.contains("found 'coordinator', expected a name that is not") == true)
    }

    @Test("a key that resembles none gets the list of known ones")
    func unknown() {
        let yaml = minimal + "\npool: {colour: red}\n"

        #expect(errors(yaml) == ["t.yaml:8: key 'pool.colour': unknown key; expected one of rule"])
    }

    @Test("all errors of a file come at once, in the order of its lines")
    func several() {
        let found = errors(
            """
            federation: Demo_1
            objectives: {kl: 1}
            trainer: {}
            rounds: {count: many, steps: 0, quorum: 9, deadlines: {idle: 10}}
            pool: {rule: swap}
            clients:
              - name: inc
                threads: 0
              - name: inc
            """
        )

        #expect(
            found == [
                "t.yaml:1: key 'federation': found 'Demo_1', expected 1 to 63 letters a-z, digits and '-', "
                    + "with no '-' at either end",
                "t.yaml:2: key 'objectives': found a mapping, expected a list of entries such as NAME: {…}",
                "t.yaml:3: key 'trainer.name': missing, expected the name of a trainer",
                "t.yaml:4: key 'rounds.steps': found '0', expected a whole number from 1 to 1000000",
                "t.yaml:4: key 'rounds.count': found 'many', expected a whole number from 1 to 1000000",
                "t.yaml:4: key 'rounds.quorum': found '9', expected a whole number from 1 to 2, "
                    + "or majority",
                "t.yaml:4: key 'rounds.deadlines.idle': found '10', expected a whole number and a unit "
                    + "(500ms, 30s, 10m, 2h) above zero",
                "t.yaml:5: key 'pool.rule': found 'swap', expected one of balanced, none, random, replaceAll",
                "t.yaml:8: key 'clients[0].threads': found '0', expected a whole number from 1 to 1024",
                "t.yaml:9: key 'clients[1].name': two clients are called 'inc'",
            ]
        )
    }

    @Test("an empty file says what is missing")
    func empty() {
        let keys = ["federation", "trainer.name", "rounds.count", "rounds.steps", "clients"]

        let found = errors("")

        #expect(found.count == keys.count)
        for key in keys { #expect(found.contains { $0.contains("key '\(key)'") }) }
    }

    @Test(
        "values of the wrong kind are refused",
        arguments: [
            ("seed: -1", "seed"), ("seed: 1.5", "seed"), ("seed: '7'", "seed"),
            ("coordinator: 7", "coordinator"), ("coordinator: {port: 65536}", "coordinator.port"),
            ("coordinator: {host: 'a b'}", "coordinator.host"),
            ("coordinator: {host: 1.2.3.400}", "coordinator.host"),
            ("coordinator: {listen: a.example}", "coordinator.listen"),
            ("coordinator: {names: a.example}", "coordinator.names"),
            ("coordinator: {names: [a.example, a.example]}", "coordinator.names[1]"),
            ("adapter: tiny", "adapter"), ("objectives: [kl: 1]", "objectives[0].kl"),
            ("monitors: [a: {}, a: {}]", "monitors[1]"), ("transforms: {clients: []}", "transforms.clients"),
            ("aggregation: {delta: mean}", "aggregation.delta"),
            ("monitors: [\((0..<17).map { "m\($0)" }.joined(separator: ", "))]", "monitors"),
            ("aggregation: {normLimit: -1}", "aggregation.normLimit"),
            ("aggregation: {normLimit: .inf}", "aggregation.normLimit"),
            ("aggregation: {examplesMax: 0}", "aggregation.examplesMax"),
            ("aggregation: {collapse: 1}", "aggregation.collapse"),
            ("wire: {encoding: F32}", "wire.encoding"),
            ("data: {public: [1]}", "data.public"), ("folder: here", "folder"),
            ("compute: {threads: 0.5}", "compute.threads"), ("? [a]\n: 1", ""),
        ]
    )
    func wrongKind(text: String, key: String) {
        let found = errors(minimal + "\n" + text + "\n")

        #expect(found.count == 1)
        #expect(key.isEmpty || found.first?.contains("key '\(key)': ") == true, "\(found)")
    }

    @Test("an interval that no message can carry is refused")
    func longIntervals() {
        let yaml = minimal.replacingOccurrences(
            of: "steps: 60",
            with: "steps: 60, deadlines: {heartbeat: 2h, idle: 3h}"
        )

        #expect(
            errors(yaml) == [
                "t.yaml:4: key 'rounds.deadlines.heartbeat': found 2h, expected at most 1h",
                "t.yaml:4: key 'rounds.deadlines.idle': found 3h, expected at most 1h",
            ]
        )
    }

    @Test(
        "intervals so short that a living connection counts as dead are refused with the reason",
        arguments: [
            (
                "heartbeat: 1ms, idle: 2ms",
                ["heartbeat': found 1ms, expected at least 100ms", "idle': found 2ms"]
            ),
            ("heartbeat: 2s, idle: 3s", ["idle': found 3s, expected at least twice the heartbeat of 2s"]),
            ("heartbeat: 100ms, idle: 1s", []), ("heartbeat: 2s, idle: 4s", []),
        ]
    )
    func shortIntervals(deadlines: String, expected: [String]) {
        let yaml = minimal.replacingOccurrences(of: "steps: 60", with: "steps: 60, deadlines: {\(deadlines)}")

        let found = errors(yaml)

        #expect(found.count == expected.count, "\(found)")
        for (error, part) in zip(found, expected) { #expect(error.contains(part), "\(error)") }
    }

    @Test(
        "text that is not YAML names the line",
        arguments: ["a: [1", "a: b: c", "a: 1\n\tb: 2", "a: 1\na: 2"]
    )
    func notYAML(text: String) {
        let found = errors("federation: x\n" + text)

        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("t.yaml:") == true, "\(found)")
    }

    @Test("a missing file and a file that is no text are errors of their own")
    func unreadable() throws {
        let path = FileManager.default.temporaryDirectory.path + "/topology-\(UUID().uuidString).yaml"
        #expect(throws: ConfigurationError.self) { try Topology.load(path) }

        try Data([0xff, 0xfe, 0x00]).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: ConfigurationError.self) { try Topology.load(path) }
    }

    @Test("aliases that blow up and nesting without end are refused quickly")
    func bombs() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...8 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            bomb += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(throws: ConfigurationError.self) { try Mapping(yaml: bomb) }

        let deep = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
        #expect(throws: ConfigurationError.self) { try Mapping(yaml: "a: " + deep) }
        let deeper = String(repeating: "[", count: 500_000)
        #expect(throws: ConfigurationError.self) { try Mapping(yaml: "a: " + deeper) }
    }
}
