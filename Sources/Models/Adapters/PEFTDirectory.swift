package import Contract
internal import FoundationEssentials

/// Adapters as Hugging Face PEFT keeps them: a directory with `adapter_model.safetensors` and
/// `adapter_config.json`.
package enum PEFTDirectory {
    private static let weightsName = "adapter_model.safetensors"
    private static let configurationName = "adapter_config.json"
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
    package static func write(
        _ weights: AdapterWeights,
        _ configuration: LoRAConfiguration,
        baseModelName: String,
        to path: String
    ) throws(CheckpointError) {
        try WritableFile.makeDirectory(path)
        try SafetensorsWriter.write(weights.arrays, to: "\(path)/\(weightsName)")
        let file = "\(path)/\(configurationName)"
        let description = PEFTConfigurationFile(configuration, baseModelName: baseModelName)
        try WritableFile.write(JSONFault.encode(description, file: file), to: file)
    }

    /// Reads an adapter and checks it: plain LoRA, every A with its B, ranks as configured, every target in
    /// every block.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - model: When given, targets and shapes are checked against it too.
    package static func read(
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
        var modules: Set<LinearModule> = []
        var layers: Set<Int> = []
        for name in tensors.names {
            guard let (module, layer, isA) = AdapterNames.parse(name) else {
                throw .malformed(
                    file: tensors.path,
                    offset: nil,
                    detail: "'\(name)' is no LoRA array of a Llama"
                )
            }
            modules.insert(module)
            layers.insert(layer)
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
        let configuration = try configuration(description, modules, layers, file: configurationFile)
        let weights = AdapterWeights(arrays)
        try check(weights, modules, layers, model, configuration, file: tensors.path)
        return (weights, configuration)
    }

    private static func configuration(
        _ description: PEFTConfigurationFile,
        _ modules: Set<LinearModule>,
        _ layers: Set<Int>,
        file: String
    ) throws(CheckpointError) -> LoRAConfiguration {
        let targets = LinearModule.allCases.filter(modules.contains).map(\.rawValue)
        if case .names(let names) = description.targets, Set(names) != Set(targets) {
            throw .badKey(
                file: file,
                key: "target_modules",
                detail: "names \(names.sorted()), the arrays are of \(targets)"
            )
        }
        let found = layers.sorted()
        if let named = description.layers?.indices, Set(named) != layers {
            throw .badKey(
                file: file,
                key: "layers_to_transform",
                detail: "\(named), the arrays are of \(found)"
            )
        }
        let isPartial = description.layers != nil || found != Array(0..<found.count)
        let configuration = LoRAConfiguration(
            rank: description.rank,
            alpha: description.alpha,
            targets: targets,
            layers: isPartial ? found : nil
        )
        do throws(AdapterError) {
            _ = try configuration.modules()
        } catch {
            throw .malformed(file: file, offset: nil, detail: "\(error)")
        }
        return configuration
    }

    private static func check(
        _ weights: AdapterWeights,
        _ modules: Set<LinearModule>,
        _ layers: Set<Int>,
        _ model: DecoderConfiguration?,
        _ configuration: LoRAConfiguration,
        file: String
    ) throws(CheckpointError) {
        if let model {
            let expected = configuration.layers == nil ? model.layerCount : layers.count
            guard layers.count == expected, layers.allSatisfy((0..<model.layerCount).contains) else {
                throw .malformed(
                    file: file,
                    offset: nil,
                    detail: "arrays of the blocks \(layers.sorted()), the model has \(model.layerCount)"
                )
            }
        }
        let shapes = Dictionary(uniqueKeysWithValues: weights.arrays.map { ($0.name, $0.shape) })
        for layer in layers.sorted() {
            for module in LinearModule.allCases where modules.contains(module) {
                let size = model.map(module.shape)
                let pair = [
                    (AdapterNames.a(module, layer: layer), size.map { [configuration.rank, $0.columns] }),
                    (AdapterNames.b(module, layer: layer), size.map { [$0.rows, configuration.rank] }),
                ]
                for (name, expected) in pair {
                    guard let found = shapes[name] else { throw .missingTensor(file: file, name: name) }
                    if let expected, expected != found {
                        throw .wrongShape(file: file, name: name, expected: expected, found: found)
                    }
                }
            }
        }
    }
}
