internal import Contract
internal import FoundationEssentials

/// Adapters as Hugging Face PEFT keeps them: a directory with `adapter_model.safetensors` and
/// `adapter_config.json`.
enum PEFTDirectory {
    static let weightsName = "adapter_model.safetensors"
    static let configurationName = "adapter_config.json"
    /// The largest `adapter_config.json` that is read.
    private static let configurationBytesMax = 1 << 20

    /// Writes an adapter such that `PeftModel.from_pretrained` loads it; makes the directory when it is
    /// missing. Each file is written whole or not at all, the weights first.
    ///
    /// - Parameters:
    ///   - weights: The arrays, under PEFT's names.
    ///   - configuration: Rank, scale and targets.
    ///   - baseModelName: What PEFT users will see as `base_model_name_or_path`.
    ///   - path: The directory.
    static func write(
        _ weights: AdapterWeights,
        _ configuration: LoRAConfiguration,
        baseModelName: String,
        to path: String
    ) throws(CheckpointError) {
        try WritableFile.makeDirectory(path)
        try SafetensorsWriter.write(weights.arrays, to: "\(path)/\(weightsName)")
        let file = "\(path)/\(configurationName)"
        var configuration = configuration
        if !configuration.namesTargets {
            // Whoever reads the file need not know what is usual in a family.
            let modules = weights.arrays.compactMap { AdapterNames.parse($0.name)?.module }
            configuration.targets = Set(modules).sorted { order($0) < order($1) }
        }
        let description = PEFTConfigurationFile(configuration, baseModelName: baseModelName)
        try WritableFile.write(JSONFault.encode(description, file: file), to: file)
    }

    /// Reads an adapter and checks it: plain LoRA, every A with its B, ranks as configured, every target in
    /// every block.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - model: When given, targets and shapes are checked against it too.
    static func read(
        from path: String,
        for model: DecoderConfiguration? = nil
    ) throws(CheckpointError) -> (AdapterWeights, LoRAConfiguration) {
        let configurationFile = "\(path)/\(configurationName)"
        let bytes = try ReadableFile.contents(of: configurationFile, limit: configurationBytesMax)
        let description: PEFTConfigurationFile
        do {
            description = try JSONDecoder().decode(PEFTConfigurationFile.self, from: Data(bytes))
        } catch {
            throw .malformed(file: configurationFile, offset: nil, detail: JSONFault.describe(error))
        }
        try description.checkIsPlain(file: configurationFile)

        let tensors = try SafetensorsFile(path: "\(path)/\(weightsName)")
        var arrays: [NamedArray] = []
        var found = Found()
        for name in tensors.names {
            guard let (path, layer, module, isA) = AdapterNames.parse(name) else {
                throw .malformed(
                    file: tensors.path,
                    offset: nil,
                    detail: "'\(name)' is no LoRA array of a decoder's block"
                )
            }
            found.paths.insert(path)
            found.modules.insert(module)
            found.layers.insert(layer)
            let shape = tensors.shape(of: name) ?? []
            guard shape.count == 2, shape[isA ? 0 : 1] == description.rank else {
                throw .malformed(
                    file: tensors.path,
                    offset: nil,
                    detail: "'\(name)' has shape \(shape), which is not of rank \(description.rank)"
                )
            }
            arrays.append(NamedArray(name: name, shape: shape, values: try tensors.values(of: name)))
        }
        let configuration = try configuration(description, found, model, file: configurationFile)
        let weights = AdapterWeights(arrays)
        try check(weights, found, model, configuration, file: tensors.path)
        return (weights, configuration)
    }

    /// The usual maps first.
    private static func order(_ name: String) -> (Int, String) {
        (LoRAConfiguration.usualTargets.firstIndex(of: name) ?? Int.max, name)
    }

    /// Where the arrays of a file stand.
    private struct Found {
        /// The linear maps' paths.
        var paths: Set<String> = []
        /// Their names within a block.
        var modules: Set<String> = []
        var layers: Set<Int> = []
    }

    private static func configuration(
        _ description: PEFTConfigurationFile,
        _ found: Found,
        _ model: DecoderConfiguration?,
        file: String
    ) throws(CheckpointError) -> LoRAConfiguration {
        let modules = found.modules.sorted { order($0) < order($1) }
        var targets = modules
        if case .names(let names) = description.targets {
            guard names.allSatisfy({ name in found.paths.contains { LinearModule.isMeant($0, by: name) } }),
                found.paths.allSatisfy({ path in names.contains { LinearModule.isMeant(path, by: $0) } })
            else {
                throw .badKey(
                    file: file,
                    key: "target_modules",
                    detail: "names \(names.sorted()), the arrays are of \(modules)"
                )
            }
            targets = names.sorted { order($0) < order($1) }
        }
        // The arrays may be of some maps in some blocks; else those of a block are named once for all blocks.
        let isGrid = found.paths.count == found.modules.count * found.layers.count
        let namesBlocks = targets.contains { target in
            target.split(separator: ".").contains { Int($0) != nil }
        }
        if !isGrid { targets = found.paths.sorted() } else if namesBlocks { targets = modules }
        let layers = found.layers.sorted()
        if let named = description.layers?.indices, Set(named) != found.layers {
            throw .badKey(
                file: file,
                key: "layers_to_transform",
                detail: "\(named), the arrays are of \(layers)"
            )
        }
        let isAll = namesBlocks ? layers.count == model?.layerCount : layers == Array(0..<layers.count)
        let isPartial = description.layers != nil || !isAll
        let configuration = LoRAConfiguration(
            rank: description.rank,
            alpha: description.alpha,
            targets: targets,
            layers: isGrid && isPartial ? layers : nil
        )
        do throws(AdapterError) {
            try AdapterError.checking(configuration)
        } catch {
            throw .malformed(file: file, offset: nil, detail: "\(error)")
        }
        return configuration
    }

    private static func check(
        _ weights: AdapterWeights,
        _ found: Found,
        _ model: DecoderConfiguration?,
        _ configuration: LoRAConfiguration,
        file: String
    ) throws(CheckpointError) {
        let shapes = Dictionary(uniqueKeysWithValues: weights.arrays.map { ($0.name, $0.shape) })
        func require(_ name: String, _ expected: [Int]?) throws(CheckpointError) {
            guard let found = shapes[name] else { throw .missingTensor(file: file, name: name) }
            if let expected, expected != found {
                throw .wrongShape(file: file, name: name, expected: expected, found: found)
            }
        }
        guard let model else {
            for path in found.paths.sorted() {
                try require(AdapterNames.a(path), nil)
                try require(AdapterNames.b(path), nil)
            }
            return
        }
        let wanted: [(layer: Int, module: LinearModule)]
        do throws(AdapterError) {
            wanted = try configuration.modules(of: model)
        } catch {
            throw .malformed(file: file, offset: nil, detail: "\(error)")
        }
        for (layer, module) in wanted {
            let path = module.path(layer: layer)
            try require(AdapterNames.a(path), [configuration.rank, module.columns])
            try require(AdapterNames.b(path), [module.rows, configuration.rank])
        }
        let paths = Set(wanted.map { $0.module.path(layer: $0.layer) })
        if let other = found.paths.subtracting(paths).sorted().first {
            throw .malformed(file: file, offset: nil, detail: "the model has no linear map '\(other)'")
        }
    }
}
