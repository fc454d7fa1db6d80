package import Contract
internal import FoundationEssentials
internal import Glibc

/// Adapters in directories: LoRA as Hugging Face PEFT keeps it (`adapter_model.safetensors`,
/// `adapter_config.json`); what PEFT cannot say as `adapter.safetensors` beside an `adapter.json` that names the
/// kind and its settings.
package enum AdapterDirectory {
    private static let weightsName = "adapter.safetensors"
    private static let descriptionName = "adapter.json"
    private static let descriptionBytesMax = 1 << 20

    /// `adapter.json`.
    private struct Description<Settings: AdapterKind>: Codable {
        var format = AdapterDirectory.format
        var kind = Settings.name
        var settings: Settings
        var baseModel: String

        enum CodingKeys: String, CodingKey {
            case format, kind, settings
            case baseModel = "base_model_name_or_path"
        }
    }

    private struct Kind: Decodable {
        let format: String
        let kind: String
    }

    private static let format = "tributary-adapter"

    /// Writes an adapter; makes the directory when it is missing. Each file is written whole or not at all, the
    /// weights first; an adapter of the other format that was there is removed.
    ///
    /// - Parameters:
    ///   - weights: The arrays.
    ///   - kind: What they are.
    ///   - baseModelName: What they belong to.
    ///   - path: The directory.
    package static func write(
        _ weights: AdapterWeights,
        _ kind: any AdapterKind,
        baseModelName: String,
        to path: String
    ) throws(CheckpointError) {
        if let lora = kind as? LoRAConfiguration {
            try WritableFile.remove([descriptionName, weightsName], in: path)
            try PEFTDirectory.write(weights, lora, baseModelName: baseModelName, to: path)
            return
        }
        func describe<Settings: AdapterKind>(_ settings: Settings) throws(CheckpointError) -> [UInt8] {
            let description = Description(settings: settings, baseModel: baseModelName)
            return try JSONFault.encode(description, file: "\(path)/\(descriptionName)")
        }
        try WritableFile.makeDirectory(path)
        try WritableFile.remove([PEFTDirectory.configurationName, PEFTDirectory.weightsName], in: path)
        try SafetensorsWriter.write(weights.arrays, to: "\(path)/\(weightsName)")
        try WritableFile.write(describe(kind), to: "\(path)/\(descriptionName)")
    }

    /// Reads an adapter of any kind and checks it.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - model: When given, names and shapes are checked against it too.
    /// - Throws: `CheckpointError` naming the file, and the key or the array.
    package static func read(
        from path: String,
        for model: DecoderConfiguration? = nil
    ) throws(CheckpointError) -> (AdapterWeights, any AdapterKind) {
        let file = "\(path)/\(descriptionName)"
        guard access(file, F_OK) == 0 else {
            guard access("\(path)/\(PEFTDirectory.configurationName)", F_OK) == 0 else {
                throw .inaccessible(
                    file: path,
                    reason:
                        "holds no adapter: neither \(PEFTDirectory.configurationName) nor \(descriptionName)"
                )
            }
            return try PEFTDirectory.read(from: path, for: model)
        }
        guard access("\(path)/\(PEFTDirectory.configurationName)", F_OK) != 0 else {
            throw .inaccessible(
                file: path,
                reason: "holds two adapters, \(PEFTDirectory.configurationName) and \(descriptionName)"
            )
        }
        let kind = try description(file)
        let tensors = try SafetensorsFile(path: "\(path)/\(weightsName)")
        let weights = AdapterWeights(try tensors.arrays())
        if let model { try check(weights, kind, model, description: file, file: tensors.path) }
        return (weights, kind)
    }

    /// Reads an adapter of any kind onto a base model; also one of PEFT that is for generating only.
    ///
    /// - Throws: `CheckpointError` naming the file, and the key or the array.
    package static func adapter(from path: String, for base: BaseModel) throws -> Adapter {
        if access("\(path)/\(descriptionName)", F_OK) != 0,
            access("\(path)/\(PEFTDirectory.configurationName)", F_OK) == 0,
            try PEFTContents(path).keyBeyondLoRA != nil
        {
            return try MergedConfiguration.read(from: path, for: base)
        }
        let (weights, kind) = try read(from: path, for: base.configuration)
        let adapter = try Adapter(for: base, kind, seed: 0)
        try adapter.load(weights)
        return adapter
    }

    /// What an adapter says that it belongs to, in the words of who wrote it; nil where it says nothing.
    package static func baseModelName(of path: String) -> String? {
        struct Words: Decodable {
            var baseModel: String?

            enum CodingKeys: String, CodingKey { case baseModel = "base_model_name_or_path" }
        }
        for name in [descriptionName, PEFTDirectory.configurationName] {
            guard let bytes = try? ReadableFile.contents(of: "\(path)/\(name)", limit: descriptionBytesMax),
                let words = try? JSONDecoder().decode(Words.self, from: Data(bytes))
            else { continue }
            return words.baseModel
        }
        return nil
    }

    /// What a directory of PEFT holds, for people, where it is for generating only.
    ///
    /// - Returns: The key of `adapter_config.json` that makes it so, and all arrays under their names; nil for any other
    ///   adapter.
    /// - Throws: `CheckpointError`, as reading does.
    package static func forGeneratingOnly(
        _ path: String
    ) throws(CheckpointError) -> (key: String, arrays: AdapterWeights)? {
        guard access("\(path)/\(descriptionName)", F_OK) != 0,
            access("\(path)/\(PEFTDirectory.configurationName)", F_OK) == 0
        else { return nil }
        let contents = try PEFTContents(path)
        guard let key = contents.keyBeyondLoRA else { return nil }
        return (key, AdapterWeights(try SafetensorsFile(path: contents.weightsFile).arrays()))
    }

    /// Whether a directory holds an adapter of a kind that is known by this module: trainers of other models write
    /// an `adapter.json` without a kind.
    package static func isThere(_ path: String) -> Bool {
        if access("\(path)/\(PEFTDirectory.configurationName)", F_OK) == 0 { return true }
        guard
            let bytes = try? ReadableFile.contents(
                of: "\(path)/\(descriptionName)",
                limit: descriptionBytesMax
            )
        else { return false }
        return (try? JSONDecoder().decode(Kind.self, from: Data(bytes))) != nil
    }

    private static func description(_ file: String) throws(CheckpointError) -> any AdapterKind {
        let bytes = try ReadableFile.contents(of: file, limit: descriptionBytesMax)
        func settings<Settings: AdapterKind>(_ type: Settings.Type) throws -> any AdapterKind {
            try JSONDecoder().decode(Description<Settings>.self, from: Data(bytes)).settings
        }
        do {
            let head = try JSONDecoder().decode(Kind.self, from: Data(bytes))
            guard head.format == format else {
                throw CheckpointError.badKey(
                    file: file,
                    key: "format",
                    detail: "'\(head.format)' is not '\(format)'"
                )
            }
            let name = head.kind
            guard let type = AdapterKinds.named(name) else {
                throw CheckpointError.badKey(
                    file: file,
                    key: "kind",
                    detail: "'\(name)' is not one of \(AdapterKinds.known)"
                )
            }
            let kind = try settings(type)
            try AdapterError.checking(kind)
            return kind
        } catch let error as CheckpointError {
            throw error
        } catch {
            let detail = (error as? AdapterError).map { "\($0)" } ?? JSONFault.describe(error)
            throw .malformed(file: file, offset: nil, detail: detail)
        }
    }

    private static func check(
        _ weights: AdapterWeights,
        _ kind: any AdapterKind,
        _ model: DecoderConfiguration,
        description: String,
        file: String
    ) throws(CheckpointError) {
        let layout: AdapterLayout
        do throws(AdapterError) {
            layout = try Adapter.layout(of: kind.arrays(of: model))
        } catch {
            throw .malformed(file: description, offset: nil, detail: "\(error)")
        }
        do throws(AdapterFault) {
            try layout.check(weights.layout)
        } catch {
            throw .malformed(file: file, offset: nil, detail: "\(error)")
        }
    }
}
