internal import FoundationEssentials

/// A family of published models: how its configuration becomes a ``DecoderConfiguration``, and what its files call
/// the tensors. A new family is one such file and its line in ``Architectures``.
package protocol Architecture: Sendable {
    /// `model_type` in `config.json`.
    static var modelType: String { get }
    /// `general.architecture` in GGUF; nil if there are no such files.
    static var ggufName: String? { get }

    /// Reads a `config.json`.
    ///
    /// - Throws: `DecodingError` naming the key of what is not known.
    static func decode(from decoder: any Decoder) throws -> DecoderConfiguration

    /// Writes a `config.json`.
    static func encode(_ model: DecoderConfiguration, to encoder: any Encoder) throws

    /// The decoder that a GGUF file describes.
    ///
    /// - Parameters:
    ///   - metadata: The file's keys.
    ///   - tensors: The file, for shapes and for errors.
    static func configuration(
        of metadata: [String: GGUFValue],
        _ tensors: some TensorSource
    ) throws(CheckpointError) -> DecoderConfiguration

    /// Where a checkpoint keeps a weight, by this program's name for it (``CheckpointNames``, `LinearModule.path` with
    /// `.weight`).
    static func place(
        of name: String,
        _ configuration: DecoderConfiguration,
        in form: CheckpointForm
    ) -> TensorPlace

    /// What a GGUF file of a decoder says besides its weights.
    ///
    /// - Parameters:
    ///   - model: The decoder.
    ///   - file: Where to, for errors.
    /// - Throws: for what GGUF cannot say.
    static func ggufDraft(
        of model: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) -> GGUFDraft

    /// The tensors that a checkpoint may have beside the weights: what the configuration is read from, or what follows
    /// from it.
    static func otherTensors(in form: CheckpointForm) -> Set<String>
}

extension Architecture {
    /// The whole tensor of the same name in a folder, whose names are this program's; the usual names in GGUF.
    package static func place(
        of name: String,
        _ configuration: DecoderConfiguration,
        in form: CheckpointForm
    ) -> TensorPlace {
        form == .gguf ? GGUFNames.place(of: name, configuration) : TensorPlace(name)
    }

    /// Other tensors than the weights: the factors of rotary positions in GGUF, which the configuration is read from.
    package static func otherTensors(in form: CheckpointForm) -> Set<String> {
        form == .gguf ? [GGUFNames.factors] : []
    }
}

/// The families that are read.
package enum Architectures {
    /// One line for each.
    package static let all: [any Architecture.Type] = [
        Llama.self,
        Mistral.self,
        Qwen2.self,
        Qwen3.self,
        SmolLM3.self,
        Phi3.self,
        Gemma2.self,
        Gemma3.self,
        InteractionDecoder.self,
    ]

    static var known: String { all.map { "'\($0.modelType)'" }.joined(separator: ", ") }

    static func named(_ modelType: String) -> (any Architecture.Type)? {
        all.first { $0.modelType == modelType }
    }

    /// The family of a GGUF file.
    static func of(
        _ metadata: [String: GGUFValue],
        file: String
    ) throws(CheckpointError) -> any Architecture.Type {
        let name = try metadata.text("general.architecture", file: file)
        guard let architecture = all.first(where: { $0.ggufName == name }) else {
            let known = all.compactMap { $0.ggufName }.map { "'\($0)'" }.joined(separator: ", ")
            throw .badKey(
                file: file,
                key: "general.architecture",
                detail: "'\(name)' is not read, only \(known)"
            )
        }
        return architecture
    }
}

extension DecoderConfiguration: Codable {
    private enum Family: String, CodingKey {
        case modelType = "model_type"
        case attention
    }

    /// The family of its files: its own, or this program's where blocks have other attention than softmax.
    var architecture: any Architecture.Type {
        guard attentionKinds.isEmpty else { return InteractionDecoder.self }
        return Architectures.named(modelType) ?? Llama.self
    }

    /// The same decoder by the name of the family that it is a case of: a Mistral without windows is a Llama, and GGUF
    /// knows it as nothing else.
    package var canonical: DecoderConfiguration {
        guard modelType == Mistral.modelType, window == nil else { return self }
        var canonical = self
        canonical.modelType = Llama.modelType
        return canonical
    }

    /// Reads a `config.json` of any family that is known; without `model_type` it is taken for a Llama's.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Family.self)
        let name = try values.decodeIfPresent(String.self, forKey: .modelType) ?? Llama.modelType
        guard let architecture = Architectures.named(name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .modelType,
                in: values,
                debugDescription: "model_type: '\(name)' is not read, only \(Architectures.known)"
            )
        }
        guard !values.contains(.attention) || architecture == InteractionDecoder.self else {
            throw DecodingError.dataCorruptedError(
                forKey: .attention,
                in: values,
                debugDescription: "only the model_type '\(InteractionDecoder.modelType)' has this key"
            )
        }
        self = try architecture.decode(from: decoder)
    }

    /// Writes a `config.json` of its family.
    package func encode(to encoder: any Encoder) throws { try architecture.encode(self, to: encoder) }

    /// The largest `config.json` that is read.
    static let fileBytesMax = 1 << 20

    /// Reads and validates a `config.json`.
    package static func read(from path: String) throws(CheckpointError) -> DecoderConfiguration {
        let bytes = try ReadableFile.contents(of: path, limit: fileBytesMax)
        let configuration: DecoderConfiguration
        do {
            configuration = try JSONDecoder().decode(DecoderConfiguration.self, from: Data(bytes))
        } catch {
            throw .malformed(file: path, offset: nil, detail: JSONFault.describe(error))
        }
        try configuration.validate(file: path)
        return configuration
    }

    /// Writes a `config.json`; the same configuration gives the same bytes.
    package func write(to path: String) throws(CheckpointError) {
        try WritableFile.write(JSONFault.encode(self, file: path), to: path)
    }
}
