/// Everything that is wrong with a topology file, in the order of its lines.
public struct TopologyError: Error, Hashable, CustomStringConvertible {
    /// One thing that is wrong.
    public struct Problem: Sendable, Hashable {
        /// The line, from 1; nil where the file as a whole is meant.
        public var line: Int?
        /// The key with those it is in, such as `rounds.steps`; empty for the file as a whole.
        public var key: String
        /// What was found and what was expected.
        public var message: String
    }

    /// The file, as it was named.
    public let file: String
    /// What is wrong; never empty.
    public let problems: [Problem]

    /// One line for each problem: `file:line: key 'rounds.steps': found …, expected …`.
    public var description: String {
        problems.map { problem in
            let place = problem.line.map { "\(file):\($0)" } ?? file
            let key = problem.key.isEmpty ? "" : "key '\(problem.key)': "
            return "\(place): \(key)\(problem.message)"
        }.joined(separator: "\n")
    }
}

/// Collects the problems of one file, so that a reader can report all of them at once.
final class ProblemLog {
    let file: String
    private(set) var problems: [TopologyError.Problem] = []

    init(file: String) { self.file = file }

    func add(line: Int?, key: String, _ message: String) {
        problems.append(TopologyError.Problem(line: line, key: key, message: message))
    }

    func throwIfAny() throws(TopologyError) {
        guard !problems.isEmpty else { return }
        let ordered = problems.enumerated().sorted { left, right in
            let (first, second) = (left.element.line ?? Int.max, right.element.line ?? Int.max)
            return (first, left.offset) < (second, right.offset)
        }
        throw TopologyError(file: file, problems: ordered.map(\.element))
    }
}
