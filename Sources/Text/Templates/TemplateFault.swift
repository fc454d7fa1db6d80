/// What is wrong with a chat template, or with what it is to render, and in which line.
struct TemplateFault: Error, Equatable {
    /// The kinds of faults.
    enum Kind: Equatable {
        /// Not Jinja.
        case syntax
        /// Jinja that is not implemented here.
        case unsupported
        /// It cannot be rendered; also the template's own `raise_exception`.
        case failed
        /// It takes more than a template may.
        case limit
    }

    /// The kind.
    let kind: Kind
    /// The line of the template, from 1.
    let line: Int
    /// What was found.
    let found: String
    /// What would have done.
    let expected: String

    /// The fault of a file, for people.
    func error(in source: String) -> TokenizerError {
        let field = "chat template, line \(line)"
        switch kind {
        case .unsupported:
            return .unsupported(file: source, field: field, found: found, expected: expected)
        case .syntax, .failed, .limit:
            return .malformed(file: source, field: field, found: found, expected: expected)
        }
    }
}
