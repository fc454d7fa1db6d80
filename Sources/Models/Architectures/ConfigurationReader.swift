/// A `config.json` being read: values by key with a family's defaults, and faults that name the key.
struct ConfigurationReader {
    /// What a family's configuration class takes for keys that are missing.
    struct Defaults {
        /// `num_key_value_heads`; nil for as many as there are heads.
        var keyValueHeads: Int?
        /// `head_dim`; nil for the width divided by the heads.
        var headSize: Int?
        /// `rms_norm_eps`.
        var epsilon = 1e-6
        /// `rope_theta`.
        var theta = 10_000.0
        /// `tie_word_embeddings`.
        var ties = false
        /// `max_position_embeddings`.
        var positions = 2048
        /// Whether `partial_rotary_factor` means something.
        var turnsParts = false
    }

    /// The keys that ``configuration(_:)`` and ``rotary(_:)`` read.
    static let commonKeys: Set<String> = [
        "architectures", "model_type", "hidden_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "intermediate_size", "vocab_size", "rms_norm_eps", "rope_theta",
        "rope_parameters", "rope_scaling", "tie_word_embeddings", "max_position_embeddings",
        "partial_rotary_factor", "attention",
    ]

    private let decoder: any Decoder
    private let values: KeyedDecodingContainer<AnyKey>

    /// Begins with a check that every key is one that is read, or is known to change nothing.
    ///
    /// - Parameters:
    ///   - decoder: Of the file.
    ///   - keys: What a family reads besides the common keys.
    ///   - harmless: What says nothing about what this family computes.
    init(_ decoder: any Decoder, keys: Set<String>, harmless: Set<String> = []) throws {
        self.decoder = decoder
        values = try decoder.container(keyedBy: AnyKey.self)
        try ConfigurationKeys(
            read: Self.commonKeys.union(keys),
            harmless: ConfigurationKeys.ofModels.union(harmless)
        ).check(decoder)
    }

    /// An error that names a key.
    func refuse(_ key: String, _ detail: String) -> DecodingError {
        .dataCorruptedError(forKey: AnyKey(key), in: values, debugDescription: detail)
    }

    /// A value that must be there.
    func required<Value: Decodable>(_ key: String, _ type: Value.Type = Value.self) throws -> Value {
        try values.decode(type, forKey: AnyKey(key))
    }

    /// A value, or nil where it is missing or null.
    func value<Value: Decodable>(_ key: String, _ type: Value.Type = Value.self) throws -> Value? {
        try values.decodeIfPresent(type, forKey: AnyKey(key))
    }

    /// A value that may be null; what is missing takes a default.
    func value<Value: Decodable>(_ key: String, orMissing standard: Value?) throws -> Value? {
        values.contains(AnyKey(key)) ? try value(key) : standard
    }

    /// Whether a switch is on; off where it is missing or null.
    func isOn(_ key: String) throws -> Bool { try value(key) ?? false }

    /// Throws for an activation that is not one of some.
    func requireActivation(_ key: String, _ known: [String]) throws {
        guard let name: String = try value(key), !known.contains(name) else { return }
        throw refuse(key, "'\(name)' is not known, only '\(known[0])'")
    }

    /// The sizes, norms and positions that all families have.
    ///
    /// - Parameters:
    ///   - family: `model_type`.
    ///   - defaults: For keys that are missing.
    ///   - angles: The rotary positions, where a family keeps them in another way.
    func configuration(
        _ family: String,
        _ defaults: Defaults,
        angles: RotaryPositions? = nil
    ) throws -> DecoderConfiguration {
        let heads: Int = try required("num_attention_heads")
        // Families make lists of as many blocks.
        let layers: Int = try required("num_hidden_layers")
        guard DecoderConfiguration.layers.contains(layers) else {
            throw refuse("num_hidden_layers", "\(layers) is not one of \(DecoderConfiguration.layers)")
        }
        let keyValueHeads = try value("num_key_value_heads", orMissing: defaults.keyValueHeads)
        let headSize = try value("head_dim", orMissing: defaults.headSize)
        var configuration = DecoderConfiguration(
            hiddenSize: try required("hidden_size"),
            layerCount: layers,
            headCount: heads,
            keyValueHeadCount: keyValueHeads,
            headSize: headSize,
            intermediateSize: try required("intermediate_size"),
            vocabularySize: try required("vocab_size"),
            normEpsilon: Float(try value("rms_norm_eps") ?? defaults.epsilon),
            tiesEmbedding: try value("tie_word_embeddings") ?? defaults.ties,
            positionsMax: try value("max_position_embeddings") ?? defaults.positions,
            modelType: family
        )
        configuration.rotary = try angles ?? rotary(defaults)
        switch configuration.rotary.scaling {
        case .long(let rule): configuration.positionsMax = rule.positionsMax
        case .yarn(let rule):
            // Some files keep the first length there although the scaling is for longer texts.
            configuration.positionsMax = max(configuration.positionsMax, rule.positionsMax ?? 0)
        case .none, .linear, .dynamic, .llama3: break
        }
        return configuration
    }

    /// The rotary positions: newer files keep θ and the scaling in `rope_parameters`, older ones θ above and
    /// `rope_scaling`.
    private func rotary(_ defaults: Defaults) throws -> RotaryPositions {
        try merged(
            value("rope_parameters"),
            value("rope_scaling"),
            thetaKey: "rope_theta",
            or: defaults.theta,
            defaults
        )
    }

    /// The rotary positions of blocks that see everything and of those with a window, where these have their own: newer
    /// files have both in `rope_parameters`, older ones a scaling of the former and θ of the latter above.
    func layeredRotary(
        _ defaults: Defaults,
        localKey: String,
        localTheta: Double
    ) throws -> (full: RotaryPositions, local: RotaryPositions) {
        let newer: [String: RotaryFile] = try value("rope_parameters") ?? [:]
        let known = LayerType.allCases.map(\.rawValue)
        if let key = newer.keys.sorted().first(where: { !known.contains($0) }) {
            throw refuse("rope_parameters", "'\(key)' is not one of \(known)")
        }
        let full = try merged(
            newer[LayerType.full.rawValue],
            value("rope_scaling"),
            thetaKey: "rope_theta",
            or: defaults.theta,
            defaults
        )
        let local = try merged(
            newer[LayerType.sliding.rawValue],
            nil,
            thetaKey: localKey,
            or: localTheta,
            defaults
        )
        return (full, local)
    }

    /// What several places of a file say, which must be the same.
    private func merged(
        _ newer: RotaryFile?,
        _ older: RotaryFile?,
        thetaKey: String,
        or theta: Double,
        _ defaults: Defaults
    ) throws -> RotaryPositions {
        let angles = try [newer?.theta, older?.theta, value(thetaKey)].compactMap { $0 }
        guard Set(angles).count < 2 else { throw refuse(thetaKey, "found \(angles), expected one") }
        let shareKey = "partial_rotary_factor"
        let shares = try [newer?.turnedShare, older?.turnedShare, value(shareKey)].compactMap { $0 }
        guard Set(shares).count < 2 else { throw refuse(shareKey, "found \(shares), expected one") }
        guard defaults.turnsParts || shares.allSatisfy({ $0 == 1 }) else {
            throw refuse(shareKey, "\(shares[0]) is not read in this family, whose heads turn as a whole")
        }
        let positions = try value("max_position_embeddings") ?? defaults.positions
        let original: Int? = try value("original_max_position_embeddings")
        let scalings = try [newer, older].compactMap {
            try $0?.scaling(positions: positions, original: original)
        }
        guard Set(scalings).count < 2 else {
            throw refuse("rope_scaling", "says something else than rope_parameters")
        }
        return RotaryPositions(
            theta: angles.first ?? theta,
            scaling: scalings.first ?? .none,
            turnedShare: shares.first ?? 1
        )
    }

    /// `layer_types`, of which there is one for each block.
    func layerTypes(_ layers: Int) throws -> [LayerType]? {
        guard let types: [String] = try value("layer_types") else { return nil }
        guard types.count == layers else {
            throw refuse("layer_types", "\(types.count) for \(layers) blocks")
        }
        return try types.map { name in
            guard let type = LayerType(rawValue: name) else {
                let known = LayerType.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
                throw refuse("layer_types", "'\(name)' is not one of \(known)")
            }
            return type
        }
    }

    /// The words of `layer_types`.
    enum LayerType: String, CaseIterable {
        case full = "full_attention"
        case sliding = "sliding_attention"
    }
}

extension DecoderConfiguration {
    /// The words for the blocks in `layer_types`.
    var layerTypes: [String] {
        (0..<layerCount).map { layer in
            let type = block(layer).window == nil ? ConfigurationReader.LayerType.full : .sliding
            return type.rawValue
        }
    }

    /// The window of those blocks that have one; nil if none has.
    var window: Int? { blocks.compactMap(\.window).first }
}

extension ConfigurationReader {
    /// The linear maps of attention.
    static let attentionMaps: Set<String> = ["q_proj", "k_proj", "v_proj", "o_proj"]
    /// The linear maps of the feed-forward layer.
    static let feedForwardMaps: Set<String> = ["gate_proj", "up_proj", "down_proj"]

    /// The maps with biases by `attention_bias` and `mlp_bias`, each a switch for all maps of its part.
    func biases() throws -> Set<String> {
        var names: Set<String> = []
        if try isOn("attention_bias") { names.formUnion(Self.attentionMaps) }
        if try isOn("mlp_bias") { names.formUnion(Self.feedForwardMaps) }
        return names
    }
}
