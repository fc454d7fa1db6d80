import Contract
import Foundation
@testable import Models
import Tensors
import Testing

/// A tiny model of a family, or one with other keys in its configuration, with what Python computed for it; made by
/// `Golden/make_family_goldens.py`.
struct FamilyGolden: Sendable, CustomTestStringConvertible {
    let model: String
    var variant: String?

    var testDescription: String { variant.map { "\(model) (\($0))" } ?? model }

    /// All of them.
    static let all: [FamilyGolden] =
        ["llama", "llama-biases", "mistral", "qwen2", "qwen3", "smollm3", "phi3", "gemma2", "gemma3"].map {
            FamilyGolden(model: $0)
        }
        + ["linear", "dynamic", "llama3", "yarn", "yarn-more", "longrope"].map {
            FamilyGolden(model: "llama", variant: $0)
        } + [
            FamilyGolden(model: "phi3", variant: "longrope"),
            FamilyGolden(model: "smollm3", variant: "windows"),
            FamilyGolden(model: "gemma3", variant: "linear"),
        ]

    /// What all models are given.
    struct Inputs: Decodable {
        struct Group: Decodable {
            let prompt: [Int32]
            let responses: [[Int32]]
        }
        let sequence: [Int32]
        let prompt: [Int32]
        let newTokens: Int
        let groups: [Group]
    }

    static func inputs() throws -> Inputs {
        let data = try Data(contentsOf: URL(filePath: Golden.path("families/inputs.json")))
        return try JSONDecoder().decode(Inputs.self, from: data)
    }

    var folder: String { get throws { try Golden.path("families/\(model)") } }

    /// A folder with the model's `config.json`: that of the goldens, or one that is made for a variant.
    func checkpoint(_ scratch: Scratch) throws -> String {
        guard let variant else { return try folder }
        let files = FileManager.default
        try files.copyItem(atPath: folder + "/\(variant).json", toPath: scratch.path + "/config.json")
        try files.copyItem(
            atPath: folder + "/model.safetensors",
            toPath: scratch.path + "/model.safetensors"
        )
        return scratch.path
    }

    func load() throws -> (base: BaseModel, adapter: Adapter, numbers: SafetensorsFile) {
        let scratch = try Scratch()
        let base = try BaseModel.load(.directory(checkpoint(scratch)))
        let (weights, kind) = try AdapterDirectory.read(from: folder + "/adapter", for: base.configuration)
        let adapter = try Adapter(for: base, kind, seed: 1)
        try adapter.load(weights)
        let numbers = try SafetensorsFile(path: folder + "/\(variant ?? "golden").safetensors")
        return (base, adapter, numbers)
    }
}
