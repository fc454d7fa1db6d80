internal import Contract

/// A term that a topology adds to a language trainer's own objective, by name: `objectives: [{klToBase: …}]`.
///
/// A term of one's own is one file in `Objectives/` and one line in `ObjectiveTerms.all`.
protocol AddedTerm: ObjectiveTerm, SendableMetatype {
    /// The mapping behind its name.
    associatedtype Settings: TrainerSettings
    /// The word that names the term in a topology file.
    static var name: String { get }
    /// Checks what can be checked without the model, such as files that the settings name; what cannot be read where this
    /// runs is left alone. Without this function the settings alone are checked.
    static func check(_ settings: Settings, _ run: RunContext) throws
    /// Checks what needs the model, as making the term does, but without the work of it. Without this function nothing.
    static func examine(_ settings: Settings, _ run: RunContext, _ task: LanguageTask) throws
    /// What all members must agree on. Without this function it is the settings.
    static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> String
    /// The blocks that may be trained, where the term leaves others as they are; nil for all. Without this function, all.
    static func trainedBlocks(_ settings: Settings, _ run: RunContext) throws -> Range<Int>?
    /// Makes the term.
    ///
    /// - Throws: `SettingsFault` where the settings do not fit the model.
    init(_ settings: Settings, run: RunContext, task: LanguageTask) throws
}

extension AddedTerm {
    static func check(_ settings: Settings, _ run: RunContext) throws {}
    static func examine(_ settings: Settings, _ run: RunContext, _ task: LanguageTask) throws {}
    static func fingerprint(_ settings: Settings, _ run: RunContext) throws -> String {
        String(decoding: try settings.json(), as: UTF8.self)
    }
    static func trainedBlocks(_ settings: Settings, _ run: RunContext) throws -> Range<Int>? { nil }
}

/// One added term with its types erased.
struct AddedTermEntry: Sendable {
    let name: String
    /// Reads and checks the settings.
    let check: @Sendable (Mapping, RunContext) throws -> Void
    /// Reads the settings and fills their defaults in.
    let completed: @Sendable (Mapping) throws -> Mapping
    /// Checks what needs the model.
    let examine: @Sendable (Mapping, RunContext, LanguageTask) throws -> Void
    /// What all members must agree on.
    let fingerprint: @Sendable (Mapping, RunContext) throws -> String
    /// The blocks that may be trained; nil for all.
    let trainedBlocks: @Sendable (Mapping, RunContext) throws -> Range<Int>?
    /// Makes the term.
    let make: @Sendable (Mapping, RunContext, LanguageTask) throws -> any ObjectiveTerm

    init<Term: AddedTerm>(_ term: Term.Type) {
        name = Term.name
        check = { mapping, run in try mapping.read(Term.Settings.self) { try Term.check($0, run) } }
        completed = { mapping in
            try mapping.read(Term.Settings.self) { try Mapping(json: $0.json(), file: mapping.file) }
        }
        examine = { mapping, run, task in
            try mapping.read(Term.Settings.self) { try Term.examine($0, run, task) }
        }
        fingerprint = { mapping, run in
            try mapping.read(Term.Settings.self) { try Term.fingerprint($0, run) }
        }
        trainedBlocks = { mapping, run in
            try mapping.read(Term.Settings.self) { try Term.trainedBlocks($0, run) }
        }
        make = { mapping, run, task in
            try mapping.read(Term.Settings.self) { try Term($0, run: run, task: task) }
        }
    }
}

/// The terms that can be added to any language trainer.
enum ObjectiveTerms {
    /// All terms, by name.
    static let all: [AddedTermEntry] = [
        AddedTermEntry(KLToBaseTerm.self),
        AddedTermEntry(KLOnPromptsTerm.self),
        AddedTermEntry(FeatureBlockTerm.self),
        AddedTermEntry(PreventativeSteeringTerm.self),
        AddedTermEntry(ProjectionTerm.self),
    ]

    /// The entry of a component.
    ///
    /// - Throws: `ConfigurationError` naming the terms there are.
    static func entry(_ component: Component) throws -> AddedTermEntry {
        guard let entry = all.first(where: { $0.name == component.name }) else {
            let known = all.map(\.name).sorted().joined(separator: ", ")
            throw component.settings.error(
                "",
                "found the objective '\(component.name)', expected one of \(known)"
            )
        }
        return entry
    }
}
