package import Contract

/// Why a tokenizer could not be made.
package enum TokenizerError: GivenFault, Equatable, CustomStringConvertible {
    /// Not what it should be.
    package var faultKind: FaultKind { .data }

    /// The file cannot be read.
    case unreadable(file: String, reason: String)
    /// The file is not what it says it is: `field` holds `found` where `expected` was needed.
    case malformed(file: String, field: String, found: String, expected: String)
    /// The file is a valid tokenizer of a kind this code does not implement.
    case unsupported(file: String, field: String, found: String, expected: String)

    /// One line that names file, field, what was found and what was expected.
    package var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file): cannot be read: \(reason)"
        case .malformed(let file, let field, let found, let expected):
            "\(file): \(field): found \(found), expected \(expected)"
        case .unsupported(let file, let field, let found, let expected):
            "\(file): \(field): \(found) is not supported, expected \(expected)"
        }
    }
}
