/// Everything that is wrong with what a person wrote in a topology file, in the order of its lines.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    /// One thing that is wrong.
    public struct Problem: Sendable, Hashable {
        /// The line, from 1; nil where the file as a whole is meant.
        public var line: Int?
        /// The key with those it is in, such as `rounds.steps`; empty for the file as a whole.
        public var key: String
        /// What was found and what was expected.
        public var message: String

        /// Names a problem.
        public init(line: Int?, key: String, message: String) {
            self.line = line
            self.key = key
            self.message = message
        }
    }

    /// The file, as it was named.
    public let file: String
    /// What is wrong; never empty.
    public let problems: [Problem]

    /// Gathers problems and sorts them by line; those without a line come last.
    public init(file: String, problems: [Problem]) {
        precondition(!problems.isEmpty, "an error without a problem")
        self.file = file
        self.problems = problems.enumerated().sorted { left, right in
            let (first, second) = (left.element.line ?? Int.max, right.element.line ?? Int.max)
            return (first, left.offset) < (second, right.offset)
        }.map(\.element)
    }

    /// One line for each problem: `file:line: key 'rounds.steps': found …, expected …`.
    public var description: String {
        problems.map { problem in
            let place = problem.line.map { "\(file):\($0)" } ?? file
            let key = problem.key.isEmpty ? "" : "key '\(problem.key)': "
            return "\(place): \(key)\(problem.message)"
        }.joined(separator: "\n")
    }
}

/// What kind of fault an error is, for the exit code of a program (sysexits.h).
public enum FaultKind: Sendable, Equatable {
    /// Topology, settings or identity do not fit together (78).
    case configuration
    /// A file that is needed is not there (66).
    case missingInput
    /// A file or a message does not hold what it should (65).
    case data
    /// A file or folder cannot be made (73).
    case uncreatable
    /// Reading or writing failed on the way, as on a full disk (74).
    case inputOutput
}

/// An error about something that a person gave; a trainer's own errors can say so too.
public protocol GivenFault: Error {
    /// What kind of fault it is.
    var faultKind: FaultKind { get }
}

extension ConfigurationError: GivenFault {
    /// The configuration.
    public var faultKind: FaultKind { .configuration }
}

extension SettingsFault: GivenFault {
    /// The configuration.
    public var faultKind: FaultKind { .configuration }
}
