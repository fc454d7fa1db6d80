import Contract
import Foundation
import Tensors
import Testing
import Text

@testable import Models

/// What changes the function of a checkpoint or an adapter is applied or refused by name, never ignored.
@Suite struct StrictReadingTests {
    /// A copy of the tied golden model with a changed configuration and other tensors beside its own.
    private func model(
        _ scratch: Scratch,
        name: String = "tiny-tied",
        tensors: [NamedArray] = [],
        _ change: (inout [String: Any]) -> Void = { _ in }
    ) throws -> ModelSource {
        let folder = scratch.path + "/model"
        let source = try Golden.path(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let data = try Data(contentsOf: URL(filePath: source + "/config.json"))
        var json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        change(&json)
        try JSONSerialization.data(withJSONObject: json).write(to: URL(filePath: folder + "/config.json"))
        let file = try SafetensorsFile(path: source + "/model.safetensors")
        let own = Set(tensors.map(\.name))
        let kept = try file.arrays().filter { !own.contains($0.name) }
        try SafetensorsWriter.write(kept + tensors, to: folder + "/model.safetensors")
        return .directory(folder)
    }

    private func fault(_ source: ModelSource) -> String? {
        #expect(throws: CheckpointError.self) { try BaseModel.load(source) }?.description
    }

    @Test(
        "a key of config.json that could change the function is refused by name",
        arguments: [
            #"{"rope_scaling": {"type": "mrope", "factor": 4.0}}"#, #"{"rope_scaling": {"factor": 4.0}}"#,
            #"{"rope_scaling": {"rope_type": "default", "type": "yarn"}}"#,
            #"{"rope_scaling": {"rope_type": "llama3"}}"#,
            #"{"rope_parameters": {"rope_type": "default", "factor": 0.5}}"#,
            #"{"rope_parameters": {"full_attention": {"rope_theta": 1e5}}}"#, #"{"sliding_window": 128}"#,
            #"{"final_logit_softcapping": 30.0}"#, #"{"attn_logit_softcapping": 50.0}"#,
            #"{"partial_rotary_factor": 0.1}"#, #"{"quantization_config": {"bits": 4}}"#,
            #"{"attention_multiplier": 0.5}"#, #"{"qk_norm": true}"#, #"{"rope_interleaved": true}"#,
            #"{"layer_types": ["full_attention", "sliding_attention"]}"#,
            #"{"auto_map": {"AutoModel": "m.M"}}"#,
            #"{"num_experts": 4}"#, #"{"rms_norm_eps": 1e-50}"#, #"{"rope_theta": 0}"#,
        ]
    )
    func refusedKeys(text: String) throws {
        let added = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let scratch = try Scratch()

        let message = fault(try model(scratch) { $0.merge(added) { $1 } })

        for key in added.keys { #expect(message?.contains(key) == true, "\(message ?? "")") }
    }

    @Test("keys that change nothing are taken")
    func harmlessKeys() throws {
        let scratch = try Scratch()
        let plain = try BaseModel.load(.directory(Golden.path("tiny-tied")))

        let same = try BaseModel.load(
            model(scratch) {
                $0["rope_scaling"] = NSNull()
                $0["sliding_window"] = NSNull()
                $0["rope_interleaved"] = false
                $0["partial_rotary_factor"] = 1.0
                $0["layer_types"] = ["full_attention", "full_attention"]
                $0["transformers_version"] = "5.0"
                $0["attention_dropout"] = 0.1
                $0["hidden_act"] = "swish"
            }
        )

        #expect(same.configuration == plain.configuration)
    }

    @Test("a tensor that the model has no use for is refused by name")
    func unusedTensors() throws {
        for name in [
            "model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_norm.weight",
            "model.layers.2.input_layernorm.weight", "score.weight",
        ] {
            let scratch = try Scratch()
            let array = NamedArray(name: name, shape: [2], values: [1, 2])
            let other = try model(scratch, tensors: [array])
            #expect(fault(other)?.contains("'\(name)'") == true)
        }
        let scratch = try Scratch()
        let old = NamedArray(name: "model.layers.0.self_attn.rotary_emb.inv_freq", shape: [1], values: [1])
        _ = try BaseModel.load(model(scratch, tensors: [old]))
    }

    @Test("an output head beside a tied embedding must be the embedding")
    func tiedHead() throws {
        let embedding = try SafetensorsFile(path: Golden.path("tiny-tied") + "/model.safetensors")
            .values(of: CheckpointNames.embedding)
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        let shape = [base.configuration.vocabularySize, base.configuration.hiddenSize]
        var head = NamedArray(name: CheckpointNames.head, shape: shape, values: embedding)
        let scratch = try Scratch()
        _ = try BaseModel.load(model(scratch, tensors: [head]))

        head.values[0] += 1

        let other = try model(Scratch(), tensors: [head])
        #expect(fault(other) != nil)
    }

    @Test(
        "a metadata key of GGUF that could change the function is refused by name",
        arguments: [
            ("llama.rope.scaling.type", GGUFWriter.Value.text("longrope")),
            ("llama.rope.scaling.factor", .float(0)), ("llama.rope.scaling.attn_factor", .float(2)),
            ("llama.rope.scaling.yarn_ext_factor", .float(0)), ("llama.attention.sliding_window", .word(64)),
            ("llama.expert_count", .word(8)), ("llama.attention.key_length", .word(4)),
            ("llama.logit_scale", .float(0.5)), ("llama.residual_scale", .float(0.5)),
            ("llama.final_logit_softcapping", .float(30)), ("llama.vocab_size", .word(5)),
            ("llama.something.new", .word(1)), ("tokenizer.ggml.add_sep_token", .word(1)),
        ]
    )
    func ggufKeys(key: String, value: GGUFWriter.Value) throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        var writer = GGUFWriter(DecoderParameters(base).arrays(), base.configuration)
        writer.keys.append((key, value))
        let path = try scratch.write(writer.bytes(), "model.gguf")

        let message = fault(.gguf(path))
        #expect(
            message?.contains(key) == true || message?.contains("llama.rope.dimension_count") == true
                || (key.contains("factor") && message?.contains("rope_scaling.factor") == true)
        )
    }

    @Test("a tensor of GGUF that the model has no use for is refused by name")
    func ggufTensors() throws {
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        for name in [
            "blk.0.attn_q.bias", "blk.0.attn_q_norm.weight", "rope_freqs.weight", "blk.9.attn_q.weight",
        ] {
            let scratch = try Scratch()
            var writer = GGUFWriter(DecoderParameters(base).arrays(), base.configuration)
            writer.add(NamedArray(name: name, shape: [2], values: [1, 1]), as: name)
            let path = try scratch.write(writer.bytes(), "model.gguf")

            #expect(fault(.gguf(path))?.contains(name) == true)
        }
    }

    @Test("a vocabulary with more ids than the embedding has rows is refused when the model is loaded")
    func vocabulary() throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        let rows = base.configuration.vocabularySize
        var writer = GGUFWriter(DecoderParameters(base).arrays(), base.configuration)
        let tokens = (0...rows).map { "t\($0)" }
        writer.keys = writer.keys.map { $0.0 == "tokenizer.ggml.tokens" ? ($0.0, .texts(tokens)) : $0 }
        let path = try scratch.write(writer.bytes(), "model.gguf")

        #expect(
            fault(.gguf(path))?.contains("the tokenizer has \(rows + 1) ids, the embedding \(rows) rows")
                == true
        )
    }

    @Test("rotary angles are kept for the positions that are used, not for all that a model allows")
    func positions() throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(model(scratch) { $0["max_position_embeddings"] = 1 << 24 })
        #expect(base.rope.positions == RopeTable.usualPositions)

        let decoder = LanguageDecoder(base)
        let tape = Tape(recording: false, workspace: decoder.workspace)
        let far = Int32(3 * RopeTable.usualPositions)
        let states = decoder.hidden(
            tape: tape,
            tokens: [1],
            positions: [far],
            segments: PackedBatch(groups: [([1], [])]).segments
        )
        #expect(states.toArray().allSatisfy { $0.isFinite })
    }

    // MARK: - Adapters

    private static let decoder = DecoderConfiguration(
        hiddenSize: 8,
        layerCount: 2,
        headCount: 2,
        intermediateSize: 12,
        vocabularySize: 16
    )

    /// An adapter whose configuration file was changed.
    private func adapter(
        _ scratch: Scratch,
        _ configuration: LoRAConfiguration = LoRAConfiguration(rank: 2, targets: ["q_proj", "v_proj"]),
        _ change: (inout [String: Any]) -> Void
    ) throws -> String {
        let path = scratch.path + "/adapter"
        let arrays = try Adapter(for: Self.decoder, configuration, seed: 1).weights.arrays
        try AdapterDirectory.write(AdapterWeights(arrays), configuration, baseModelName: "x", to: path)
        let file = URL(filePath: path + "/adapter_config.json")
        var json = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        )
        change(&json)
        try JSONSerialization.data(withJSONObject: json).write(to: file)
        return path
    }

    @Test(
        "an adapter whose factors mean something else is refused by name",
        arguments: [
            #"{"init_lora_weights": "pissa"}"#, #"{"init_lora_weights": "pissa_niter_16"}"#,
            #"{"init_lora_weights": "olora"}"#, #"{"init_lora_weights": "corda"}"#,
            #"{"init_lora_weights": "loftq"}"#, #"{"init_lora_weights": "lora_ga"}"#,
            #"{"init_lora_weights": "something"}"#, #"{"lora_bias": true}"#, #"{"use_qalora": true}"#,
            #"{"layer_replication": [[0, 2], [1, 2]]}"#, #"{"trainable_token_indices": [1]}"#,
            #"{"target_parameters": ["w"]}"#, #"{"alora_invocation_tokens": [1]}"#,
            #"{"use_new_variant": true}"#,
            #"{"new_scale": 0.5}"#, #"{"task_type": "SEQ_CLS"}"#, #"{"arrow_config": {"top_k": 3}}"#,
            #"{"kasa_config": {"beta": 1}}"#, #"{"modules_to_save": ["lm_head"]}"#, #"{"peft_type": "LOHA"}"#,
        ]
    )
    func variants(text: String) throws {
        let added = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let scratch = try Scratch()
        let path = try adapter(scratch) { $0.merge(added) { $1 } }

        let message = #expect(throws: CheckpointError.self) { try AdapterDirectory.read(from: path) }?
            .description

        for key in added.keys { #expect(message?.contains(key) == true, "\(message ?? "")") }
    }

    @Test("keys of newer versions of PEFT that are switched off are taken")
    func newerKeys() throws {
        let scratch = try Scratch()
        let path = try adapter(scratch) {
            $0["init_lora_weights"] = "gaussian"
            $0["lora_bias"] = false
            $0["layer_replication"] = NSNull()
            $0["qalora_group_size"] = 16
            $0["megatron_core"] = "megatron.core"
            $0["loftq_config"] = [String: Any]()
            $0["peft_version"] = "0.99"
            $0["variant_of_tomorrow"] = NSNull()
        }

        #expect(try AdapterDirectory.read(from: path, for: Self.decoder).0.arrays.count == 8)
    }

    @Test("the same maps are the same adapter, by whichever names PEFT gives them")
    func names() throws {
        let whole = (0..<2).flatMap { layer in
            ["q_proj", "v_proj"].map { "model.layers.\(layer).self_attn.\($0)" }
        }
        let plain = LoRAConfiguration(rank: 2, targets: ["q_proj", "v_proj"])
        for targets: Any in [whole, whole.map { String($0.dropFirst(6)) }, ".*\\.(q|v)_proj"] {
            let scratch = try Scratch()
            let path = try adapter(scratch) { $0["target_modules"] = targets }

            let (weights, kind) = try AdapterDirectory.read(from: path, for: Self.decoder)

            #expect(weights.arrays.count == 8)
            #expect(kind as? LoRAConfiguration == plain)
        }
    }

    @Test("maps that are chosen block by block are an adapter of just those")
    func chosen() throws {
        let maps = ["model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"]
        let configuration = LoRAConfiguration(rank: 2, targets: maps)
        #expect(try Adapter(for: Self.decoder, configuration, seed: 1).weights.arrays.count == 4)
        let scratch = try Scratch()
        let path = try adapter(scratch, configuration) { _ in }

        let (weights, kind) = try AdapterDirectory.read(from: path, for: Self.decoder)

        #expect(weights.arrays.count == 4)
        #expect((kind as? LoRAConfiguration)?.targets.sorted() == maps)
    }

    // MARK: - Sampling

    @Test(
        "temperatures and nuclei that are nothing or infinite in float32 are out of range",
        arguments: [1e-46, 1e-40, 1e-4, 101, 1e39, Double.infinity, .nan, -1]
    )
    func temperatures(value: Double) throws {
        let json = #"{"maxTokens": 4, "temperature": \#(value)}"#
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(SamplingSettings.self, from: Data(json.utf8))
        }
        #expect(!SamplingSettings.isTemperature(value))
        #expect(!SamplingSettings.isTemperature(Float(value)) || value == 1e-46)
    }
}
