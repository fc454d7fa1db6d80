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
        var format = "tributary-adapter"
        var kind = Settings.name
        var settings: Settings
        var baseModel: String

        enum CodingKeys: String, CodingKey {
            case format, kind, settings
            case baseModel = "base_model_name_or_path"
        }
    }

    private struct Kind: Decodable { let kind: String }

    /// Writes an adapter; makes the directory when it is missing. Each file is written whole or not at all, the
    /// weights first.
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
            try PEFTDirectory.write(weights, lora, baseModelName: baseModelName, to: path)
            return
        }
        func describe<Settings: AdapterKind>(_ settings: Settings) throws(CheckpointError) -> [UInt8] {
            let description = Description(settings: settings, baseModel: baseModelName)
            return try JSONFault.encode(description, file: "\(path)/\(descriptionName)")
        }
        try WritableFile.makeDirectory(path)
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
        let kind = try description(file)
        let tensors = try SafetensorsFile(path: "\(path)/\(weightsName)")
        let weights = AdapterWeights(try tensors.arrays())
        if let model { try check(weights, kind, model, file: tensors.path) }
        return (weights, kind)
    }

    private static func description(_ file: String) throws(CheckpointError) -> any AdapterKind {
        let bytes = try ReadableFile.contents(of: file, limit: descriptionBytesMax)
        func settings<Settings: AdapterKind>(_ type: Settings.Type) throws -> any AdapterKind {
            try JSONDecoder().decode(Description<Settings>.self, from: Data(bytes)).settings
        }
        do {
            let name = try JSONDecoder().decode(Kind.self, from: Data(bytes)).kind
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
        file: String
    ) throws(CheckpointError) {
        let layout: AdapterLayout
        do throws(AdapterError) {
            layout = try Adapter.layout(of: kind.arrays(of: model))
        } catch {
            throw .malformed(file: file, offset: nil, detail: "\(error)")
        }
        do throws(AdapterFault) {
            try layout.check(weights.layout)
        } catch {
            throw .malformed(file: file, offset: nil, detail: "\(error)")
        }
    }
}
