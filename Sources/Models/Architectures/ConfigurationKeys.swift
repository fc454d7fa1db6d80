/// Which keys a JSON file of a model or an adapter may have: what is not known could change what it computes.
struct ConfigurationKeys {
    /// The keys that are read.
    let read: Set<String>
    /// The keys that change nothing, whatever they say.
    var harmless: Set<String> = []

    /// Keys of `config.json` that say how a model was made, is shown or is run, and nothing about what it computes.
    static let ofModels: Set<String> = [
        "_name_or_path", "_model_name_or_path", "architectures", "torch_dtype", "dtype",
        "transformers_version", "use_cache",
        "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id", "cls_token_id",
        "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id", "initializer_range",
        "attention_dropout", "hidden_dropout", "embedding_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop",
        "pretraining_tp", "tokenizer_class", "return_dict", "return_dict_in_generate", "output_attentions",
        "output_hidden_states", "output_scores", "torchscript", "use_return_dict", "id2label", "label2id",
        "problem_type", "finetuning_task", "task_specific_params", "prefix", "is_llama_config",
        "_attn_implementation", "_attn_implementation_autoset", "attn_implementation",
        "transformers.js_config",
        "chunk_size_feed_forward", "model_max_length", "max_length", "min_length", "license", "language",
        "tags",
        "unsloth_version", "unsloth_fixed", "_commit_hash", "keys_to_ignore_at_inference",
    ]

    /// Keys that change nothing at one value.
    private static let neutral: [String: Double] = [
        "partial_rotary_factor": 1, "rope_scaling_factor": 1, "attention_multiplier": 1,
        "embedding_multiplier": 1,
        "full_attn_mod": 1, "interpolate_factor": 1,
        "residual_multiplier": 1, "logits_scaling": 1, "logit_scale": 1,
    ]

    /// Throws for a key that is neither read nor known to change nothing, unless it is null, false or empty.
    ///
    /// - Parameter decoder: Of the object.
    func check(_ decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: AnyKey.self)
        for key in values.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
            let name = key.stringValue
            if read.contains(name) || harmless.contains(name) { continue }
            if try values.decodeNil(forKey: key) { continue }
            if (try? values.decode(Bool.self, forKey: key)) == false { continue }
            if let number = try? values.decode(Double.self, forKey: key), Self.neutral[name] == number {
                continue
            }
            if (try? values.nestedUnkeyedContainer(forKey: key))?.count == 0 { continue }
            if (try? values.nestedContainer(keyedBy: AnyKey.self, forKey: key))?.allKeys.isEmpty == true {
                continue
            }
            if name == "layer_types", let types = try? values.decode([String].self, forKey: key),
                types.allSatisfy({ $0 == "full_attention" })
            {
                continue
            }
            throw DecodingError.dataCorruptedError(
                forKey: key,
                in: values,
                debugDescription: "is not known and could change what is computed"
            )
        }
    }

    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
