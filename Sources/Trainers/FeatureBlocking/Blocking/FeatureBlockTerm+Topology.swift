internal import Contract
internal import Digest
internal import Models

/// `objectives: [blockFeatures: {…}]`, on any language trainer.
extension FeatureBlockTerm: AddedTerm {
    static let name = "blockFeatures"

    /// The settings behind `blockFeatures`.
    struct Settings: TrainerSettings {
        /// See `FeatureSource`.
        var embedded: String?
        /// See `FeatureSource`.
        var layer: Int?
        /// See `FeatureSource`.
        var directory: String?
        /// K, the best latents of the set; if not given all valid ones, or with `ratio` those that its penalty was measured for.
        var latents: Int?
        /// K, or its latents of one sign.
        var which = FeatureSet.Which.all
        /// λ; one of this and `ratio`.
        var weight: Double?
        /// r, in λ = r · (fall of the loss) / (penalty) of the run that the features were found on (our notes, section 5).
        var ratio: Double?
        /// Whether latents are read before or after their ReLU.
        var reading = LatentReading.activation
        /// Whether the safe direction is penalised too.
        var twoSided = false
        /// Whose states are held.
        var scope = Scope.answers
        /// Whether blocks above the layer get no adapter.
        var freezeAbove = false

        var source: FeatureSource { FeatureSource(embedded: embedded, layer: layer, directory: directory) }

        func validate() throws(SettingsFault) {
            try source.validate()
            let given = [weight, ratio].compactMap { $0 }
            try SettingsFault.require(
                given.count == 1,
                "",
                "found \(given.count) of weight and ratio, expected one"
            )
            for (key, value) in [("weight", weight), ("ratio", ratio)] {
                try SettingsFault.require(
                    value.map { $0 >= 0 && $0 <= 1e9 } ?? true,
                    key,
                    "found \(value ?? 0), expected 0 … 1000000000"
                )
            }
            try SettingsFault.require(
                (latents ?? 1) >= 1,
                "latents",
                "found \(latents ?? 0), expected 1 or more"
            )
        }

        /// K of a set.
        func rows(of set: FeatureSet) throws(SettingsFault) -> LatentRows {
            do {
                return try set.rows(
                    count: latents ?? (ratio == nil ? nil : set.calibrator?.count),
                    which: which
                )
            } catch {
                throw SettingsFault(key: "latents", reason: error.reason)
            }
        }

        /// λ.
        func weight(of set: FeatureSet) throws(SettingsFault) -> Double {
            if let weight { return weight }
            if let measured = set.calibrator {
                let (count, reading) = (latents ?? measured.count, reading)
                guard count == measured.count, reading == measured.reading, which == .all, !twoSided else {
                    throw SettingsFault(
                        key: "ratio",
                        reason: "was measured for the best \(measured.count) latents read as "
                            + "\(measured.reading.rawValue), on one side; set these, or weight"
                    )
                }
            }
            guard let weight = set.calibrator?.weight(ratio: ratio ?? 0) else {
                throw SettingsFault(
                    key: "ratio",
                    reason:
                        "needs what the misaligned run did, and the features do not say; set weight, or find them "
                        + "with `tributary features discover --narrow`"
                )
            }
            return weight
        }
    }

    /// Whether a run blocks features.
    static func isIn(_ run: RunContext) -> Bool { run.objectives.contains { $0.name == name } }

    /// Reads the set, where it can be read on this host, and checks K.
    static func check(_ settings: Settings, _ run: RunContext) throws {
        guard let set = try readable(settings, run) else { return }
        _ = try settings.rows(of: set)
        _ = try settings.weight(of: set)
    }

    /// The settings, with what the set holds in place of where it lies.
    static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> String {
        var settings = settings
        let set = try settings.source.features(run)
        let rows = try settings.rows(of: set)
        settings.weight = try settings.weight(of: set)
        settings.ratio = nil
        settings.embedded = rows.digest
        settings.directory = nil
        settings.layer = nil
        return String(decoding: try settings.json(), as: UTF8.self)
    }

    /// The blocks up to the layer, with `freezeAbove`.
    static func trainedBlocks(_ settings: Settings, _ run: RunContext) throws -> Range<Int>? {
        guard settings.freezeAbove, let set = try readable(settings, run) else { return nil }
        return 0..<set.layer
    }

    private static func readable(_ settings: Settings, _ run: RunContext) throws -> FeatureSet? {
        // A path of another host: whoever loads the model will say so.
        guard FeatureSet.isThere(try settings.source.folder(run)) else { return nil }
        return try settings.source.features(run)
    }

    init(_ settings: Settings, run: RunContext, task: LanguageTask) throws {
        let set = try settings.source.features(run)
        try set.check(task.base)
        self.init(
            try settings.rows(of: set),
            weight: try settings.weight(of: set),
            reading: settings.reading,
            isTwoSided: settings.twoSided,
            scope: settings.scope
        )
    }
}

extension LatentRows {
    /// A digest of what they are, for members to compare.
    var digest: String {
        let hash = SHA256()
        hash.update(Array("\(layer) \(indices) \(signs)".utf8))
        for values in [encoder, bias, decoder] { hash.update(FloatPayload.encode(values)) }
        return "sha256:\(hash.finish().description.prefix(16))"
    }
}
