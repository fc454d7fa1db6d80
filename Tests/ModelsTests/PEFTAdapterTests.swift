import Contract
import Foundation
import Tensors
import Testing

@testable import Models

/// Adapters in every form that peft writes, against its logits; `Golden/make_adapter_goldens.py` makes them.
@Suite("Adapters of PEFT")
struct PEFTAdapterTests {
    /// Those that are plain LoRA on the maps of blocks, and those that are more, by the key that says so.
    private static let plain = [
        "rslora", "all-linear", "expression", "excluded", "layers", "patterns", "patterns-rslora", "fused",
    ]
    private static let beyond = [
        "dora": "use_dora", "dora-biases": "use_dora", "fused-dora": "use_dora", "saved": "modules_to_save",
        "saved-tied": "modules_to_save", "saved-map": "modules_to_save", "embedding": "target_modules",
        "embedding-tied": "target_modules", "head-tied": "target_modules", "biases": "bias",
        "biases-lora": "bias", "tokens": "trainable_token_indices", "tokens-tied": "trainable_token_indices",
    ]
    private static let prompt: [Int32] = [1, 17, 4, 33, 8, 25, 2, 17]

    private func base(of name: String) throws -> BaseModel {
        let file = URL(filePath: try Golden.path("adapters/\(name)/adapter_config.json"))
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        let base = try #require(json?["base_model_name_or_path"] as? String)
        return try BaseModel.load(.directory(Golden.path(base)))
    }

    private func logits(_ base: BaseModel, _ adapter: Adapter) -> [Float] {
        let batch = PackedBatch(groups: [(Self.prompt, [])])
        let rows = Self.prompt.indices.map { Int32($0) }
        return LanguageDecoder(base, adapter: adapter).logits(batch: batch, rows: rows).toArray()
    }

    @Test("logits agree to 1e-5 with an adapter of any form", arguments: plain + beyond.keys.sorted())
    func logits(name: String) throws {
        let base = try base(of: name)
        let path = try Golden.path("adapters/\(name)")
        let expected = try SafetensorsFile(path: "\(path)/logits.safetensors").values(of: "logits")

        let adapter = try AdapterDirectory.adapter(from: path, for: base)

        #expect(distance(logits(base, adapter), expected) < 1e-5)
        let batch = PackedBatch(groups: [(Self.prompt, [])])
        let decoder = LanguageDecoder(base, adapter: adapter)
        let without = decoder.logits(batch: batch, rows: [0, 7], withAdapter: false).toArray()
        #expect(distance(without, LanguageDecoder(base).logits(batch: batch, rows: [0, 7]).toArray()) == 0)
    }

    @Test("LoRA on the maps of blocks can be trained further and is written as plain LoRA", arguments: plain)
    func trainable(name: String) throws {
        let (base, scratch) = (try base(of: name), try Scratch())
        let path = try Golden.path("adapters/\(name)")

        let (weights, kind) = try AdapterDirectory.read(from: path, for: base.configuration)
        try AdapterDirectory.write(weights, kind, baseModelName: "x", to: scratch.path)

        #expect(kind is LoRAConfiguration)
        let (first, second) = (
            try AdapterDirectory.adapter(from: path, for: base),
            try AdapterDirectory.adapter(from: scratch.path, for: base)
        )
        #expect(distance(logits(base, second), logits(base, first)) == 0)
    }

    @Test("what is more than that is refused for training with the key that says so", arguments: beyond)
    func generating(name: String, key: String) throws {
        let path = try Golden.path("adapters/\(name)")

        let error = #expect(throws: CheckpointError.self) { try AdapterDirectory.read(from: path) }

        let description = error?.description ?? ""
        #expect(description.contains("\(key): is read for generating only"), "\(description)")
        #expect(AdapterKinds.named("merged") == nil)
    }

    /// An adapter's folder with its configuration changed.
    private func changed(_ name: String, _ scratch: Scratch, _ change: (inout [String: Any]) -> Void) throws {
        let path = try Golden.path("adapters/\(name)")
        var json = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: "\(path)/adapter_config.json"))
            ) as? [String: Any]
        )
        change(&json)
        _ = try scratch.write([UInt8](JSONSerialization.data(withJSONObject: json)), "adapter_config.json")
        let weights = try Data(contentsOf: URL(filePath: "\(path)/adapter_model.safetensors"))
        _ = try scratch.write([UInt8](weights), "adapter_model.safetensors")
    }

    @Test(
        "a configuration that says another thing than the arrays is refused with its key",
        arguments: [
            ("patterns", #"{"rank_pattern": {"q_proj": 3}}"#, "which is not of rank 3"),
            (
                "patterns", #"{"target_modules": ["down_proj", "k_proj", "q_proj", "v_proj"]}"#,
                "names 'k_proj', but 'model.layers.0.self_attn.k_proj' of the model has no arrays"
            ),
            ("patterns", #"{"rank_pattern": {"q_(?=p)": 3}}"#, "rank_pattern: 'q_(?=p)': the group '(?='"),
            ("patterns", #"{"alpha_pattern": {"q_proj": 1e9}}"#, "out of range"),
            ("all-linear", #"{"target_modules": "q_proj"}"#, "target_modules: does not mean"),
            (
                "expression", #"{"target_modules": "all-linear"}"#,
                "target_modules: means 'model.layers.0.self_attn.v_proj'"
            ),
            ("excluded", #"{"exclude_modules": ["k_proj", "up_proj"]}"#, "exclude_modules: means"),
            (
                "excluded", #"{"target_modules": "all-linear", "exclude_modules": ".*k_proj"}"#,
                "target_modules: means 'model.layers.0.mlp.up_proj'"
            ),
            ("layers", #"{"layers_to_transform": [0]}"#, "layers_to_transform"),
            ("dora", #"{"use_dora": false}"#, "use_dora: false"),
            ("rslora", #"{"use_dora": true}"#, "use_dora: true"),
            ("saved", #"{"modules_to_save": ["lm_head"]}"#, "is no module of modules_to_save"),
            (
                "saved-map", #"{"modules_to_save": ["down_proj", "input_layernorm", "up_proj"]}"#,
                "modules_to_save: there is no array of 'up_proj'"
            ),
            ("biases", #"{"bias": "none"}"#, "bias is 'none'"),
            ("biases", #"{"bias": "some"}"#, "bias: 'some'"),
            ("tokens", #"{"trainable_token_indices": [4]}"#, "expected 1 rows"),
            ("tokens", #"{"trainable_token_indices": null}"#, "without trainable_token_indices"),
            ("tokens", #"{"trainable_token_indices": [4, 17, 50]}"#, "trainable_token_indices"),
            ("tokens", #"{"trainable_token_indices": [4, 17, 17]}"#, "trainable_token_indices"),
            ("tokens", #"{"trainable_token_indices": {"lm_head": [1]}}"#, "of other modules"),
            ("fused", #"{"fan_in_fan_out": true}"#, "fan_in_fan_out"),
            ("fused", #"{"lora_bias": true}"#, "lora_bias"),
            ("fused", #"{"megatron_config": {"a": 1}}"#, "megatron_config"),
        ]
    )
    func contradictions(name: String, text: String, words: String) throws {
        let (base, scratch) = (try base(of: name), try Scratch())
        let added = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        try changed(name, scratch) { $0.merge(added) { $1 } }

        let error = #expect(throws: CheckpointError.self) {
            try AdapterDirectory.adapter(from: scratch.path, for: base)
        }

        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("an adapter of another model is refused, with the array that does not fit", arguments: beyond.keys)
    func otherModel(name: String) throws {
        let other = try BaseModel.load(.directory(Golden.path("families/qwen3")))

        #expect(throws: (any Error).self) {
            try AdapterDirectory.adapter(from: Golden.path("adapters/\(name)"), for: other)
        }
    }

    @Test("of patterns that mean the same module the first in the file counts, as in PEFT")
    func overlappingPatterns() throws {
        let (base, scratch) = (try base(of: "patterns"), try Scratch())
        try changed("patterns", scratch) { $0["rank_pattern"] = ["PATTERNS": 1] }
        let text = String(
            decoding: try Data(contentsOf: URL(filePath: scratch.path + "/adapter_config.json")),
            as: UTF8.self
        )
        func read(_ patterns: String) throws -> Int {
            let changed = text.replacing(#""PATTERNS":1"#, with: patterns)
            try #require(changed != text)
            _ = try scratch.write(Array(changed.utf8), "adapter_config.json")
            return try AdapterDirectory.read(from: scratch.path, for: base.configuration).0.arrays.count
        }
        let down = #""layers\\.1\\.mlp.down_proj": 7"#

        #expect(try read(#"\#(down), "q_proj": 2, "layers.0.self_attn.q_proj": 3"#) == 12)
        let error = #expect(throws: CheckpointError.self) {
            try read(#"\#(down), "layers.0.self_attn.q_proj": 3, "q_proj": 2"#)
        }
        #expect(error?.description.contains("not of rank 3") == true)
    }

    @Test("a target that no module of the model has means nothing, as in PEFT")
    func absentTarget() throws {
        let (base, scratch) = (try base(of: "patterns"), try Scratch())
        try changed("patterns", scratch) { $0["target_modules"] = ["down_proj", "q_proj", "v_proj", "wi_0"] }

        let (_, kind) = try AdapterDirectory.read(from: scratch.path, for: base.configuration)

        #expect((kind as? LoRAConfiguration)?.targets == ["q_proj", "v_proj", "down_proj"])
    }

    @Test("an adapter for generating only is described with the key that makes it so", arguments: beyond.keys)
    func generatingOnly(name: String) throws {
        let found = try AdapterDirectory.forGeneratingOnly(Golden.path("adapters/\(name)"))

        #expect(found?.key == Self.beyond[name])
        #expect(found?.arrays.arrays.isEmpty == false)
        #expect(try AdapterDirectory.forGeneratingOnly(Golden.path("adapters/rslora")) == nil)
    }

    @Test("a byte order mark before the configuration is taken")
    func byteOrderMark() throws {
        let scratch = try Scratch()
        try changed("rslora", scratch) { _ in }
        let file = URL(filePath: scratch.path + "/adapter_config.json")
        _ = try scratch.write([0xEF, 0xBB, 0xBF] + [UInt8](Data(contentsOf: file)), "adapter_config.json")

        #expect(try AdapterDirectory.read(from: scratch.path).0.arrays.count == 8)
    }

    @Test("patterns over paths match as Python's fullmatch does, and end for any of them")
    func patterns() throws {
        let path = "model.layers.10.self_attn.q_proj"
        for pattern in [
            ".*", "model.*", #".*\.1[0-9]\..*"#, "(?:.*\\.)?self_attn\\.(q|k)_proj",
            #"model\.layers\.\d{2}\.\w+\.q_proj$"#,
            "^model.layers.(?P<n>1?0)[.]self_attn[^x]q_proj", ".*?q_proj", "(a*)*(model)?.*", #"[\w.]+"#,
            "(.*)+(.*)+(.*)+q_proj",
        ] {
            #expect(try PathPattern(pattern).matches(path), "\(pattern)")
        }
        for pattern in ["q_proj", "model", "", "(a*)*b", #".*\d{3}.*"#, "[^.]+", ".*_proj.", "(.*)*x"] {
            #expect(try !PathPattern(pattern).matches(path), "\(pattern)")
        }
        #expect(try PathPattern.matches("q_proj|k_proj", endOf: path))
        #expect(try PathPattern.matches("proj", endOf: path) == false)
        for pattern in [
            "(", ")", "[a", "a{2", "a**", "*", "(?=a)", "(?i)a", #"\1"#, #"\b"#, "a\\", "[z-a]", "a{3,2}",
            "a{99999}",
            String(repeating: "(", count: 200), String(repeating: "a", count: 2000),
        ] {
            #expect(throws: PathPattern.Fault.self, "\(pattern)") { try PathPattern(pattern) }
        }
    }
}
