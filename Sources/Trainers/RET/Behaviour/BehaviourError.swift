package import Contract

/// Why a behaviour cannot be predicted from what was given.
package enum BehaviourError: GivenFault, Equatable, CustomStringConvertible {
    /// What was given does not allow it.
    package var faultKind: FaultKind { .data }

    /// All labels are the same, so there is nothing to tell apart.
    ///
    /// - Parameters:
    ///   - where: Whose labels, as "the training labels".
    ///   - label: The label that all have.
    ///   - count: How many there are.
    case oneClass(where: String, label: Bool, count: Int)
    /// Fewer prompts of a label than folds need.
    case tooFew(where: String, label: Bool, prompts: Int, needed: Int)
    /// Two lists that go together have different lengths.
    case unequal(where: String, found: Int, expected: Int)
    /// A feature or a score is not a finite number.
    case notFinite(where: String, row: Int)

    /// One line that names what was found and what was expected.
    package var description: String {
        switch self {
        case .oneClass(let place, let label, let count):
            "\(place): found only the label \(label ? 1 : 0) (\(count) times), expected both 0 and 1"
        case .tooFew(let place, let label, let prompts, let needed):
            "\(place): found \(prompts) prompt\(prompts == 1 ? "" : "s") with the label \(label ? 1 : 0), "
                + "expected at least \(needed)"
        case .unequal(let place, let found, let expected):
            "\(place): found \(found), expected \(expected)"
        case .notFinite(let place, let row):
            "\(place): row \(row + 1) has a value that is not a finite number"
        }
    }
}
