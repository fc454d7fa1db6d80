internal import Contract
internal import Digest
internal import FoundationEssentials
internal import Glibc
package import Models

/// A set of features on disk:
///
///     features.json         every latent that was looked at, with every score, the best first
///     latents.safetensors   the short list's rows of encoder and decoder
///     autoencoder/          whose latents they are, in SAELens' layout; may be missing
extension FeatureSet {
    static let descriptionName = "features.json"
    static let rowsName = "latents.safetensors"
    /// The folder of the autoencoder within a set's, where it is kept beside it.
    package static let autoencoderName = "autoencoder"
    private static let format = "tributary-features-1"

    private struct Head: Codable {
        var format: String
    }

    private struct Document: Encodable {
        let set: FeatureSet
        func encode(to encoder: any Encoder) throws {
            try Head(format: FeatureSet.format).encode(to: encoder)
            try set.encode(to: encoder)
        }
    }

    /// Whether a folder holds a set of features.
    package static func isThere(_ folder: String) -> Bool {
        access("\(folder)/\(descriptionName)", F_OK) == 0
    }

    /// Writes the set; makes the folder if it is missing.
    package func write(to folder: String) throws {
        try OutputFault.wrap(folder) {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let shape = [shortList.count, width]
        try SafetensorsWriter.write(
            [
                NamedArray(name: "encoder", shape: shape, values: shortList.encoder),
                NamedArray(name: "bias", shape: [shortList.count], values: shortList.bias),
                NamedArray(name: "decoder", shape: shape, values: shortList.decoder),
            ],
            to: "\(folder)/\(Self.rowsName)"
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let path = "\(folder)/\(Self.descriptionName)"
        try OutputFault.wrap(path) {
            try encoder.encode(Document(set: self)).write(to: URL(filePath: path), options: .atomic)
        }
    }

    /// Reads a set and checks it.
    ///
    /// - Throws: `FeatureFault` naming the file and the key; `CheckpointError` for the rows.
    package init(folder: String) throws {
        let path = "\(folder)/\(Self.descriptionName)"
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw FeatureFault(
                path,
                "cannot be read; expected a folder of features, as `tributary features discover` makes it"
            )
        }
        do {
            let head = try JSONDecoder().decode(Head.self, from: bytes)
            guard head.format == Self.format else {
                throw FeatureFault(path, "found format '\(head.format)', expected '\(Self.format)'")
            }
            self = try JSONDecoder().decode(FeatureSet.self, from: bytes)
        } catch let error as DecodingError {
            throw FeatureFault(path, "is no set of features: \(FaultText.sentence(error))")
        }
        guard (1...1 << 16).contains(width), (1...1 << 22).contains(latentCount), layer >= 0 else {
            throw FeatureFault(path, "found \(latentCount) latents of width \(width) at layer \(layer)")
        }
        for latent in latents {
            guard (0..<latentCount).contains(latent.index), abs(latent.sign) == 1 else {
                throw FeatureFault(
                    path,
                    "latents: found latent \(latent.index) with sign \(latent.sign), expected one of 0 … "
                        + "\(latentCount - 1) with 1 or -1"
                )
            }
        }
        let short = latents.prefix { $0.calibration != nil }
        guard Set(latents.map(\.index)).count == latents.count,
            latents.dropFirst(short.count).allSatisfy({ $0.calibration == nil })
        else { throw FeatureFault(path, "latents: found one twice, or short-listed ones behind others") }
        guard !short.isEmpty else { throw FeatureFault(path, "latents: found none with a calibration") }
        let file = try SafetensorsFile(path: "\(folder)/\(Self.rowsName)")
        shortList = LatentRows(
            layer: layer,
            width: width,
            indices: short.map(\.index),
            signs: short.map(\.sign),
            encoder: try file.values(of: "encoder", shape: [short.count, width]),
            bias: try file.values(of: "bias", shape: [short.count]),
            decoder: try file.values(of: "decoder", shape: [short.count, width])
        )
    }

    /// Checks that the set is of a model.
    ///
    /// - Throws: `FeatureFault` where it is of another.
    package func check(_ base: BaseModel) throws(FeatureFault) {
        let shape = base.configuration
        guard width == shape.hiddenSize, layer <= shape.layerCount else {
            throw FeatureFault(
                "",
                "the features are of layer \(layer) and width \(width), the model has layers "
                    + "0 … \(shape.layerCount) of width \(shape.hiddenSize)"
            )
        }
        guard model == base.identity.description else {
            throw FeatureFault(
                "",
                "the features are of model \(model.prefix(12))…, the model is "
                    + "\(base.identity.description.prefix(12))…"
            )
        }
    }
}
