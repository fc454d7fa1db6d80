package import Contract
internal import Tensors

extension GraphTransformer {
    /// Keys of a file's metadata.
    private enum Key {
        static let format = "format"
        static let configuration = "graphTransformer"
        static let rank = "rank"
        static let alpha = "alpha"
    }

    /// Copies of all weights and factors, trained or not.
    package var arrays: [NamedArray] {
        let parts = Dictionary(uniqueKeysWithValues: layout.entries.map { ($0.name, $0.part) })
        return tensors.map { name, tensor in
            NamedArray(
                name: name,
                shape: tensor.shape,
                values: tensor.toArray(),
                part: parts[name] ?? .averaged
            )
        }
    }

    /// Writes all weights as safetensors, with the configuration in the metadata: whole or not at all. The same model
    /// gives the same bytes.
    ///
    /// - Parameter path: The file.
    /// - Throws: `CheckpointError`.
    package func write(to path: String) throws(CheckpointError) {
        var metadata = [Key.format: "pt"]
        do {
            metadata[Key.configuration] = String(decoding: try configuration.json(), as: UTF8.self)
        } catch {
            throw .malformed(
                file: path,
                offset: nil,
                detail: "the configuration cannot be written: \(FaultText.sentence(error))"
            )
        }
        if case .lowRank(let rank, let alpha) = adaptation {
            (metadata[Key.rank], metadata[Key.alpha]) = ("\(rank)", "\(alpha)")
        }
        try SafetensorsWriter.write(arrays, metadata: metadata, to: path)
    }

    /// Reads a model that ``write(to:)`` wrote.
    ///
    /// - Parameter path: The file.
    /// - Throws: `CheckpointError` for a file that is no such model, or lacks a weight, or has one of another shape or
    ///   one that the configuration does not have.
    package convenience init(path: String) throws(CheckpointError) {
        let file = try SafetensorsFile(path: path)
        guard let json = file.metadata[Key.configuration] else {
            throw .badKey(
                file: path,
                key: Key.configuration,
                detail: "is missing in the metadata: the file holds no graph transformer"
            )
        }
        var adaptation = GraphAdaptation.dense
        if let rank = file.metadata[Key.rank], let alpha = file.metadata[Key.alpha] {
            guard let rank = Int(rank), let alpha = Double(alpha) else {
                throw .badKey(
                    file: path,
                    key: Key.rank,
                    detail: "'\(rank)' with alpha '\(alpha)' are no numbers"
                )
            }
            adaptation = .lowRank(rank: rank, alpha: alpha)
        }
        do {
            let configuration = try GraphTransformerConfiguration(json: Array(json.utf8))
            try self.init(configuration, seed: 0, adaptation: adaptation)
        } catch {
            throw .badKey(file: path, key: Key.configuration, detail: "\(error)")
        }
        if let name = file.names.first(where: { tensors[$0] == nil }) {
            throw .malformed(
                file: path,
                offset: nil,
                detail: "tensor '\(name)' is none of the configuration's weights"
            )
        }
        for (name, tensor) in tensors {
            _ = tensor.values.update(fromContentsOf: try file.values(of: name, shape: tensor.shape))
        }
    }
}
