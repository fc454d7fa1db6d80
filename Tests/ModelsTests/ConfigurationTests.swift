import Foundation
@testable import Models
import Tensors
import Testing

@Suite("Configurations")
struct ConfigurationTests {
    private func decode(_ json: String) throws -> DecoderConfiguration {
        try JSONDecoder().decode(DecoderConfiguration.self, from: Data(json.utf8))
    }

    private let sizes =
        #""hidden_size":96,"num_hidden_layers":2,"num_attention_heads":4,"#
        + #""intermediate_size":256,"vocab_size":32"#

    @Test("the demo's model has 224,736 parameters")
    func parameters() {
        let model = DecoderConfiguration(
            hiddenSize: 96,
            layerCount: 2,
            headCount: 4,
            intermediateSize: 256,
            vocabularySize: 32
        )
        #expect(model.parameterCount == 224_736)
        #expect(model.headSize == 24)
        #expect(DecoderParameters(random: model, seed: 1).trainable.reduce(0) { $0 + $1.count } == 224_736)
    }

    @Test("missing keys take Hugging Face's defaults")
    func defaults() throws {
        let model = try decode("{\(sizes)}")
        #expect(model.keyValueHeadCount == 4)
        #expect(model.headSize == 24)
        #expect(model.normEpsilon == 1e-6)
        #expect(model.ropeTheta == 10_000)
        #expect(model.tiesEmbedding == false)
    }

    @Test("rope_theta is read from both places")
    func theta() throws {
        #expect(try decode(#"{\#(sizes),"rope_theta":5e5}"#).ropeTheta == 500_000)
        let nested = #""rope_parameters":{"rope_type":"default","rope_theta":1e5}"#
        #expect(try decode(#"{\#(sizes),\#(nested)}"#).ropeTheta == 100_000)
    }

    @Test(
        "models that are not plain Llama are refused",
        arguments: [
            #""model_type":"gemma""#, #""hidden_act":"gelu""#, #""sliding_window":512"#,
            #""rope_scaling":{"rope_type":"llama3"}"#, #""rope_parameters":{"rope_type":"mrope"}"#,
        ]
    )
    func refused(key: String) {
        #expect(throws: DecodingError.self) { try decode("{\(sizes),\(key)}") }
    }

    @Test("what is written is read back")
    func roundTrip() throws {
        let scratch = try Scratch()
        let model = DecoderConfiguration(
            hiddenSize: 64,
            layerCount: 3,
            headCount: 8,
            keyValueHeadCount: 2,
            headSize: 16,
            intermediateSize: 100,
            vocabularySize: 77,
            normEpsilon: 1e-5,
            ropeTheta: 1e5,
            tiesEmbedding: false,
            positionsMax: 99
        )
        try model.write(to: scratch.path + "/config.json")
        #expect(try DecoderConfiguration.read(from: scratch.path + "/config.json") == model)
    }

    @Test("sizes that do not fit each other are refused with the key")
    func validation() throws {
        var model = DecoderConfiguration(
            hiddenSize: 96,
            layerCount: 2,
            headCount: 4,
            intermediateSize: 256,
            vocabularySize: 32
        )
        try model.validate(file: "f")
        model.keyValueHeadCount = 3
        let error = #expect(throws: CheckpointError.self) { try model.validate(file: "f") }
        #expect(error?.description == "f: num_key_value_heads: 3 does not divide num_attention_heads = 4")
        model.keyValueHeadCount = 4
        model.headSize = 5
        #expect(throws: CheckpointError.self) { try model.validate(file: "f") }
        model.headSize = 24
        model.vocabularySize = 0
        #expect(throws: CheckpointError.self) { try model.validate(file: "f") }
    }

    @Test("a directory without weights or with wrong ones says what is wrong")
    func directories() throws {
        let scratch = try Scratch()
        let config = try Data(contentsOf: URL(filePath: Golden.path("tiny-untied/config.json")))
        _ = try scratch.write([UInt8](config), "config.json")
        let tied = try Data(contentsOf: URL(filePath: Golden.path("tiny-tied/model.safetensors")))
        let path = try scratch.write([UInt8](tied), "model.safetensors")
        #expect(throws: CheckpointError.missingTensor(file: path, name: "lm_head.weight")) {
            try BaseModel.load(.directory(scratch.path))
        }
        var model = try DecoderConfiguration.read(from: scratch.path + "/config.json")
        model.tiesEmbedding = true
        model.intermediateSize = 65
        try model.write(to: scratch.path + "/config.json")
        let name = "model.layers.0.mlp.gate_proj.weight"
        #expect(
            throws: CheckpointError.wrongShape(file: path, name: name, expected: [65, 32], found: [64, 32])
        ) {
            try BaseModel.load(.directory(scratch.path))
        }
    }

    @Test("an embedded model that is not there says where it was looked for")
    func embedded() {
        let unknown = #expect(throws: CheckpointError.self) { try BaseModel.load(.embedded("huge")) }
        #expect(unknown?.description.contains("tiny-arithmetic-hard, tiny-phases, tiny-personas") == true)
        let away = #expect(throws: CheckpointError.self) {
            try EmbeddedModels.directory(of: "tiny-arithmetic", executableDirectory: "/nowhere")
        }
        let place = "/nowhere/tributary_Models.resources/Resources/tiny-arithmetic"
        #expect(away?.description.contains("not found at \(place) or ") == true)
    }

    @Test(
        "an embedded model is found beside the executable and in share/tributary",
        arguments: ["", "share/tributary/"]
    )
    func embeddedPlaces(place: String) throws {
        let scratch = try Scratch()
        let parent = scratch.path + "/" + (place.isEmpty ? "bin/" : place)
        let folder = "\(parent)tributary_Models.resources/Resources/tiny-arithmetic"
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/bin",
            withIntermediateDirectories: true
        )
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(filePath: folder + "/config.json"))
        let found = try EmbeddedModels.directory(
            of: "tiny-arithmetic",
            executableDirectory: scratch.path + "/bin"
        )
        #expect(
            URL(filePath: found).standardizedFileURL.path == URL(filePath: folder).standardizedFileURL.path
        )
    }
}
