package import Contract

/// What a GGUF file says of a decoder besides its weights.
package struct GGUFDraft: Equatable {
    /// The keys that describe the decoder, `general.architecture` among them. Numbers are float32 in a file.
    package var metadata: [String: GGUFValue]
    /// Tensors beside the weights, such as the factors of rotary pairs.
    package var tensors: [NamedArray] = []

    private let family: String
    private let file: String

    /// The sizes, norms and positions that all families have.
    ///
    /// - Parameters:
    ///   - family: `general.architecture`.
    ///   - model: The decoder.
    ///   - file: Where to, for errors.
    /// - Throws: for rotary positions that GGUF cannot say.
    init(_ family: String, _ model: DecoderConfiguration, file: String) throws(CheckpointError) {
        (self.family, self.file) = (family, file)
        metadata = ["general.architecture": .string(family)]
        set("block_count", .integer(Int64(model.layerCount)))
        set("context_length", .integer(Int64(model.positionsMax)))
        set("embedding_length", .integer(Int64(model.hiddenSize)))
        set("feed_forward_length", .integer(Int64(model.intermediateSize)))
        set("vocab_size", .integer(Int64(model.vocabularySize)))
        set("attention.head_count", .integer(Int64(model.headCount)))
        set("attention.head_count_kv", .integer(Int64(model.keyValueHeadCount)))
        set("attention.key_length", .integer(Int64(model.headSize)))
        set("attention.value_length", .integer(Int64(model.headSize)))
        set("attention.layer_norm_rms_epsilon", .number(Double(model.normEpsilon)))
        let turned = model.rotary.turnedSize(headSize: model.headSize)
        set("rope.dimension_count", .integer(Int64(turned)))
        set("rope.freq_base", .number(model.rotary.theta))
        try setScaling(model.rotary, pairs: turned / 2, model.positionsMax)
    }

    private mutating func setScaling(
        _ rotary: RotaryPositions,
        pairs: Int,
        _ positions: Int
    ) throws(CheckpointError) {
        switch rotary.scaling {
        case .none: break
        case .linear(let factor):
            set("rope.scaling.type", .string("linear"))
            set("rope.scaling.factor", .number(factor))
        case .yarn(let rule):
            // What GGUF has no key for follows from the factor there.
            let plain = YarnScaling(factor: rule.factor, original: rule.original)
            guard rule.magnitude == plain.magnitude, rule.truncates else {
                throw refuse("rope_scaling", "YaRN with another magnitude or ramp than the paper's")
            }
            set("rope.scaling.type", .string("yarn"))
            set("rope.scaling.factor", .number(rule.factor))
            set("rope.scaling.original_context_length", .integer(Int64(rule.original)))
            set("rope.scaling.yarn_beta_fast", .number(rule.betaFast))
            set("rope.scaling.yarn_beta_slow", .number(rule.betaSlow))
        case .llama3, .long:
            guard let factors = rotary.scaling.factors(theta: rotary.theta, pairs: pairs) else {
                throw refuse("rope_scaling", "LongRoPE with two sets of factors, in this family")
            }
            tensors.append(NamedArray(name: GGUFNames.factors, shape: [pairs], values: factors))
        case .dynamic:
            throw refuse("rope_scaling", "dynamic scaling")
        }
    }

    /// Sets a key behind the family's name.
    mutating func set(_ key: String, _ value: GGUFValue) { metadata["\(family).\(key)"] = value }

    /// An error for what GGUF cannot say.
    func refuse(_ key: String, _ what: String) -> CheckpointError {
        .badKey(file: file, key: key, detail: "GGUF has no form for \(what)")
    }

    /// Throws unless something of a decoder is what readers of GGUF take for granted.
    func require(_ isSo: Bool, _ key: String, _ what: String) throws(CheckpointError) {
        if !isSo { throw refuse(key, what) }
    }
}
