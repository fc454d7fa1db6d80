import Contract
import Foundation
import Models
import Nodes
import Testing

@testable import tributary

/// What `inspect` says, for people and for programs.
@Suite struct InspectTests {
    private func json(_ path: String) throws -> [String: Any] {
        let text = try InspectCommand.inspection(of: path).json
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func fault(_ path: String) -> NodeError? {
        #expect(throws: NodeError.self) { try InspectCommand.inspection(of: path) }
    }

    @Test("a model is one object whose counts are numbers")
    func model() throws {
        let found = try json("tiny-arithmetic")

        #expect(found["kind"] as? String == "model")
        #expect(found["parameters"] as? Int == 224_736)
        #expect((found["SHA-256 of the weights"] as? String)?.count == 64)
    }

    @Test("an adapter is its settings and its arrays")
    func adapter() throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(.embedded("tiny-arithmetic"))
        let kind = LoRAConfiguration(rank: 2, targets: ["q_proj"])
        let weights = try Adapter(for: base, kind, seed: 1).weights
        try AdapterDirectory.write(weights, kind, baseModelName: "x", to: scratch.path + "/adapter")

        let found = try json(scratch.path + "/adapter")

        #expect(found["kind"] as? String == "adapter")
        #expect((found["settings"] as? [String: Any])?["rank"] as? Int == 2)
        let arrays = try #require(found["arrays"] as? [[String: Any]])
        #expect(arrays.count == weights.arrays.count)
        #expect(arrays[0]["shape"] as? [Int] == weights.arrays[0].shape)
        #expect(arrays[0]["norm"] is Double)
    }

    @Test("the state of a run is its rounds, evaluations and traffic")
    func state() throws {
        let scratch = try Scratch()
        let run = SyntheticRun(topology: try smallTopology())
        try run.write(to: scratch.path + "/run")

        let found = try json(scratch.path + "/run/coordinator")

        #expect(found["federation"] as? String == "small")
        #expect((found["rounds"] as? [[String: Any]])?.map { $0["finished"] as? Bool } == [true, true])
        #expect((found["evaluations"] as? [[String: Any]])?.first?["afterRound"] is NSNull)
        #expect((found["traffic"] as? [[String: Any]])?.first?["bytes"] is Int)
        #expect(fault(scratch.path + "/run")?.description.contains("tributary report") == true)
    }

    @Test(
        "a file that is no frame is refused with what it is and what was expected",
        arguments: [
            ("a.txt", "hello", "68 65 6c 6c"), ("a.txt", "", "it is empty"),
            ("t.yaml", "federation: x", "tributary validate"), ("model.safetensors", "x", "name the folder"),
            ("model.bin", "GGUFxxxx", "must end in .gguf"),
        ]
    )
    func noFrame(name: String, text: String, words: String) throws {
        let scratch = try Scratch()
        try scratch.write(text, to: name)

        let fault = fault(scratch.path + "/" + name)
        #expect(fault?.kind == .data)
        #expect(fault?.description.contains(words) == true, "\(fault?.description ?? "")")
    }

    @Test("a folder that holds nothing that is known is refused with what was looked for")
    func unknownFolder() throws {
        let scratch = try Scratch()

        let fault = fault(scratch.path)
        #expect(fault?.kind == .data)
        for name in ["config.json", "ledger.sqlite", "adapter_config.json", "macrostates.json"] {
            #expect(fault?.description.contains(name) == true)
        }
        #expect(self.fault(scratch.path + "/none")?.kind == .input)
    }

    @Test("frames are shown with their fields")
    func frames() throws {
        let found = Inspection(frames: [
            "frame at byte 0: hello (type 1), body 3 B", "    rounds: 3", "    client: a",
        ])

        #expect(found.lines.count == 3)
        #expect(found.json.contains(#"{"client":"a","rounds":3}"#))
    }
}
