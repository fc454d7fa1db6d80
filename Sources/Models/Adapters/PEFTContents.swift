internal import Contract
internal import FoundationEssentials
internal import Text

/// What a directory of Hugging Face PEFT holds: its configuration, and its arrays by the modules that they change.
struct PEFTContents {
    /// What a linear map gets.
    struct Pair {
        /// A, `[r, in]`.
        let a: NamedArray
        /// B, `[out, r]`.
        let b: NamedArray
        /// What the product is multiplied by.
        let scale: Double
        /// DoRA's magnitudes `[out]`; nil for plain LoRA.
        let magnitudes: [Float]?

        /// r.
        var rank: Int { a.shape[0] }
    }

    /// The path of the output head.
    static let head = "lm_head"
    /// The path of the embedding.
    static let embedding = "model.embed_tokens"

    let description: PEFTConfigurationFile
    let configurationFile: String
    let weightsFile: String
    /// By the paths of linear maps, `lm_head` among them.
    private(set) var pairs: [String: Pair] = [:]
    /// The embedding's pair, as it is for the map from token to vector: A `[r, V]`, B `[C, r]`.
    private(set) var embedding: Pair?
    /// Weights in place of the base's, and trained biases, by their names in a checkpoint.
    private(set) var wholes: [String: NamedArray] = [:]
    /// The embedding or the head of the base model, where PEFT keeps a copy beside what it trains.
    private(set) var copies: [String: NamedArray] = [:]
    /// The trained rows of the embedding.
    private(set) var rows: (tokens: [Int], values: NamedArray)?

    /// Reads a directory; every array is known, every A has its B, and ranks are as configured.
    init(_ path: String) throws(CheckpointError) {
        configurationFile = "\(path)/\(PEFTDirectory.configurationName)"
        var bytes = try ReadableFile.contents(
            of: configurationFile,
            limit: PEFTDirectory.configurationBytesMax
        )
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var description: PEFTConfigurationFile
        do {
            description = try JSONDecoder().decode(PEFTConfigurationFile.self, from: Data(bytes))
        } catch {
            throw .malformed(file: configurationFile, offset: nil, detail: JSONFault.describe(error))
        }
        for key in ["rank_pattern", "alpha_pattern"] {
            description.patternOrder[key] = JSONKeyOrder.keys(under: key, in: bytes)
        }
        self.description = description
        try description.check(file: configurationFile)
        let tensors = try SafetensorsFile(path: "\(path)/\(PEFTDirectory.weightsName)")
        weightsFile = tensors.path
        var parts: [PEFTArray: NamedArray] = [:]
        for name in tensors.names {
            guard let part = PEFTArray(name) else {
                throw fault("'\(name)' is no LoRA array of a decoder's block")
            }
            if case .productBias = part { throw unread("lora_bias", "biases of B are not read") }
            let shape = tensors.shape(of: name) ?? []
            let array = NamedArray(name: name, shape: shape, values: try tensors.values(of: name))
            guard parts.updateValue(array, forKey: part) == nil else {
                throw fault("'\(name)' is there twice, by two names")
            }
        }
        for part in parts.keys.sorted(by: { "\($0)" < "\($1)" }) { try place(part, parts) }
        try checkFlags()
    }

    private func fault(_ detail: String) -> CheckpointError {
        .malformed(file: weightsFile, offset: nil, detail: detail)
    }

    private func unread(_ key: String, _ detail: String) -> CheckpointError {
        .badKey(file: configurationFile, key: key, detail: detail)
    }

    private mutating func place(
        _ part: PEFTArray,
        _ parts: [PEFTArray: NamedArray]
    ) throws(CheckpointError) {
        guard let array = parts[part] else { return }
        func pair(_ path: String, _ a: PEFTArray, _ b: PEFTArray, _ names: (String, String))
            throws(CheckpointError)
            -> Pair
        {
            guard let a = parts[a] else { throw .missingTensor(file: weightsFile, name: names.0) }
            guard let b = parts[b] else { throw .missingTensor(file: weightsFile, name: names.1) }
            let factor = try description.factor(of: path, file: configurationFile)
            for (array, place) in [(a, 0), (b, 1)] {
                guard array.shape.count == 2, array.shape[place] == factor.rank else {
                    throw fault(
                        "'\(array.name)' has shape \(array.shape), which is not of rank \(factor.rank)"
                    )
                }
            }
            var magnitudes: [Float]?
            if let array = parts[.magnitudes(path)] {
                guard array.values.count == b.shape[0] else {
                    throw fault("'\(array.name)' has shape \(array.shape), expected [\(b.shape[0])]")
                }
                magnitudes = array.values
            }
            return Pair(a: a, b: b, scale: factor.scale, magnitudes: magnitudes)
        }
        switch part {
        case .a(let path), .b(let path):
            guard pairs[path] == nil else { return }
            pairs[path] = try pair(path, .a(path), .b(path), (AdapterNames.a(path), AdapterNames.b(path)))
        case .magnitudes(let path):
            guard parts[.a(path)] != nil else { throw fault("'\(array.name)' is there without A and B") }
        case .embeddingA(let path), .embeddingB(let path):
            let name = "base_model.model.\(path).lora_embedding_"
            embedding = try pair(path, .embeddingA(path), .embeddingB(path), (name + "A", name + "B"))
        case .whole(let name): wholes[name] = array
        case .tokens:
            guard let tokens = description.tokens?.byModule["embed_tokens"] else {
                throw fault("'\(array.name)' is there without trainable_token_indices")
            }
            guard array.shape.count == 2, array.shape[0] == tokens.count else {
                throw fault("'\(array.name)' has shape \(array.shape), expected \(tokens.count) rows")
            }
            rows = (tokens, array)
        case .productBias: break
        }
    }

    /// Throws where the configuration says another thing of the arrays than there is.
    private mutating func checkFlags() throws(CheckpointError) {
        let usesDoRA = description.usesDoRA == true
        for (path, pair) in pairs where (pair.magnitudes != nil) != usesDoRA {
            throw unread("use_dora", "\(usesDoRA), but '\(path)' has \(usesDoRA ? "no " : "")magnitudes")
        }
        if usesDoRA, embedding != nil { throw unread("use_dora", "of the embedding is not read") }
        if description.tokens?.byModule.isEmpty == false, rows == nil {
            throw unread("trainable_token_indices", "there is no array of their rows")
        }
        let saved = description.modulesToSave ?? []
        func isSaved(_ name: String, _ module: String) -> Bool {
            // PEFT takes every module whose path ends so, and all that is in it.
            let parts = name.split(separator: ".")
            return (1..<parts.count).contains { parts[..<$0].joined(separator: ".").hasSuffix(module) }
        }
        for module in saved where !wholes.keys.contains(where: { isSaved($0, module) }) {
            throw unread("modules_to_save", "there is no array of '\(module)'")
        }
        for (name, array) in wholes where !saved.contains(where: { isSaved(name, $0) }) {
            if name == CheckpointNames.embedding || name == CheckpointNames.head {
                copies[name] = array
                wholes[name] = nil
                continue
            }
            guard name.hasSuffix(".bias") else { throw fault("'\(name)' is no module of modules_to_save") }
            guard description.bias ?? "none" != "none" else {
                throw fault("'\(name)' is there, but bias is 'none'")
            }
        }
    }

    /// The key of what takes a base model's weights to be read, and cannot be trained or federated; nil for plain
    /// LoRA on the maps of blocks.
    var keyBeyondLoRA: String? {
        if description.usesDoRA == true { return "use_dora" }
        if rows != nil { return "trainable_token_indices" }
        if embedding != nil || pairs[Self.head] != nil { return "target_modules" }
        guard let name = wholes.keys.sorted().first else { return copies.keys.sorted().first }
        return name.hasSuffix(".bias") && description.bias ?? "none" != "none" ? "bias" : "modules_to_save"
    }
}

/// What an array of PEFT is.
enum PEFTArray: Hashable {
    case a(String), b(String)
    case embeddingA(String), embeddingB(String)
    case magnitudes(String)
    case productBias(String)
    /// A weight in place of the base's, by its name in a checkpoint.
    case whole(String)
    /// Rows of the embedding.
    case tokens

    /// Reads an array's name; nil for one that PEFT gives nothing of a decoder's.
    init?(_ name: String) {
        let prefix = "base_model.model."
        guard name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        func path(before suffix: String) -> String? {
            rest.hasSuffix(suffix) ? String(rest.dropLast(suffix.count)) : nil
        }
        func isMap(_ path: String) -> Bool {
            path == PEFTContents.head || AdapterNames.parse(AdapterNames.a(path)) != nil
        }
        if let path = path(before: ".lora_A.weight"), isMap(path) {
            self = .a(path)
        } else if let path = path(before: ".lora_B.weight"), isMap(path) {
            self = .b(path)
        } else if let path = path(before: ".lora_B.bias"), isMap(path) {
            self = .productBias(path)
        } else if let path = path(before: ".lora_embedding_A"), path == PEFTContents.embedding {
            self = .embeddingA(path)
        } else if let path = path(before: ".lora_embedding_B"), path == PEFTContents.embedding {
            self = .embeddingB(path)
        } else if let path = path(before: ".lora_magnitude_vector")
            ?? path(before: ".lora_magnitude_vector.weight")
        {
            self = .magnitudes(path)
        } else if path(before: ".token_adapter.trainable_tokens_delta") == PEFTContents.embedding {
            self = .tokens
        } else if let path = path(before: ".weight") ?? path(before: ".bias"), !rest.contains(".lora_") {
            let module = path.split(separator: ".").filter { $0 != "modules_to_save" && $0 != "base_layer" }
            self = .whole(module.joined(separator: ".") + (rest.hasSuffix(".bias") ? ".bias" : ".weight"))
        } else {
            return nil
        }
    }
}
