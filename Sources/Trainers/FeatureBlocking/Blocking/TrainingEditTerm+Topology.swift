internal import Contract
internal import Models

/// What rivals that a topology can name have in common: features, and how many of the best latents they use.
protocol EditSettings: TrainerSettings {
    /// See `FeatureSource`.
    var embedded: String? { get set }
    /// See `FeatureSource`.
    var layer: Int? { get set }
    /// See `FeatureSource`.
    var directory: String? { get set }
    /// How many of the best latents.
    var latents: Int { get }
}

extension EditSettings {
    private var source: FeatureSource {
        FeatureSource(embedded: embedded, layer: layer, directory: directory)
    }

    func validateLatents() throws(SettingsFault) {
        try source.validate()
        try SettingsFault.require(latents >= 1, "latents", "found \(latents), expected 1 or more")
    }

    /// The set and the rows of its best latents.
    func features(_ run: RunContext) throws -> (set: FeatureSet, rows: LatentRows) {
        let set = try source.features(run)
        do {
            return (set, try set.rows(count: latents))
        } catch {
            throw SettingsFault(key: "latents", reason: error.reason)
        }
    }

    /// The settings, with what the set holds in place of where it lies.
    func fingerprint(_ run: RunContext) throws -> String {
        var settings = self
        settings.embedded = try features(run).rows.digest
        (settings.layer, settings.directory) = (nil, nil)
        return String(decoding: try settings.json(), as: UTF8.self)
    }
}

/// `objectives: [preventativeSteering: {…}]`; see `TrainingEditTerm`.
struct PreventativeSteeringTerm: AddedTerm {
    static let name = "preventativeSteering"

    /// The settings behind `preventativeSteering`.
    struct Settings: EditSettings {
        var embedded: String?
        var layer: Int?
        var directory: String?
        var latents = 1
        /// How far states are pushed while training, in median state lengths.
        var strength = 0.5

        func validate() throws(SettingsFault) {
            try validateLatents()
            try SettingsFault.require(
                strength > 0 && strength <= 100,
                "strength",
                "found \(strength), expected more than 0 and at most 100"
            )
        }
    }

    private var inner: TrainingEditTerm

    static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> String {
        try settings.fingerprint(run)
    }

    init(_ settings: Settings, run: RunContext, task: LanguageTask) throws {
        let (set, rows) = try settings.features(run)
        try set.check(task.base)
        inner = TrainingEditTerm(steeringAlong: rows, length: settings.strength * set.steeringScale)
    }

    var edit: LayerBoundary? { inner.edit }
    mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue { inner.evaluate(pass) }
}

/// `objectives: [projectOut: {…}]`; see `TrainingEditTerm`.
struct ProjectionTerm: AddedTerm {
    static let name = "projectOut"

    /// The settings behind `projectOut`.
    struct Settings: EditSettings {
        var embedded: String?
        var layer: Int?
        var directory: String?
        var latents = 1

        func validate() throws(SettingsFault) { try validateLatents() }
    }

    private var inner: TrainingEditTerm

    static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> String {
        try settings.fingerprint(run)
    }

    init(_ settings: Settings, run: RunContext, task: LanguageTask) throws {
        let (set, rows) = try settings.features(run)
        try set.check(task.base)
        inner = TrainingEditTerm(projectingOut: rows)
    }

    var edit: LayerBoundary? { inner.edit }
    mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue { inner.evaluate(pass) }
}
