/// `adapter_config.json` as PEFT writes and reads it, as far as it concerns LoRA.
struct PEFTConfigurationFile: Codable {
    var type: String
    var taskType: String?
    var baseModel: String?
    var rank: Int
    var alpha: Double
    var targets: Targets
    var layers: Layers?
    var dropout: Double?
    var bias: String?
    var fanInFanOut: Bool?
    var usesRankStabilisedScale: Bool?
    var usesDoRA: Bool?
    var rankPattern: [String: Int]?
    var alphaPattern: [String: Double]?
    var modulesToSave: [String]?
    var excluded: Targets?
    var tokens: TokenIndices?
    var inferenceMode: Bool?
    var initialisation: Initialisation?
    /// The keys of `rank_pattern` and `alpha_pattern` in the file's order, by which PEFT goes.
    var patternOrder: [String: [String]] = [:]

    /// A list of names, or a regular expression.
    enum Targets: Codable {
        case names([String])
        case expression(String)

        /// Whether a module is meant; with `all-linear` every one is.
        func means(_ path: String) throws(PathPattern.Fault) -> Bool {
            switch self {
            case .names(let names): return names.contains { LinearModule.isMeant(path, by: $0) }
            case .expression(LoRAConfiguration.allLinear): return true
            case .expression(let pattern): return try PathPattern(pattern).matches(path)
            }
        }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let expression = try? value.decode(String.self) {
                self = .expression(expression)
            } else {
                self = .names(try value.decode([String].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .names(let names): try value.encode(names)
            case .expression(let expression): try value.encode(expression)
            }
        }
    }

    /// One block or a list of blocks.
    struct Layers: Codable {
        let indices: [Int]

        init(_ indices: [Int]) { self.indices = indices }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let index = try? value.decode(Int.self) {
                indices = [index]
            } else {
                indices = try value.decode([Int].self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            try value.encode(indices)
        }
    }

    /// Whose embeddings were trained: tokens of the embedding, or of modules by their names.
    struct TokenIndices: Codable {
        let byModule: [String: [Int]]

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let tokens = try? value.decode([Int].self) {
                byModule = tokens.isEmpty ? [:] : ["embed_tokens": tokens]
            } else {
                byModule = try value.decode([String: [Int]].self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            try value.encode(byModule)
        }
    }

    /// `init_lora_weights` may be a boolean or a word, and is not kept: how fresh factors are drawn does not matter
    /// later, unless the base model was changed along with them.
    struct Initialisation: Codable {
        /// The word; nil for a boolean.
        var word: String?

        /// The words after which the base model is as it was.
        static let known: Set = ["gaussian", "orthogonal", "eva"]

        init() {}

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if (try? value.decode(Bool.self)) == nil { word = try value.decode(String.self) }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            try value.encode(true)
        }
    }

    /// Reads the file's keys; throws for one that is not known, unless it is null, false or empty.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        type = try values.decode(String.self, forKey: .type)
        // The kind first: other kinds have other keys.
        guard type == "LORA" else {
            throw DecodingError.dataCorruptedError(
                forKey: .type,
                in: values,
                debugDescription: "'\(type)' is not 'LORA'"
            )
        }
        let read = Set(CodingKeys.allCases.map(\.rawValue))
        try ConfigurationKeys(read: read, harmless: Self.harmless).check(decoder)
        taskType = try values.decodeIfPresent(String.self, forKey: .taskType)
        baseModel = try values.decodeIfPresent(String.self, forKey: .baseModel)
        rank = try values.decode(Int.self, forKey: .rank)
        alpha = try values.decode(Double.self, forKey: .alpha)
        targets = try values.decode(Targets.self, forKey: .targets)
        layers = try values.decodeIfPresent(Layers.self, forKey: .layers)
        dropout = try values.decodeIfPresent(Double.self, forKey: .dropout)
        bias = try values.decodeIfPresent(String.self, forKey: .bias)
        fanInFanOut = try values.decodeIfPresent(Bool.self, forKey: .fanInFanOut)
        usesRankStabilisedScale = try values.decodeIfPresent(Bool.self, forKey: .usesRankStabilisedScale)
        usesDoRA = try values.decodeIfPresent(Bool.self, forKey: .usesDoRA)
        rankPattern = try values.decodeIfPresent([String: Int].self, forKey: .rankPattern)
        alphaPattern = try values.decodeIfPresent([String: Double].self, forKey: .alphaPattern)
        modulesToSave = try values.decodeIfPresent([String].self, forKey: .modulesToSave)
        excluded = try values.decodeIfPresent(Targets.self, forKey: .excluded)
        tokens = try values.decodeIfPresent(TokenIndices.self, forKey: .tokens)
        inferenceMode = try values.decodeIfPresent(Bool.self, forKey: .inferenceMode)
        initialisation = try values.decodeIfPresent(Initialisation.self, forKey: .initialisation)
    }

    /// The keys that change nothing: where an adapter comes from, and the settings of variants that other keys
    /// switch on.
    private static let harmless: Set<String> = [
        "auto_mapping", "revision", "peft_version", "megatron_core", "layers_pattern",
        "loftq_config", "eva_config", "corda_config", "lora_ga_config",
        "qalora_group_size",
        "runtime_config",
    ]

    enum CodingKeys: String, CodingKey, CaseIterable {
        case type = "peft_type"
        case taskType = "task_type"
        case baseModel = "base_model_name_or_path"
        case rank = "r"
        case alpha = "lora_alpha"
        case targets = "target_modules"
        case layers = "layers_to_transform"
        case dropout = "lora_dropout"
        case bias
        case fanInFanOut = "fan_in_fan_out"
        case usesRankStabilisedScale = "use_rslora"
        case usesDoRA = "use_dora"
        case rankPattern = "rank_pattern"
        case alphaPattern = "alpha_pattern"
        case modulesToSave = "modules_to_save"
        case excluded = "exclude_modules"
        case tokens = "trainable_token_indices"
        case inferenceMode = "inference_mode"
        case initialisation = "init_lora_weights"
    }

    /// The file for a configuration.
    init(_ configuration: LoRAConfiguration, baseModelName: String) {
        type = "LORA"
        taskType = "CAUSAL_LM"
        baseModel = baseModelName
        rank = configuration.rank
        alpha = configuration.alpha
        targets = .names(configuration.targets)
        layers = configuration.layers.map(Layers.init)
        dropout = 0
        bias = "none"
        fanInFanOut = false
        usesRankStabilisedScale = false
        usesDoRA = false
        rankPattern = [:]
        alphaPattern = [:]
        inferenceMode = true
        initialisation = Initialisation()
    }

    /// Throws for a variant of LoRA that means something else than its arrays and their scales say.
    func check(file: String) throws(CheckpointError) {
        let faults: [(CodingKeys, Bool, String)] = [
            (
                .taskType, !["CAUSAL_LM", "FEATURE_EXTRACTION"].contains(taskType ?? "CAUSAL_LM"),
                "'\(taskType ?? "")' is not 'CAUSAL_LM'"
            ),
            (
                .initialisation, !Initialisation.known.contains(initialisation?.word ?? "gaussian"),
                "'\(initialisation?.word ?? "")' changes the base model as well"
            ),
            (
                .bias, !["none", "all", "lora_only"].contains(bias ?? "none"),
                "'\(bias ?? "")' is not 'none', 'all' or 'lora_only'"
            ),
            (.fanInFanOut, fanInFanOut == true, "transposed weights are not read"),
            (
                .tokens, tokens?.byModule.keys.contains { $0 != "embed_tokens" } == true,
                "of other modules than embed_tokens are not read"
            ),
        ]
        for (key, isFault, detail) in faults where isFault {
            throw .badKey(file: file, key: key.rawValue, detail: detail)
        }
    }

    /// The rank of a module, and what its product is multiplied by: α/r, or α/√r (rsLoRA, arXiv:2312.03732), with
    /// the rank and the α of the first pattern that means it.
    func factor(of path: String, file: String) throws(CheckpointError) -> (rank: Int, scale: Double) {
        let rank = try value(rankPattern, of: path, .rankPattern, file: file) ?? rank
        let alpha = try value(alphaPattern, of: path, .alphaPattern, file: file) ?? alpha
        guard (1...LoRAConfiguration.rankMax).contains(rank), alpha.isFinite, abs(alpha) <= 1e6 else {
            throw .badKey(
                file: file,
                key: CodingKeys.rankPattern.rawValue,
                detail: "rank \(rank) and α \(alpha) of '\(path)' are out of range"
            )
        }
        return (rank, alpha / (usesRankStabilisedScale == true ? Double(rank).squareRoot() : Double(rank)))
    }

    /// What a pattern gives a module: as in PEFT, what the first key in the file's order does that means it.
    private func value<Value>(
        _ pattern: [String: Value]?,
        of path: String,
        _ key: CodingKeys,
        file: String
    ) throws(CheckpointError) -> Value? {
        guard let pattern else { return nil }
        for name in patternOrder[key.rawValue] ?? pattern.keys.sorted() {
            guard let value = pattern[name] else { continue }
            do throws(PathPattern.Fault) {
                if try PathPattern.matches(name, endOf: path) { return value }
            } catch {
                throw .badKey(
                    file: file,
                    key: key.rawValue,
                    detail: "'\(name)': \(error.construct) is not known"
                )
            }
        }
        return nil
    }
}
