import Contract
import Foundation
import Testing
import Wire

@testable import Topology

@Suite("Mappings and small readers")
struct MappingTests {
    private func json(_ yaml: String) throws -> String {
        String(decoding: try Mapping(yaml: yaml).json, as: UTF8.self)
    }

    @Test("settings become JSON with sorted keys, whatever their order and style")
    func canonical() throws {
        let block = try json("b: 3e-3\na:\n  - x\n  - {d: no, c: null}\n")
        let flow = try json(#"{"a": ["x", {"c": ~, "d": "no"}], "b": 0.003}"#)

        #expect(block == #"{"a":["x",{"c":null,"d":"no"}],"b":0.003}"#)
        #expect(block == flow)
    }

    @Test("numbers, words and texts are told apart as YAML 1.2 does")
    func scalars() throws {
        let text = try json(
            "{a: 1, b: '1', c: 1.0, d: true, e: yes, f: 0x10, g: 1e3, h: 12:30, i: -2, j: .5, k: nan}"
        )

        #expect(
            text
                == #"{"a":1,"b":"1","c":1.0,"d":true,"e":"yes","f":"0x10","g":1000.0,"h":"12:30","i":-2,"j":0.5,"k":"nan"}"#
        )
    }

    @Test("any text survives JSON")
    func texts() throws {
        let settings = try Mapping(yaml: #"a: "q\" b\\ n\n t\t e\e ü 🐟""#)
        let read = try JSONDecoder().decode([String: String].self, from: Data(settings.json))

        #expect(read == ["a": "q\" b\\ n\n t\t e\u{1b} ü 🐟"])
    }

    @Test("a key can be set afterwards")
    func setting() throws {
        let settings = try Mapping(yaml: "{a: 1, b: 2}").setting("a", to: "{c: 3}")

        #expect(String(decoding: settings.json, as: UTF8.self) == #"{"a":{"c":3},"b":2}"#)
    }

    @Test("mappings keep their texts through the resolved file")
    func resolved() throws {
        let yaml = minimal.replacingOccurrences(
            of: "{name: rlvr}",
            with:
                #"{name: rlvr, settings: {"true": "yes", "a b": "1", n: [[1, 2], [], {x: {}}], t: "x: #y", u: ""}}"#
        )
        let topology = try Topology.parse(yaml, folder: "/")

        #expect(
            try Topology.parse(topology.resolvedYAML, folder: "/") == topology,
            "\(topology.resolvedYAML)"
        )
    }

    @Test(
        "durations read and write",
        arguments: [("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("0s", 0)]
    )
    func durations(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
        #expect(DurationText.text(of: .milliseconds(milliseconds)) == text)
    }

    @Test(
        "what is no duration is refused",
        arguments: ["", "s", "5", "-5s", "1.5s", "5 s", "5d", "9999999999999h", "９s"]
    )
    func noDurations(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        "hosts are names or addresses",
        arguments: [
            ("localhost", true), ("a-b.example", true), ("127.0.0.1", true), ("::1", true), ("fe80::1", true),
            ("256.0.0.1", false), ("1.2.3", false), ("a..b", false), ("-a", false), ("a_b", false),
            ("", false),
        ]
    )
    func hosts(text: String, valid: Bool) {
        #expect(HostRules.isHost(text) == valid)
    }
}

@Suite("Digest of a topology")
struct TopologyDigestTests {
    @Test("what decides the result changes the digest")
    func decides() throws {
        let base = try Topology.parse(minimal, folder: "/")
        let changes: [(inout Topology) -> Void] = [
            { $0.federation = "other" }, { $0.seed = 2 }, { $0.rounds.steps = 30 }, { $0.rounds.count = 1 },
            { $0.rounds.localPerPublic = 1 }, { $0.pool = "none" }, { $0.aggregation.delta = "product" },
            { $0.encoding = .f32 }, { $0.trainer.name = "sft" },
            { $0.transforms.client = [Component("clip")] },
            { $0.transforms.coordinator = [Component("clip")] },
            { $0.guards = [Component("bounds")] },
        ]

        for change in changes {
            var other = base
            change(&other)
            #expect(other.digest != base.digest)
        }
    }

    @Test("what a site or an operator may change does not")
    func doesNotDecide() throws {
        let base = try Topology.parse(minimal, folder: "/")
        var other = base
        other.coordinator.host = "a.example"
        other.folder = "/elsewhere"
        other.model = other.model.setting("gguf", to: .text("x.gguf"))
        other.monitors = [Component("answer-drift")]
        other.rounds.quorum = 1
        other.rounds.deadlines.update = .seconds(1)
        other.clients[0].threads = 8

        #expect(other.digest == base.digest)
    }
}
