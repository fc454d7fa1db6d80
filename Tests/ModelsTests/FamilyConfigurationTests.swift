import Foundation
@testable import Models
import Testing

@Suite("Configurations of each family")
struct FamilyConfigurationTests {
    private func decode(_ json: String) throws -> DecoderConfiguration {
        let model = try JSONDecoder().decode(DecoderConfiguration.self, from: Data(json.utf8))
        try model.validate(file: "config.json")
        return model
    }

    private static let sizes =
        #""hidden_size":64,"num_hidden_layers":8,"num_attention_heads":4,"#
        + #""intermediate_size":96,"vocab_size":32"#

    private func model(_ family: String, _ more: String = "") throws -> DecoderConfiguration {
        try decode(#"{"model_type":"\#(family)",\#(Self.sizes)\#(more.isEmpty ? "" : ",\(more)")}"#)
    }

    /// What is wrong with a configuration.
    private func fault(_ family: String, _ more: String) -> String {
        do {
            _ = try model(family, more)
            return ""
        } catch let error as CheckpointError {
            return error.description
        } catch {
            return JSONFault.describe(error)
        }
    }

    @Test(
        "missing keys take the family's defaults",
        arguments: [
            ("llama", 4, 16, 10_000, 2048, false), ("qwen3", 32, 128, 10_000, 32_768, false),
            ("smollm3", 4, 16, 2_000_000, 32_768, true), ("phi3", 4, 16, 10_000, 4096, false),
            ("gemma2", 4, 256, 10_000, 8192, true), ("gemma3_text", 4, 256, 1_000_000, 131_072, true),
        ] as [(String, Int, Int, Double, Int, Bool)]
    )
    func defaults(
        family: String,
        keyValueHeads: Int,
        headSize: Int,
        theta: Double,
        positions: Int,
        ties: Bool
    ) throws {
        let heads = max(4, keyValueHeads)
        let found = try decode(
            #"{"model_type":"\#(family)","hidden_size":\#(16 * heads),"num_attention_heads":\#(heads),"#
                + #""num_hidden_layers":8,"intermediate_size":96,"vocab_size":32}"#
        )
        #expect(found.keyValueHeadCount == keyValueHeads)
        #expect(found.headSize == headSize)
        #expect(found.ropeTheta == theta)
        #expect(found.positionsMax == positions)
        #expect(found.tiesEmbedding == ties)
    }

    @Test(
        "a share of heads that turns is read where a family has it, and refused where others would ignore it"
    )
    func turnedShare() throws {
        let heads = #""num_key_value_heads":2,"partial_rotary_factor":"#
        for family in ["llama", "mistral", "qwen2", "qwen3", "smollm3", "gemma2"] {
            let fault = fault(family, heads + "0.5")
            #expect(fault.contains("partial_rotary_factor: 0.5 is not read"), "\(family): \(fault)")
            #expect(self.fault(family, heads + "1") == "", "\(family)")
        }
        #expect(try model("phi3", heads + "0.5").rotary.turnedShare == 0.5)
    }

    /// A family, and the same in older and newer words.
    private static let spellings: [(family: String, older: String, newer: String)] = [
        (
            "llama", #""rope_theta":5e5,"rope_scaling":{"type":"linear","factor":4}"#,
            #""rope_parameters":{"rope_theta":5e5,"rope_type":"linear","factor":4}"#
        ),
        (
            "llama",
            #""rope_theta":5e5,"rope_scaling":{"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"#
                + #""rope_type":"llama3","original_max_position_embeddings":99}"#,
            #""rope_parameters":{"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"#
                + #""rope_type":"llama3","original_max_position_embeddings":99,"rope_theta":5e5}"#
        ),
        (
            "qwen2", #""num_key_value_heads":2,"rope_scaling":{"type":"yarn","factor":4}"#,
            #""num_key_value_heads":2,"rope_parameters":{"rope_type":"yarn","factor":4,"#
                + #""original_max_position_embeddings":32768,"rope_theta":10000}"#
        ),
        (
            "gemma3_text",
            #""rope_theta":1e6,"rope_local_base_freq":5e3,"rope_scaling":{"rope_type":"linear","factor":8}"#,
            #""rope_parameters":{"full_attention":{"rope_type":"linear","factor":8,"rope_theta":1e6},"#
                + #""sliding_attention":{"rope_type":"default","rope_theta":5e3}}"#
        ),
        (
            "gemma3_text", #""sliding_window_pattern":4"#,
            #""layer_types":["sliding_attention","sliding_attention","sliding_attention","full_attention","#
                + #""sliding_attention","sliding_attention","sliding_attention","full_attention"]"#
        ),
        (
            "phi3",
            #""rope_scaling":{"type":"su","short_factor":[1,1,1,1,1,1,1,2],"long_factor":[1,1,1,1,1,1,1,4]},"#
                + #""original_max_position_embeddings":1000"#,
            #""rope_parameters":{"rope_type":"longrope","short_factor":[1,1,1,1,1,1,1,2],"#
                + #""rope_theta":10000,"long_factor":[1,1,1,1,1,1,1,4],"original_max_position_embeddings":1000}"#
        ),
    ]

    @Test("older and newer spellings are the same", arguments: 0..<6)
    func spelled(index: Int) throws {
        let (family, older, newer) = Self.spellings[index]
        let first = try model(family, older)
        #expect(try first == model(family, newer))
        #expect(try first != model(family, family == "qwen2" ? #""num_key_value_heads":2"# : ""))
    }

    @Test("each block has its window and its positions")
    func blocks() throws {
        let gemma2 = try model("gemma2")
        #expect(gemma2.blocks.map(\.window) == [4096, nil, 4096, nil, 4096, nil, 4096, nil])
        let gemma3 = try model("gemma3_text", #""sliding_window":512"#)
        #expect(gemma3.blocks.map(\.window) == [512, 512, 512, 512, 512, nil, 512, 512])
        #expect(gemma3.rotary(layer: 0)?.theta == 10_000 && gemma3.rotary(layer: 5)?.theta == 1_000_000)
        for more in ["", #""no_rope_layers":[1,1,1,0,1,1,1,0]"#] {
            let smollm3 = try model("smollm3", more)
            #expect((0..<8).map { smollm3.rotary(layer: $0) == nil } == (0..<8).map { $0 % 4 == 3 })
        }
        let mistral = try model("mistral", #""num_key_value_heads":2"#)
        #expect(mistral.blocks.map(\.window) == Array(repeating: 4096, count: 8))
        #expect(try model("mistral", #""num_key_value_heads":2,"sliding_window":null"#).blocks.isEmpty)
        let qwen = #""num_key_value_heads":4,"sliding_window":99,"max_window_layers":6"#
        #expect(try model("qwen2", qwen).blocks.isEmpty)
        let windows = try model("qwen2", qwen + #","use_sliding_window":true"#)
        #expect(windows.blocks.map(\.window) == Array(repeating: nil, count: 6) + [99, 99])
    }

    @Test("a model with two sets of LongRoPE's factors is read up to the length of the first")
    func longRope() throws {
        let factors = #""short_factor":[1,1,1,1,1,1,1,2],"long_factor":[1,1,1,1,1,1,1,4]"#
        let phi = try model(
            "phi3",
            #""rope_scaling":{"type":"longrope",\#(factors)},"original_max_position_embeddings":4096,"#
                + #""max_position_embeddings":131072"#
        )
        #expect(phi.positionsMax == 4096)
        guard case .long(let rule) = phi.rotary.scaling else {
            Issue.record("\(phi.rotary.scaling)")
            return
        }
        // √(1 + ln 32 / ln 4096)
        #expect(abs(rule.magnitude - 1.190_238) < 1e-5)
    }

    @Test("LongRoPE's factors are kept in float32, as GGUF does, so that both files are one model")
    func longRopeFactors() throws {
        func rule(_ factor: String) throws -> LongScaling? {
            let factors = #""short_factor":[1,1,1,1,1,1,1,\#(factor)],"long_factor":[1,1,1,1,1,1,1,4]"#
            let phi = try model(
                "phi3",
                #""rope_scaling":{"type":"longrope",\#(factors)},"original_max_position_embeddings":4096,"#
                    + #""max_position_embeddings":131072"#
            )
            guard case .long(let rule) = phi.rotary.scaling else { return nil }
            return rule
        }
        let written = try #require(try rule("1.0700000524520874"))

        #expect(try rule("1.07") == written)
        #expect(written.short.last == Double(Float(1.07)))
    }

    @Test("YaRN reaches as far as its factor says, whatever the file gives as the longest text")
    func yarn() throws {
        let scaling =
            #""rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":4096,"finetuned":true}"#
        #expect(try model("llama", #"\#(scaling),"max_position_embeddings":4096"#).positionsMax == 16_384)
        #expect(try model("llama", #"\#(scaling),"max_position_embeddings":20000"#).positionsMax == 20_000)
        #expect(
            fault("llama", #""rope_scaling":{"type":"yarn","factor":1e300}"#).contains("rope_scaling.factor")
        )
    }

    @Test(
        "what is not known is refused with its key",
        arguments: [
            ("gemma3", "", "model_type"),
            ("mixtral", "", "'mixtral' is not read, only 'llama', 'mistral', 'qwen2', 'qwen3'"),
            ("gemma2", #""hidden_activation":"gelu""#, "hidden_activation"),
            ("gemma2", #""use_bidirectional_attention":true"#, "use_bidirectional_attention"),
            ("gemma2", #""sliding_window":null"#, "sliding_window"),
            ("gemma2", #""final_logit_softcapping":0"#, "final_logit_softcapping"),
            ("gemma2", #""query_pre_attn_scalar":-1"#, "query_pre_attn_scalar"),
            ("gemma3_text", #""attn_logit_softcapping":50"#, "attn_logit_softcapping"),
            ("gemma3_text", #""sliding_window_pattern":0"#, "sliding_window_pattern"),
            ("gemma3_text", #""rope_parameters":{"rope_type":"default"}"#, "rope_parameters"),
            ("phi3", #""rope_scaling":{"type":"yarn","factor":4}"#, "rope_scaling"),
            (
                "phi3", #""rope_scaling":{"type":"longrope","short_factor":[1],"long_factor":[1]}"#,
                "short_factor"
            ),
            ("phi3", #""partial_rotary_factor":0.3"#, ""),
            ("phi3", #""partial_rotary_factor":0.2"#, "partial_rotary_factor"),
            ("phi3", #""partial_rotary_factor":1e300"#, "partial_rotary_factor"),
            ("qwen2", #""layer_types":["full_attention"]"#, "layer_types"),
            ("qwen3", #""use_sliding_window":true,"layer_types":["chunked_attention"]"#, "layer_types"),
            ("smollm3", #""no_rope_layers":[1,1]"#, "no_rope_layers"),
            ("smollm3", #""no_rope_layer_interval":0"#, "no_rope_layer_interval"),
            ("smollm3", #""no_rope_layers":[1,1,1,1,1,1,1,2]"#, "no_rope_layers"),
            ("mistral", #""sliding_window":0,"num_key_value_heads":2"#, "sliding_window"),
            ("llama", #""rope_scaling":{"type":"linear","factor":0}"#, "rope_scaling.factor"),
            ("llama", #""rope_scaling":{"type":"linear"}"#, "rotary scaling 'linear' needs 'factor'"),
            (
                "llama", #""rope_scaling":{"type":"mrope"}"#,
                "rotary scaling 'mrope' is not known, only 'default', 'dynamic'"
            ),
            ("llama", #""rope_theta":1,"rope_scaling":{"type":"yarn","factor":2}"#, "rope_theta"),
            (
                "llama", #""rope_scaling":{"type":"yarn","factor":2,"beta_fast":1,"beta_slow":9}"#,
                "rope_scaling.beta_fast"
            ),
            (
                "llama",
                #""rope_scaling":{"type":"linear","factor":2},"rope_parameters":{"rope_type":"default"}"#,
                "rope_scaling"
            ),
            (
                "llama", #""rope_scaling":{"type":"linear","factor":2,"beta_fast":1}"#,
                "rope_scaling.beta_fast"
            ),
        ]
    )
    func refused(family: String, more: String, part: String) {
        let found = fault(family, more)
        #expect(part.isEmpty ? found.isEmpty : found.contains(part), "\(found)")
    }

    @Test(
        "sizes out of range are errors and allocate nothing",
        arguments: Architectures.all.map { $0.modelType }
    )
    func hostile(family: String) {
        let sizes = [
            "hidden_size": "64", "num_hidden_layers": "2", "num_attention_heads": "4",
            "num_key_value_heads": "2", "head_dim": "16", "intermediate_size": "96", "vocab_size": "32",
            "max_position_embeddings": "128",
        ]
        for number in ["10000000000000", "-1", "0", "9223372036854775807", "1e400"] {
            for key in sizes.keys {
                var changed = sizes
                changed[key] = number
                let text = changed.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",")
                let kind = family == InteractionDecoder.modelType ? #""attention":{"kind":"softmax"},"# : ""
                #expect(throws: (any Error).self, "\(key) = \(number)") {
                    try decode(#"{"model_type":"\#(family)",\#(kind)\#(text)}"#)
                }
            }
        }
    }
}
