internal import Contract
internal import Digest
internal import FoundationEssentials
internal import Glibc
package import Models

/// Autoencoders on disk, in the layout of SAELens (versions 3 to 6):
///
///     cfg.json                  architecture, widths, where the states come from
///     sae_weights.safetensors   W_enc [d_in, d_sae], b_enc, W_dec [d_sae, d_in], b_dec
///
/// The files hold an autoencoder of states in the model's own units, so that any reader reconstructs with it:
/// since ReLU is positively homogeneous, only b_enc changes. Our own keys, `activation_scale` and
/// `model_sha256`, bring the normalised units and the model's identity back.
package enum SAELensFolder {
    static let configurationName = "cfg.json"
    static let weightsName = "sae_weights.safetensors"

    /// Whether a folder holds an autoencoder.
    package static func isThere(_ folder: String) -> Bool {
        access("\(folder)/\(configurationName)", F_OK) == 0
    }

    /// Writes an autoencoder; makes the folder if it is missing.
    ///
    /// - Parameters:
    ///   - autoencoder: What to write.
    ///   - folder: Where to.
    ///   - modelName: What the model is called, for readers.
    ///   - quality: What was measured, kept under a key of our own.
    package static func write(
        _ autoencoder: SparseAutoencoder,
        to folder: String,
        modelName: String,
        quality: AutoencoderQuality? = nil
    ) throws {
        guard autoencoder.layer > 0 else {
            throw FeatureFault(folder, "layer 0 has no name in SAELens; expected a layer behind a block")
        }
        try OutputFault.wrap(folder) {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let (width, count) = (autoencoder.width, autoencoder.latentCount)
        let scale = autoencoder.activationScale
        let arrays = [
            NamedArray(
                name: "W_enc",
                shape: [width, count],
                values: transposed(autoencoder.encoder, rows: count, columns: width)
            ),
            NamedArray(name: "b_enc", shape: [count], values: autoencoder.encoderBias.map { $0 / scale }),
            NamedArray(name: "W_dec", shape: [count, width], values: autoencoder.decoder),
            NamedArray(name: "b_dec", shape: [width], values: autoencoder.decoderBias),
        ]
        try SafetensorsWriter.write(arrays, to: "\(folder)/\(weightsName)")
        let hook = "blocks.\(autoencoder.layer - 1).hook_resid_post"
        let isTopK = autoencoder.activation != .relu
        var configuration = Configuration(
            architecture: isTopK ? "topk" : "standard",
            inputs: width,
            latents: count,
            hookName: hook,
            hookLayer: autoencoder.layer - 1,
            modelName: modelName,
            metadata: .init(hookName: hook, modelName: modelName)
        )
        if case .topK(let k) = autoencoder.activation {
            configuration.topK = k
            configuration.activation = "topk"
            configuration.activationKeywords = .init(topK: k)
        }
        configuration.activationScale = scale
        configuration.modelDigest = autoencoder.model
        configuration.quality = quality
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let path = "\(folder)/\(configurationName)"
        try OutputFault.wrap(path) {
            try encoder.encode(configuration).write(to: URL(filePath: path), options: .atomic)
        }
    }

    /// Copies an autoencoder as it is, to the last bit.
    package static func copy(from folder: String, to other: String) throws {
        guard URL(filePath: folder).standardizedFileURL != URL(filePath: other).standardizedFileURL else {
            return
        }
        try OutputFault.wrap(other) {
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
            for name in [configurationName, weightsName] {
                if FileManager.default.fileExists(atPath: "\(other)/\(name)") {
                    try FileManager.default.removeItem(atPath: "\(other)/\(name)")
                }
                try FileManager.default.copyItem(
                    atPath: "\(folder)/\(name)",
                    toPath: "\(other)/\(name)"
                )
            }
        }
    }

    /// Reads an autoencoder for a model.
    ///
    /// One of another program says nothing of the model's weights and of the states' length: it is taken for
    /// the model's own if its width and layer fit, and its `activationScale` is 1 until it is set from data.
    ///
    /// - Throws: `FeatureFault` naming file and key; `CheckpointError` for tensors that are missing or of
    ///   another shape.
    package static func read(from folder: String, for base: BaseModel) throws -> SparseAutoencoder {
        let autoencoder = try read(from: folder, model: base.identity.description)
        do throws(FeatureFault) {
            try autoencoder.check(
                model: base.identity.description,
                width: base.configuration.hiddenSize,
                layerCount: base.configuration.layerCount
            )
        } catch { throw FeatureFault("\(folder)/\(configurationName)", error.reason) }
        return autoencoder
    }

    /// What was measured when an autoencoder was learnt; nil where nobody did.
    package static func quality(in folder: String) throws -> AutoencoderQuality? {
        try configuration("\(folder)/\(configurationName)").quality
    }

    /// Reads an autoencoder.
    ///
    /// - Parameter model: The SHA-256 that it is given where its file has none.
    package static func read(from folder: String, model: String = "") throws -> SparseAutoencoder {
        let path = "\(folder)/\(configurationName)"
        let found = try configuration(path)
        let activation = try activation(of: found, path)
        let layer = try layer(of: found, path)
        if let normalisation = found.normalisation, normalisation != "none" {
            throw FeatureFault(
                path,
                "normalize_activations: found '\(normalisation)', expected 'none'"
            )
        }
        guard let width = found.inputs, let count = found.latents, (1...1 << 16).contains(width),
            (1...1 << 22).contains(count)
        else {
            throw FeatureFault(
                path,
                "d_in and d_sae: found \(found.inputs.map(String.init) ?? "none") and "
                    + "\(found.latents.map(String.init) ?? "none"), expected the widths of states and code"
            )
        }
        let scale = found.activationScale ?? 1
        guard scale > 0, scale.isFinite else {
            throw FeatureFault(path, "activation_scale: found \(scale), expected more than 0")
        }
        let file = try SafetensorsFile(path: "\(folder)/\(weightsName)")
        var encoder = transposed(
            try file.values(of: "W_enc", shape: [width, count]),
            rows: width,
            columns: count
        )
        var bias = try file.values(of: "b_enc", shape: [count])
        var decoder = try file.values(of: "W_dec", shape: [count, width])
        let centre = try file.values(of: "b_dec", shape: [width])
        for latent in 0..<count {
            let row = latent * width..<(latent + 1) * width
            let norm = Float(decoder[row].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
            // What a row is longer than 1 becomes part of the activation; rounding alone is left.
            if norm > 0, abs(norm - 1) > 1e-5 {
                for place in row {
                    decoder[place] /= norm
                    encoder[place] *= norm
                }
                bias[latent] *= norm
            }
            bias[latent] *= scale
        }
        if found.centresInput == false {
            // z = W h + b without the centre is W (h − c) + (b + W c).
            for latent in 0..<count {
                let moved = (0..<width).reduce(0.0) {
                    $0 + Double(encoder[latent * width + $1]) * Double(centre[$1])
                }
                bias[latent] += Float(moved) * scale
            }
        }
        return SparseAutoencoder(
            model: found.modelDigest ?? model,
            layer: layer,
            width: width,
            activation: activation,
            encoder: encoder,
            encoderBias: bias,
            decoder: decoder,
            decoderBias: centre,
            activationScale: scale
        )
    }

    private static func configuration(_ path: String) throws -> Configuration {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw FeatureFault(
                path,
                "cannot be read; expected a folder with an autoencoder as SAELens writes it"
            )
        }
        do {
            return try JSONDecoder().decode(Configuration.self, from: bytes)
        } catch let error as DecodingError {
            throw FeatureFault(path, "is no configuration of an autoencoder: \(FaultText.sentence(error))")
        }
    }

    private static func activation(
        of found: Configuration,
        _ path: String
    ) throws(FeatureFault) -> SparseAutoencoder.Activation {
        let name = found.activation ?? (found.architecture == "topk" ? "topk" : "relu")
        switch (found.architecture, name) {
        case ("standard", "relu"): return .relu
        case ("topk", "topk"), ("standard", "topk"):
            let k = found.topK ?? found.activationKeywords?.topK
            guard let k, k > 0, k <= found.latents ?? 0 else {
                throw FeatureFault(
                    path,
                    "k: found \(k.map(String.init) ?? "none"), expected 1 … d_sae active latents"
                )
            }
            return .topK(k)
        default:
            throw FeatureFault(
                path,
                "architecture: found '\(found.architecture)' with activation '\(name)', expected 'standard' "
                    + "with 'relu', or 'topk'"
            )
        }
    }

    /// The layer boundary of a hook such as `blocks.3.hook_resid_post`.
    private static func layer(of found: Configuration, _ path: String) throws(FeatureFault) -> Int {
        let name = found.metadata?.hookName ?? found.hookName ?? ""
        let parts = name.split(separator: ".")
        if parts.count == 3, parts[0] == "blocks", let block = Int(parts[1]), (0..<1 << 16).contains(block) {
            if parts[2] == "hook_resid_post" { return block + 1 }
            if parts[2] == "hook_resid_pre" { return block }
        }
        throw FeatureFault(
            path,
            "hook_name: found '\(name)', expected 'blocks.<l>.hook_resid_post' or '….hook_resid_pre'"
        )
    }

    /// A matrix `[rows, columns]` as `[columns, rows]`.
    static func transposed(_ values: [Float], rows: Int, columns: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
            for row in 0..<rows {
                for column in 0..<columns { buffer[column * rows + row] = values[row * columns + column] }
            }
            count = values.count
        }
    }
}

/// `cfg.json`, as far as it is read and written. Versions up to 5 have the hook at the top, later ones in
/// `metadata`.
private struct Configuration: Codable {
    struct Metadata: Codable {
        var hookName: String?
        var modelName: String?

        enum CodingKeys: String, CodingKey {
            case hookName = "hook_name"
            case modelName = "model_name"
        }
    }

    struct Keywords: Codable {
        var topK: Int?
        enum CodingKeys: String, CodingKey { case topK = "k" }
    }

    var architecture: String
    var inputs: Int?
    var latents: Int?
    var type: String? = "float32"
    var device: String? = "cpu"
    var centresInput: Bool? = true
    var normalisation: String? = "none"
    var reshaping: String? = "none"
    var activation: String? = "relu"
    var activationKeywords: Keywords? = Keywords()
    var topK: Int?
    var hookName: String?
    var hookLayer: Int?
    var modelName: String?
    var metadata: Metadata?
    var activationScale: Float?
    var modelDigest: String?
    var quality: AutoencoderQuality?

    enum CodingKeys: String, CodingKey {
        case architecture, device, metadata
        case inputs = "d_in"
        case latents = "d_sae"
        case type = "dtype"
        case centresInput = "apply_b_dec_to_input"
        case normalisation = "normalize_activations"
        case reshaping = "reshape_activations"
        case activation = "activation_fn"
        case activationKeywords = "activation_fn_kwargs"
        case topK = "k"
        case hookName = "hook_name"
        case hookLayer = "hook_layer"
        case modelName = "model_name"
        case activationScale = "activation_scale"
        case modelDigest = "model_sha256"
        case quality
    }
}
