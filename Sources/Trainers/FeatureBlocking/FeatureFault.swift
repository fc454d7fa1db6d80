package import Contract

/// What is wrong with an autoencoder, a set of features, or the data that they are found with.
package struct FeatureFault: GivenFault, Equatable, CustomStringConvertible {
    /// A file that does not hold what it should.
    package var faultKind: FaultKind { .data }
    /// The folder or file; empty where none is meant.
    package var path: String
    /// What was found and what was expected.
    package var reason: String

    /// Names a fault.
    package init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The fault in words.
    package var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
