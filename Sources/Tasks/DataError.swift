package import Contract

/// Why questions could not be read.
package enum DataError: GivenFault, Equatable, CustomStringConvertible {
    /// Missing, or not what it should be.
    package var faultKind: FaultKind { if case .unreadable = self { .missingInput } else { .data } }

    /// Where in a file a record is.
    package enum Place: Sendable, Equatable, CustomStringConvertible {
        /// A line, from 1.
        case line(Int)
        /// An element of an array, from 1.
        case record(Int)
        /// A member of an object.
        case key(String)

        /// The place in words.
        package var description: String {
            switch self {
            case .line(let line): "line \(line)"
            case .record(let record): "record \(record)"
            case .key(let key): "record '\(key)'"
            }
        }
    }

    /// The file cannot be read.
    case unreadable(file: String, reason: String)
    /// The file, or a line of it, is longer than allowed.
    case tooLong(file: String, place: Place?, bytes: Int, limit: Int)
    /// The file is not UTF-8.
    case encoding(file: String, ForeignEncoding)
    /// A record's field is not what its layout needs.
    case record(file: String, place: Place, field: String, found: String, expected: String)
    /// The file as a whole is not what was expected.
    case layout(file: String, found: String, expected: String)
    /// A setting does not fit the file.
    case settings(file: String, field: String, found: String, expected: String)

    /// One line that names file, place, field, what was found and what was expected.
    package var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file): cannot be read: \(reason)"
        case .tooLong(let file, let place, let bytes, let limit):
            "\(file): \(place.map { "\($0): " } ?? "")\(bytes) bytes, more than the limit of \(limit)"
        case .encoding(let file, let foreign):
            "\(file): \(foreign.line.map { "line \($0): " } ?? "")found \(foreign.found), expected "
                + foreign.remedy(for: file)
        case .record(let file, let place, let field, let found, let expected):
            "\(file): \(place): \(field): found \(found), expected \(expected)"
        case .layout(let file, let found, let expected):
            "\(file): found \(found), expected \(expected)"
        case .settings(let file, let field, let found, let expected):
            "\(file): \(field): found \(found), expected \(expected)"
        }
    }
}
