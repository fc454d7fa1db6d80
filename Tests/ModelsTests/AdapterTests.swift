import Contract
import Foundation
import Models
import Testing

@Suite("Adapters")
struct AdapterTests {
    private let model = DecoderConfiguration(
        hiddenSize: 96,
        layerCount: 2,
        headCount: 4,
        intermediateSize: 256,
        vocabularySize: 32
    )

    @Test(
        "a scale that vanishes in float32 is refused before anything is trained with it",
        arguments: [1e-60, 0, -1, 1e39]
    )
    func vanishingAlpha(alpha: Double) {
        #expect(throws: SettingsFault.self) { try LoRAConfiguration(rank: 2, alpha: alpha).validate() }
        #expect(throws: Never.self) { try LoRAConfiguration(rank: 2, alpha: 1e-6).validate() }
    }

    @Test("the demo's adapter has 29,184 parameters under PEFT's names, B is zero, A uniform in ±1/√in")
    func start() throws {
        let adapter = try Adapter(for: model, LoRAConfiguration(rank: 8, alpha: 16), seed: 5)
        let weights = adapter.weights
        #expect(weights.valueCount == 29_184)
        #expect(weights.arrays.map(\.name) == adapter.names)
        let a = try #require(weights["base_model.model.model.layers.1.mlp.down_proj.lora_A.weight"])
        #expect(a.shape == [8, 256])
        let bound = Float(1) / 16
        #expect(a.values.allSatisfy { abs($0) <= bound })
        #expect(try #require(a.values.max()) > 0.9 * bound)
        #expect(try #require(a.values.min()) < -0.9 * bound)
        let b = try #require(weights["base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"])
        #expect(b.shape == [96, 8])
        #expect(b.values.allSatisfy { $0 == 0 })
    }

    @Test("the same seed gives the same adapter, another seed another one")
    func seeds() throws {
        func weights(_ seed: UInt64) throws -> AdapterWeights {
            try Adapter(for: model, LoRAConfiguration(), seed: seed).weights
        }
        #expect(try weights(1) == weights(1))
        #expect(try weights(1) != weights(2))
    }

    @Test("weights with a missing, unknown or misshapen array are refused and change nothing")
    func loading() throws {
        let adapter = try Adapter(for: model, LoRAConfiguration(targets: ["q_proj", "v_proj"]), seed: 1)
        let before = adapter.weights
        var arrays = before.arrays
        let last = arrays.removeLast()
        #expect(throws: AdapterFault.missing(last.name)) { try adapter.load(AdapterWeights(arrays)) }
        arrays.append(NamedArray(name: last.name, shape: [last.values.count], values: last.values))
        #expect(
            throws: AdapterFault.wrongShape(last.name, expected: last.shape, found: [last.values.count])
        ) { try adapter.load(AdapterWeights(arrays)) }
        let other = NamedArray(name: "a", shape: [1], values: [0])
        #expect(throws: AdapterFault.unexpected("a")) {
            try adapter.load(AdapterWeights(before.arrays + [other]))
        }
        #expect(adapter.weights == before)
    }

    @Test(
        "configurations out of range are refused with the key",
        arguments: [
            (LoRAConfiguration(rank: 0), "rank"), (LoRAConfiguration(alpha: -1), "alpha"),
            (LoRAConfiguration(targets: []), "targets"), (LoRAConfiguration(targets: ["lm_head"]), "targets"),
            (LoRAConfiguration(targets: ["q_proj", "q_proj"]), "targets"),
            (LoRAConfiguration(layers: [2]), "layers"), (LoRAConfiguration(layers: []), "layers"),
        ]
    )
    func configurations(configuration: LoRAConfiguration, key: String) {
        let error = #expect(throws: AdapterError.self) { try Adapter(for: model, configuration, seed: 1) }
        #expect(error?.description.hasPrefix("adapter: \(key): ") == true)
    }

    @Test("a PEFT directory that is written is read back", arguments: [nil, [1]])
    func directory(layers: [Int]?) throws {
        let scratch = try Scratch()
        let configuration = LoRAConfiguration(
            rank: 4,
            alpha: 6.5,
            targets: ["q_proj", "up_proj"],
            layers: layers
        )
        let weights = try Adapter(for: model, configuration, seed: 9).weights

        try AdapterDirectory.write(
            weights,
            configuration,
            baseModelName: "x/y",
            to: scratch.path + "/adapter"
        )

        let read = try AdapterDirectory.read(from: scratch.path + "/adapter", for: model)
        #expect(try weights.layout.apply(to: read.0) == weights)
        #expect(read.1 as? LoRAConfiguration == configuration)
    }

    @Test("an A without its B, a rank that is not the configured one and a foreign array are refused")
    func incomplete() throws {
        let scratch = try Scratch()
        let configuration = LoRAConfiguration(rank: 4, targets: ["q_proj"])
        let weights = try Adapter(for: model, configuration, seed: 9).weights
        func fault(_ arrays: [NamedArray], _ configuration: LoRAConfiguration) throws -> String? {
            let path = scratch.path + "/adapter"
            try AdapterDirectory.write(AdapterWeights(arrays), configuration, baseModelName: "x", to: path)
            return #expect(throws: CheckpointError.self) {
                try AdapterDirectory.read(from: path, for: model)
            }?
            .description
        }
        let b = weights.arrays[1]
        #expect(b.name.hasSuffix("layers.0.self_attn.q_proj.lora_B.weight"))
        let widow = try fault(weights.arrays.filter { $0.name != b.name }, configuration)
        #expect(widow?.contains("tensor '\(b.name)' is missing") == true)
        #expect(
            try fault(weights.arrays, LoRAConfiguration(rank: 5, targets: ["q_proj"]))?
                .contains("not of rank 5") == true
        )
        let foreign = NamedArray(
            name: "base_model.model.vision.lora_A.weight",
            shape: [4, 1],
            values: [0, 0, 0, 0]
        )
        #expect(try fault(weights.arrays + [foreign], configuration)?.contains("is no LoRA array") == true)
        #expect(
            try fault(weights.arrays, LoRAConfiguration(rank: 4, targets: ["k_proj"]))?
                .contains("target_modules") == true
        )
        let narrow = NamedArray(name: b.name, shape: [95, 4], values: [Float](repeating: 0, count: 380))
        #expect(
            try fault(weights.arrays.filter { $0.name != b.name } + [narrow], configuration)?
                .contains("has shape [95, 4], the configuration needs [96, 4]") == true
        )
        #expect(
            try fault(Array(weights.arrays[..<2]), configuration)?.contains(
                "layers.1.self_attn.q_proj.lora_A.weight' is missing"
            ) == true
        )
    }

    @Test(
        "DoRA without its magnitudes and transposed weights are refused",
        arguments: ["use_dora", "fan_in_fan_out"]
    )
    func variants(key: String) throws {
        let scratch = try Scratch()
        let configuration = LoRAConfiguration(rank: 4, targets: ["q_proj"])
        let weights = try Adapter(for: model, configuration, seed: 9).weights
        let path = scratch.path + "/adapter"
        try AdapterDirectory.write(weights, configuration, baseModelName: "x", to: path)
        let file = URL(filePath: path + "/adapter_config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacing("\"\(key)\" : false", with: "\"\(key)\" : true").write(
            to: file,
            atomically: true,
            encoding: .utf8
        )
        let error = #expect(throws: CheckpointError.self) { try AdapterDirectory.read(from: path) }
        #expect(error?.description.contains(key) == true)
    }
}
