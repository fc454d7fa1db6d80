/// One score for each method that was run; nil for one that was not.
package struct MethodScores: Codable, Sendable, Equatable {
    /// The base model without an adapter.
    package var base: Score
    /// The federation as its topology describes it.
    package var federated: Score
    /// The same federation with nothing swapped in public steps.
    package var noSwap: Score?
    /// Every client on its own, the mean over clients.
    package var localOnly: Score?

    /// Gathers scores.
    package init(base: Score, federated: Score, noSwap: Score? = nil, localOnly: Score? = nil) {
        self.base = base
        self.federated = federated
        self.noSwap = noSwap
        self.localOnly = localOnly
    }
}
