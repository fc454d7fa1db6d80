internal import Contract

/// Adapters as Hugging Face PEFT keeps them: a directory with `adapter_model.safetensors` and
/// `adapter_config.json`.
enum PEFTDirectory {
    static let weightsName = "adapter_model.safetensors"
    static let configurationName = "adapter_config.json"
    /// The largest `adapter_config.json` that is read.
    static let configurationBytesMax = 1 << 20

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

    /// Reads an adapter and checks it: LoRA on the maps of blocks, every target in every block.
    ///
    /// An adapter whose modules have ranks and scales of their own is the plain one with the largest rank that
    /// computes the same: A and B are filled up with zeros, and B takes up the rest of the scale.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - model: When given, targets and shapes are checked against it too.
    /// - Throws: `CheckpointError`, also for an adapter that is more than such a LoRA, which ``MergedConfiguration``
    ///   reads.
    static func read(
        from path: String,
        for model: DecoderConfiguration? = nil
    ) throws(CheckpointError) -> (AdapterWeights, LoRAConfiguration) {
        let contents = try PEFTContents(path)
        if let key = contents.keyBeyondLoRA {
            throw .badKey(
                file: contents.configurationFile,
                key: key,
                detail: "is read for generating only: such an adapter cannot be trained or federated"
            )
        }
        return try lowRank(contents, Array(contents.pairs.keys), model)
    }

    /// The pairs of some maps as plain LoRA.
    static func lowRank(
        _ contents: PEFTContents,
        _ paths: [String],
        _ model: DecoderConfiguration?
    ) throws(CheckpointError) -> (AdapterWeights, LoRAConfiguration) {
        let found = Found(paths)
        let pairs = paths.sorted().compactMap { contents.pairs[$0] }
        let description = contents.description
        let rank = pairs.map(\.rank).max() ?? description.rank
        let usual = description.alpha / Double(rank)
        let isUsual = pairs.allSatisfy { $0.scale == usual }
        // Otherwise the first scale that there is becomes the adapter's.
        let scale = isUsual ? usual : pairs.first { $0.scale > 0 }?.scale ?? 1
        let alpha = isUsual ? description.alpha : scale * Double(rank)
        var arrays: [NamedArray] = []
        for pair in pairs {
            arrays.append(pair.a.padded(to: rank, axis: 0))
            arrays.append(pair.b.padded(to: rank, axis: 1).scaled(by: Float(pair.scale / scale)))
        }
        let configuration = try configuration(
            contents,
            found,
            model,
            rank: rank,
            alpha: alpha,
            file: contents.configurationFile
        )
        let weights = AdapterWeights(arrays)
        try check(weights, found, model, configuration, file: contents.weightsFile)
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

        init(_ paths: [String]) {
            self.paths = Set(paths)
            for path in paths {
                guard let (_, layer, module, _) = AdapterNames.parse(AdapterNames.a(path)) else { continue }
                modules.insert(module)
                layers.insert(layer)
            }
        }
    }

    private static func configuration(
        _ contents: PEFTContents,
        _ found: Found,
        _ model: DecoderConfiguration?,
        rank: Int,
        alpha: Double,
        file: String
    ) throws(CheckpointError) -> LoRAConfiguration {
        let description = contents.description
        let modules = found.modules.sorted { order($0) < order($1) }
        var targets = modules
        if case .names(let names) = description.targets {
            let paths = contents.paths
            if let path = paths.sorted().first(where: { path in
                !names.contains { LinearModule.isMeant(path, by: $0) }
            }) {
                throw .badKey(
                    file: file,
                    key: "target_modules",
                    detail: "names \(names.sorted()), none of which means '\(path)', which has arrays"
                )
            }
            func isLeftOut(_ path: String) -> Bool {
                description.excluded.map { isMeant(path, by: $0) ?? true } ?? false
            }
            // As in PEFT, a name may mean nothing; what it does mean must have its arrays.
            let all = model.map { model in
                (0..<model.layerCount).flatMap { layer in
                    model.modules(layer: layer).map { $0.path(layer: layer) }
                }
            }
            for name in names where !paths.contains(where: { LinearModule.isMeant($0, by: name) }) {
                guard let path = all?.first(where: { LinearModule.isMeant($0, by: name) && !isLeftOut($0) })
                else { continue }
                throw .badKey(
                    file: file,
                    key: "target_modules",
                    detail: "names '\(name)', but '\(path)' of the model has no arrays in the adapter"
                )
            }
            targets = names.filter { name in found.paths.contains { LinearModule.isMeant($0, by: name) } }
                .sorted { order($0) < order($1) }
        } else {
            try checkExpression(contents, model, file: file)
        }
        if let excluded = description.excluded,
            let path = contents.paths.first(where: { isMeant($0, by: excluded) ?? false })
        {
            throw .badKey(file: file, key: "exclude_modules", detail: "means '\(path)', which has arrays")
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
            rank: rank,
            alpha: alpha,
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

    /// Whether a module is meant; nil for a regular expression with what is not known here.
    private static func isMeant(_ path: String, by targets: PEFTConfigurationFile.Targets) -> Bool? {
        try? targets.means(path)
    }

    /// Throws where a regular expression, or `all-linear`, means other modules than the arrays are of. An expression
    /// with what is not known here is not asked: the arrays themselves say what it hit.
    private static func checkExpression(
        _ contents: PEFTContents,
        _ model: DecoderConfiguration?,
        file: String
    ) throws(CheckpointError) {
        let targets = contents.description.targets
        if let path = contents.paths.first(where: { isMeant($0, by: targets) == false }) {
            throw .badKey(
                file: file,
                key: "target_modules",
                detail: "does not mean '\(path)', which has arrays"
            )
        }
        guard let model, contents.description.layers == nil else { return }
        for layer in 0..<model.layerCount {
            for path in model.modules(layer: layer).map({ $0.path(layer: layer) })
            where isMeant(path, by: targets) == true && contents.pairs[path] == nil {
                let isLeftOut = contents.description.excluded.map { isMeant(path, by: $0) ?? true } ?? false
                if isLeftOut || contents.wholes["\(path).weight"] != nil { continue }
                throw .badKey(
                    file: file,
                    key: "target_modules",
                    detail: "means '\(path)', which has no arrays"
                )
            }
        }
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

extension PEFTContents {
    /// The modules that have a pair, in order.
    fileprivate var paths: [String] {
        (Array(pairs.keys) + (embedding == nil ? [] : [Self.embedding])).sorted()
    }
}

extension NamedArray {
    /// A matrix with zeros behind its rows or columns.
    fileprivate func padded(to count: Int, axis: Int) -> NamedArray {
        guard shape[axis] < count else { return self }
        let (rows, columns) = (shape[0], shape[1])
        if axis == 0 {
            let zeros = [Float](repeating: 0, count: (count - rows) * columns)
            return NamedArray(name: name, shape: [count, columns], values: values + zeros)
        }
        var wide: [Float] = []
        wide.reserveCapacity(rows * count)
        for row in 0..<rows {
            wide += values[row * columns..<(row + 1) * columns]
            wide += repeatElement(0, count: count - columns)
        }
        return NamedArray(name: name, shape: [rows, count], values: wide)
    }

    /// All values multiplied.
    fileprivate func scaled(by factor: Float) -> NamedArray {
        guard factor != 1 else { return self }
        return NamedArray(name: name, shape: shape, values: values.map { $0 * factor })
    }
}
