internal import Contract
internal import Models

/// A term that a topology adds to a language trainer's own objective, by name: `objectives: [{klToBase: …}]`.
///
/// A term of one's own is one file in `Objectives/` and one line in `ObjectiveTerms.all`.
protocol AddedTerm: ObjectiveTerm, SendableMetatype {
    /// The mapping behind its name.
    associatedtype Settings: TrainerSettings
    /// The word that names the term in a topology file.
    static var name: String { get }
    /// Makes the term.
    ///
    /// - Throws: `SettingsFault` where the settings do not fit the model.
    init(_ settings: Settings, model: DecoderConfiguration) throws
}

/// One added term with its types erased.
struct AddedTermEntry: Sendable {
    let name: String
    /// Reads and checks the settings alone.
    let check: @Sendable (Mapping) throws -> Void
    /// Makes the term.
    let make: @Sendable (Mapping, DecoderConfiguration) throws -> any ObjectiveTerm

    init<Term: AddedTerm>(_ term: Term.Type) {
        name = Term.name
        check = { try $0.read(Term.Settings.self) { _ in } }
        make = { mapping, model in try mapping.read(Term.Settings.self) { try Term($0, model: model) } }
    }
}

/// The terms that can be added to any language trainer.
enum ObjectiveTerms {
    /// All terms, by name.
    static let all: [AddedTermEntry] = [
        AddedTermEntry(KLToBaseTerm.self)
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
