import Contract
import Foundation
import Models
import Testing
import TrainersTestSupport

@testable import Trainers

/// What members compare before they train together.
@Suite struct AgreementTests {
    /// The small model with a file changed.
    private func parts(_ name: String = "", _ change: (String) -> String = { $0 }) throws -> [String: String]
    {
        let small = try SharedModel.get()
        let folder = FileManager.default.temporaryDirectory.appending(path: "agreement-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(at: URL(filePath: small.path), to: folder)
        if !name.isEmpty {
            let file = folder.appending(path: name)
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            let changed = change(text)
            #expect(changed != text)
            try changed.write(to: file, atomically: true, encoding: .utf8)
        }
        let base = try BaseModel.load(.directory(folder.path()))
        return Dictionary(
            try LanguageWords.fingerprint(of: base).map { ($0.name, $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private func difference(_ name: String, _ change: (String) -> String) throws -> [String] {
        let (mine, theirs) = (try parts(), try parts(name, change))
        return Set(mine.keys).union(theirs.keys).filter { mine[$0] != theirs[$0] }.sorted()
    }

    @Test(
        "members whose base models differ in weights, configuration or tokenizer differ in a part of that name"
    )
    func baseModels() throws {
        #expect(
            try difference("config.json") { $0.replacing("10000", with: "500000") } == [
                "base model.rope_parameters", "base model.rope_theta",
            ]
        )
        #expect(
            try difference("config.json") { text in
                text.split(separator: "\n", omittingEmptySubsequences: false).map {
                    $0.contains("rms_norm_eps") ? #""rms_norm_eps": 0.5,"# : String($0)
                }.joined(separator: "\n")
            } == ["base model.rms_norm_eps"]
        )
        #expect(
            try difference("tokenizer.json") {
                $0.replacing(#""1": "#, with: #""one": "#).replacing(#""2": "#, with: #""1": "#)
                    .replacing(#""one": "#, with: #""2": "#)
            } == ["base model.tokenizer"]
        )
        #expect(
            try difference("tokenizer_config.json") { _ in #"{"chat_template": "other"}"# }
                == ["base model.template", "base model.tokenizer"]
        )
        #expect(
            try difference("chat_template.jinja") { _ in "other" }
                == ["base model.template", "base model.tokenizer"]
        )
    }

    @Test("keys of config.json that change nothing make no difference")
    func harmless() throws {
        #expect(
            try difference("config.json") {
                $0.replacing("{\n", with: "{\n\"transformers_version\": \"9\",\n", maxReplacements: 1)
            }
            .isEmpty
        )
    }

    @Test("all trainers of language models compare the base model and fit into a hello")
    func trainers() throws {
        let run = try SharedModel.get().run(clients: ["a", "b"])
        for entry in Registry.shipped.trainers where ["rlvr", "sft", "ret"].contains(entry.name) {
            let parts = try entry.fingerprint(run)
            #expect(parts.map(\.name).contains("base model.tokenizer"), "\(entry.name)")
            #expect(parts.map(\.name).contains("base model.rope_theta"), "\(entry.name)")
            #expect(parts.count < 32)
            #expect(parts.allSatisfy { $0.value.utf8.count <= 256 })
        }
    }

    @Test("the form of the weights is agreed on, float32 unless written, and an unknown one is refused")
    func weights() throws {
        let entry = try SharedModel.entry("sft")
        func parts(_ words: String) throws -> [FingerprintPart] {
            var run = try SharedModel.get().run(clients: ["a", "b"])
            run.model = try Mapping(json: Array(#"{"embedded": "tiny-arithmetic"\#(words)}"#.utf8))
            return try entry.fingerprint(run)
        }
        func form(_ parts: [FingerprintPart]) -> String? { parts.first { $0.name == "model.weights" }?.value }

        let (standard, small) = (try parts(""), try parts(#", "weights": "int8""#))

        #expect(form(standard) == "float32")
        #expect(form(small) == "int8")
        // The model is the file's in either form.
        #expect(standard.filter { $0.name != "model.weights" } == small.filter { $0.name != "model.weights" })
        #expect(throws: ConfigurationError.self) { _ = try parts(#", "weights": "int7""#) }
    }
}
