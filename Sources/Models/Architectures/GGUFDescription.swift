/// The metadata of a GGUF file being read as one family's: values by key behind the family's name, and faults that name
/// the whole key.
struct GGUFDescription<Source: TensorSource> {
    /// `general.architecture`.
    let family: String
    let metadata: [String: GGUFValue]
    let tensors: Source

    /// Begins with a check that every key is one that is read, or is known to change nothing.
    ///
    /// - Parameters:
    ///   - family: `general.architecture`.
    ///   - metadata: The file's keys.
    ///   - tensors: Its tensors.
    ///   - keys: What the family reads besides the common keys, without its name.
    init(
        _ family: String,
        _ metadata: [String: GGUFValue],
        _ tensors: Source,
        keys: Set<String> = []
    ) throws(CheckpointError) {
        (self.family, self.metadata, self.tensors) = (family, metadata, tensors)
        try GGUFKeys.check(metadata, family: family, read: keys, file: tensors.path)
    }

    /// An error that names a key of the family.
    func refuse(_ key: String, _ detail: String) -> CheckpointError {
        .badKey(file: tensors.path, key: "\(family).\(key)", detail: detail)
    }

    /// An integer; throws when it is missing and there is no default.
    func integer(_ key: String, or standard: Int? = nil) throws(CheckpointError) -> Int {
        try metadata.integer("\(family).\(key)", or: standard, file: tensors.path)
    }

    /// A number; throws when it is missing and there is no default.
    func number(_ key: String, or standard: Double? = nil) throws(CheckpointError) -> Double {
        try metadata.number("\(family).\(key)", or: standard, file: tensors.path)
    }

    /// A number that may be missing.
    func optionalNumber(_ key: String) throws(CheckpointError) -> Double? {
        metadata["\(family).\(key)"] == nil ? nil : try number(key)
    }

    /// The sizes, norms and positions that all families have, and biases where the first block has them.
    ///
    /// - Parameters:
    ///   - modelType: The family's name in `config.json`.
    ///   - isFused: Whether its maps are fused.
    func configuration(
        _ modelType: String,
        isFused: Bool = false
    ) throws(CheckpointError) -> DecoderConfiguration {
        let heads = try integer("attention.head_count")
        let hidden = try integer("embedding_length")
        guard let embedding = tensors.shape(of: GGUFNames.embedding), embedding.count == 2 else {
            throw .missingTensor(file: tensors.path, name: GGUFNames.embedding)
        }
        let rows = try integer("vocab_size", or: embedding[0])
        guard rows == embedding[0] else {
            throw refuse("vocab_size", "\(rows), but there are \(embedding[0]) rows")
        }
        let headSize = try integer("attention.key_length", or: hidden / max(1, heads))
        let valueSize = try integer("attention.value_length", or: headSize)
        guard valueSize == headSize else {
            throw refuse("attention.value_length", "\(valueSize), but heads have \(headSize)")
        }
        var model = DecoderConfiguration(
            hiddenSize: hidden,
            layerCount: try integer("block_count"),
            headCount: heads,
            keyValueHeadCount: try integer("attention.head_count_kv", or: heads),
            headSize: headSize,
            intermediateSize: try integer("feed_forward_length"),
            vocabularySize: embedding[0],
            normEpsilon: Float(try number("attention.layer_norm_rms_epsilon")),
            tiesEmbedding: tensors.shape(of: GGUFNames.head) == nil,
            positionsMax: try integer("context_length"),
            modelType: modelType
        )
        // Families make lists of as many blocks, and count in heads of that width.
        try model.validate(file: tensors.path)
        model.isFused = isFused
        model.rotary = try rotary(model)
        for module in model.modules(layer: 0) {
            guard let part = GGUFNames.modules[module.name] else { continue }
            if tensors.shape(of: "blk.0.\(part).bias") != nil { model.biasedModules.insert(module.name) }
        }
        return model
    }

    /// θ and what of a head turns, with the scaling that the metadata or `rope_freqs.weight` give.
    private func rotary(_ model: DecoderConfiguration) throws(CheckpointError) -> RotaryPositions {
        let turned = try integer("rope.dimension_count", or: model.headSize)
        guard model.headSize > 0, (1...max(1, model.headSize)).contains(turned) else {
            throw refuse("rope.dimension_count", "\(turned), but heads have \(model.headSize)")
        }
        var positions = RotaryPositions(
            theta: try number("rope.freq_base", or: 10_000),
            turnedShare: Double(turned) / Double(model.headSize)
        )
        positions.scaling = try scaling(model.positionsMax)
        if tensors.shape(of: GGUFNames.factors) != nil {
            guard positions.scaling == .none else {
                throw refuse("rope.scaling.type", "a scaling besides the factors of \(GGUFNames.factors)")
            }
            positions.scaling = .factors(
                try tensors.values(of: GGUFNames.factors, shape: [turned / 2]),
                theta: positions.theta,
                positions: model.positionsMax
            )
        }
        return positions
    }

    private func scaling(_ positions: Int) throws(CheckpointError) -> RotaryScaling {
        var type = "linear"
        if metadata["\(family).rope.scaling.type"] != nil {
            type = try metadata.text("\(family).rope.scaling.type", file: tensors.path)
        }
        // Old files have a linear factor under another key, and without a type.
        let old = try number("rope.scale_linear", or: 1)
        let factor = try number("rope.scaling.factor", or: old)
        guard old == 1 || old == factor else {
            throw refuse("rope.scale_linear", "\(old), but rope.scaling.factor is \(factor)")
        }
        switch type {
        case "none":
            guard factor == 1 else { throw refuse("rope.scaling.factor", "\(factor) with the type 'none'") }
            return .none
        case "linear": return factor == 1 ? .none : .linear(factor: factor)
        case "yarn":
            return .yarn(
                YarnScaling(
                    factor: factor,
                    original: try integer("rope.scaling.original_context_length", or: positions),
                    betaFast: try number("rope.scaling.yarn_beta_fast", or: 32),
                    betaSlow: try number("rope.scaling.yarn_beta_slow", or: 1)
                )
            )
        default: throw refuse("rope.scaling.type", "'\(type)' is not one of 'none', 'linear', 'yarn'")
        }
    }
}

extension RotaryScaling {
    /// The scaling that divides each pair's frequency by a factor of its own: Llama 3.1's with the parameters that are
    /// published, if it gives just these, else as factors.
    static func factors(_ factors: [Float], theta: Double, positions: Int) -> RotaryScaling {
        guard let slowest = factors.last, factors.contains(where: { $0 != 1 }) else { return .none }
        let plain = RotaryPositions(theta: theta).frequencies(headSize: 2 * factors.count)
        for exponent in 4...20 {
            let rule = Llama3Scaling(
                factor: Double(slowest),
                lowFactor: 1,
                highFactor: 4,
                original: 1 << exponent
            )
            let isSame = zip(plain, factors).allSatisfy { frequency, factor in
                abs(frequency / rule.scaled(frequency) / Double(factor) - 1) < 1e-5
            }
            if isSame { return .llama3(rule) }
        }
        let all = factors.map { Double($0) }
        return .long(
            LongScaling(short: all, long: all, original: positions, positions: positions, attentionFactor: 1)
        )
    }

    /// The factors that pairs' frequencies are divided by, where the scaling is nothing but that; nil if it is not.
    func factors(theta: Double, pairs: Int) -> [Float]? {
        switch self {
        case .none, .linear, .dynamic, .yarn: return nil
        case .llama3(let rule):
            let plain = RotaryPositions(theta: theta).frequencies(headSize: 2 * pairs)
            return plain.map { Float($0 / rule.scaled($0)) }
        case .long(let rule):
            return rule.short == rule.long && rule.magnitude == 1 ? rule.short.map { Float($0) } : nil
        }
    }
}
