import Contract
import Foundation
import Nodes
import Testing
import Topology
import Trainers

@Suite("What a host checks before the first round")
struct ExaminationTests {
    /// A folder with files and a topology of two clients; removed by the system.
    private func job(
        settings: String = "{maxTokens: 8}",
        adapter: String = "{rank: 4}",
        model: String = "{embedded: tiny-arithmetic}",
        delta: String = "factors",
        south: String = "{path: south.jsonl}",
        evaluation: String = "{path: held-out.jsonl}",
        objectives: String = "[]",
        host: String = "coordinator.example.org",
        files: [String: String] = [:]
    ) throws -> Job {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "examination-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let standard = [
            "public.jsonl": question("a", "1+1=", "2") + question("b", "2+1=", "3"),
            "held-out.jsonl": question("c", "2+2=", "4"), "north.jsonl": question("d", "3+3=", "6"),
        ]
        for (name, text) in standard.merging(files, uniquingKeysWith: { $1 }) {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        let topology = try Topology.parse(
            """
            federation: f
            coordinator: {host: \(host)}
            model: \(model)
            adapter: \(adapter)
            trainer: {name: rlvr, settings: \(settings.dropLast()), publicPromptsPerStep: 2}}
            rounds: {count: 1, steps: 3}
            objectives: \(objectives)
            transforms: {client: [clip]}
            aggregation: {delta: \(delta)}
            data: {public: {path: public.jsonl}, evaluation: \(evaluation)}
            clients:
              - {name: north, data: {path: north.jsonl}}
              - {name: south, data: \(south)}
            """,
            file: "t.yaml",
            folder: folder.path
        )
        return try Job(topology, .shipped)
    }

    private func question(_ id: String, _ text: String, _ answer: String, kind: String = "exact") -> String {
        #"{"id": "\#(id)", "question": "\#(text)", "answer": "\#(answer)", "kind": "\#(kind)"}"# + "\n"
    }

    private func refusal(_ body: () throws -> Void) throws -> String {
        "\(try #require(#expect(throws: (any Error).self, performing: body)))"
    }

    @Test("data of others that are not here are not checked, and are no error but for their own host")
    func others() throws {
        let job = try job()

        let all = try job.examine(as: nil)
        #expect(all.found.contains { $0.hasPrefix("client north: 1 questions") })
        #expect(all.unchecked.count == 1 && all.unchecked[0].hasPrefix("client south: "))
        #expect(try job.examine(as: "north").unchecked.isEmpty)
        #expect(try job.examine(as: "coordinator").found.contains { $0.hasPrefix("evaluation: 1 questions") })
        #expect(try refusal { _ = try job.examine(as: "south") }.contains("south.jsonl: cannot be read"))
        #expect(
            try refusal { _ = try job.examine(as: "west") }.contains("no client 'west'; it has north, south")
        )
    }

    @Test("a federation on this machine has to have everything here")
    func local() throws {
        let job = try job(model: "{directory: nowhere}", host: "127.0.0.1")
        #expect(try refusal { _ = try job.examine(as: nil) }.contains("nowhere"))
    }

    @Test("a model that is not here is not checked either, and an error for a host")
    func otherModel() throws {
        let job = try job(model: "{directory: nowhere}")

        #expect(try job.examine(as: nil).unchecked.count == 3)
        #expect(throws: (any Error).self) { try job.examine(as: "north") }
    }

    @Test(
        "what cannot work is an error with its key",
        arguments: [
            (
                "{maxTokens: 8, prompt: {kind: chat}}",
                "prompt.kind': found chat, but embedded:tiny-arithmetic has neither"
            ),
            (
                "{maxTokens: 8, prompt: {suffix: Now}}",
                "prompt.suffix': the model's vocabulary cannot express"
            ),
            ("{maxTokens: 64}", "maxTokens': is 64, but the model has 64 positions"),
        ]
    )
    func settings(text: String, message: String) throws {
        let job = try job(settings: text)

        for host in ["north", "coordinator"] {
            #expect(try refusal { _ = try job.examine(as: host) }.contains(message))
        }
    }

    @Test("a system turn without a chat is refused")
    func systemTurn() throws {
        #expect(
            try refusal { _ = try job(settings: "{maxTokens: 8, prompt: {system: 1}}") }.contains(
                "prompt.system"
            )
        )
    }

    @Test("an evaluation that cannot work is refused: its method, its answers, their length")
    func evaluation() throws {
        func found(_ question: String, _ settings: String = "{maxTokens: 8}") throws -> String {
            let job = try job(settings: settings, files: ["held-out.jsonl": question])
            return try refusal { _ = try job.examine(as: "coordinator") }
        }
        let numeric = question("c", "2+2=", "4", kind: "numeric")
        #expect(
            try found(numeric, "{maxTokens: 8, evaluation: {method: expected}}").contains(
                "evaluation.method': is expected, which needs one exact text"
            )
        )
        #expect(
            try found(question("c", "2+2=", "four")).contains("cannot express 'f' (U+0066) of the answer")
        )
        let long = question("c", "2+2=", "1234567890", kind: "numeric")
        #expect(try found(long).contains("no answer fits into maxTokens = 8"))
    }

    @Test("private answers outside of the vocabulary are refused at the client")
    func privateAnswers() throws {
        let job = try job(files: ["north.jsonl": question("d", "3+3=", "six")])

        #expect(
            try refusal { _ = try job.examine(as: "north") }.contains(
                "private question 'd': the model's vocabulary"
            )
        )
    }

    @Test(
        "a rule for factors and an adapter without them do not go together",
        arguments: ["product", "frozenA"]
    )
    func rule(delta: String) throws {
        #expect(
            try refusal { _ = try job(adapter: "{kind: whole}", delta: delta) }
                .contains("key 'aggregation.delta': '\(delta)' merges low-rank pairs")
        )
        #expect(throws: Never.self) { try job(adapter: "{kind: whole}", delta: "median") }
    }

    @Test("prompts of klOnPrompts and their maxTokens are checked before the first round")
    func promptsOfObjective() throws {
        let job = try job(objectives: "[klOnPrompts: {maxTokens: 63, prompts: {path: public.jsonl}}]")

        #expect(
            try refusal { _ = try job.examine(as: "north") }.contains(
                "klOnPrompts.maxTokens': found 63 behind a prompt of"
            )
        )
    }

    @Test(
        "one file for training and evaluation is refused where it shares questions, and kept apart by `reserve`"
    )
    func oneFile() throws {
        let many = (10..<60).map { question("\($0)", "\($0)+1=", "\($0 + 1)") }.joined()
        let files = ["north.jsonl": many]

        let shared = try job(evaluation: "{path: north.jsonl}", files: files)
        #expect(try refusal { _ = try shared.examine(as: nil) }.contains("'reserve: true' in every mapping"))
        let renamed = try job(evaluation: "{path: ./north.jsonl}", files: files)
        #expect(try refusal { _ = try renamed.examine(as: nil) }.contains("'reserve: true' in every mapping"))

        let kept = try job(
            south: "{path: north.jsonl, reserve: true}",
            evaluation: "{path: north.jsonl, reserve: true}",
            files: files
        )
        #expect(try kept.overlap(clients: ["south"])?.isFound == false)
        #expect(throws: ConfigurationError.self) { try kept.overlap(clients: ["north"]) }
    }

    @Test("held-out questions in another file that is learnt from are counted and warned of")
    func otherFile() throws {
        let job = try job(files: ["north.jsonl": question("d", "2+2=", "4") + question("e", "3+3=", "6")])

        #expect(
            try job.overlap(clients: ["north"]) == HeldOutOverlap(heldOut: 1, asked: 0, clients: ["north": 1])
        )
        #expect(
            try job.examine(as: nil).found.last
                == "WARNING: of 1 held-out items 1 is among the private ones of north"
        )
    }

    @Test("the topology is shown with the defaults of the trainer's own words, and is the same one")
    func defaults() throws {
        let job = try job()

        let text = try job.completeYAML()

        #expect(text.contains("- clip:\n        norm: 1"), "\(text)")

        #expect(
            text.contains("samplesPerPrompt: 8\n") && text.contains("alpha: 16")
                && text.contains("kind: lora")
        )
        #expect(try Job(Topology.parse(text, folder: "/"), .shipped).fingerprint() == job.fingerprint())
    }
}
