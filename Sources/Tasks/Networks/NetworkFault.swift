package import Contract

/// Why there is no network: a graph that makes no sense, or a file that does not hold one.
package enum NetworkFault: GivenFault, Equatable, CustomStringConvertible {
    /// Missing, or not what it should be.
    package var faultKind: FaultKind { if case .unreadable = self { .missingInput } else { .data } }

    /// A field of a graph or of its description makes no sense.
    case invalid(network: String, field: String, found: String, expected: String)
    /// The file cannot be read.
    case unreadable(file: String, reason: String)
    /// A line of a file, from 1, or the file as a whole, is not what was expected.
    case file(file: String, line: Int?, found: String, expected: String)

    /// One line that names file and line or network and field, what was found and what was expected.
    package var description: String {
        switch self {
        case .invalid(let network, let field, let found, let expected):
            "network '\(network)': \(field): found \(found), expected \(expected)"
        case .unreadable(let file, let reason):
            "\(file): cannot be read: \(reason)"
        case .file(let file, let line, let found, let expected):
            "\(file)\(line.map { ":\($0)" } ?? ""): found \(found), expected \(expected)"
        }
    }
}
