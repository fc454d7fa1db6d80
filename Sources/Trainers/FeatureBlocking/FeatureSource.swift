package import Contract
package import Models

/// Where features come from, as topologies say it: `embedded: tiny-personas` or `directory: PATH`.
package struct FeatureSource: Codable, Sendable, Equatable {
    /// The name of an embedded model that has features.
    package var embedded: String?
    /// Which layer of an embedded model; `FeatureSource.embeddedLayer` if not given.
    package var layer: Int?
    /// A folder that `tributary features discover` made; relative paths start from the topology's folder.
    package var directory: String?

    /// The layer of embedded features where none is said: the middle.
    package static let embeddedLayer = 2

    /// Names a source.
    package init(embedded: String? = nil, layer: Int? = nil, directory: String? = nil) {
        self.embedded = embedded
        self.layer = layer
        self.directory = directory
    }

    /// Checks that there is one source.
    package func validate() throws(SettingsFault) {
        let count = [embedded, directory].compactMap { $0 }.count
        try SettingsFault.require(
            count == 1,
            "",
            "found \(count) sets of features, expected one of embedded: NAME, directory: PATH"
        )
        try SettingsFault.require(
            layer == nil || embedded != nil,
            "layer",
            "found \(layer ?? 0) beside a directory, whose features say their layer themselves"
        )
    }

    /// The folder.
    ///
    /// - Throws: `SettingsFault` for an embedded model without features.
    package func folder(_ run: RunContext) throws -> String {
        if let directory { return run.absolutePath(directory) }
        let name = embedded ?? ""
        let layer = layer ?? Self.embeddedLayer
        guard EmbeddedModels.names.contains(name),
            let folder = try EmbeddedModels.features(of: name, layer: layer)
        else {
            throw SettingsFault(
                key: "embedded",
                reason: "found layer \(layer) of '\(name)', expected layer 1 or 2 of tiny-personas"
            )
        }
        return folder
    }

    /// The set, read once in a process.
    ///
    /// - Throws: `FeatureFault`, `CheckpointError`.
    package func features(_ run: RunContext) throws -> FeatureSet {
        let folder = try folder(run)
        return try run.shared.value("features of \(folder)") { try FeatureSet(folder: folder) }
    }

    /// The autoencoder that the features are of, where it lies in the folder too.
    ///
    /// - Throws: `FeatureFault` where it is of another model, or not the one that the features are of.
    package func autoencoder(_ run: RunContext, of base: BaseModel) throws -> SparseAutoencoder? {
        let folder = try folder(run) + "/\(FeatureSet.autoencoderName)"
        guard SAELensFolder.isThere(folder) else { return nil }
        let autoencoder = try run.shared.value("autoencoder of \(folder)") {
            try SAELensFolder.read(from: folder, for: base)
        }
        let digest = try features(run).autoencoder
        guard autoencoder.digest == digest else {
            throw FeatureFault(
                folder,
                "found autoencoder \(autoencoder.digest.prefix(12))…, the features are of \(digest.prefix(12))…"
            )
        }
        return autoencoder
    }
}
