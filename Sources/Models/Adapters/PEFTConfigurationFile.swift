/// `adapter_config.json` as PEFT writes and reads it, as far as it concerns plain LoRA.
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
    var inferenceMode: Bool?
    var initialisation: Initialisation?

    /// A list of names, or a regular expression, which is not interpreted: the arrays themselves say what it
    /// hit.
    enum Targets: Codable {
        case names([String])
        case expression(String)

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

    /// `init_lora_weights` may be a boolean or a word; it only concerns fresh adapters and is not kept.
    struct Initialisation: Codable {
        init() {}

        init(from decoder: any Decoder) throws {}

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            try value.encode(true)
        }
    }

    enum CodingKeys: String, CodingKey {
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

    /// Throws for a variant of LoRA that computes something else than W x + (α/r) B A x.
    func checkIsPlain(file: String) throws(CheckpointError) {
        let faults: [(CodingKeys, Bool, String)] = [
            (.type, type != "LORA", "'\(type)' is not 'LORA'"),
            (.bias, bias ?? "none" != "none", "trained biases are not read"),
            (.fanInFanOut, fanInFanOut == true, "transposed weights are not read"),
            (.usesRankStabilisedScale, usesRankStabilisedScale == true, "rank-stabilised scale is not read"),
            (.usesDoRA, usesDoRA == true, "DoRA is not read"),
            (.rankPattern, rankPattern?.isEmpty == false, "ranks by module are not read"),
            (.alphaPattern, alphaPattern?.isEmpty == false, "scales by module are not read"),
            (.modulesToSave, modulesToSave?.isEmpty == false, "whole modules are not read"),
        ]
        for (key, isFault, detail) in faults where isFault {
            throw .badKey(file: file, key: key.rawValue, detail: detail)
        }
    }
}
