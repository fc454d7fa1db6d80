package import Models

/// Finds out what a model does on prompts of its own.
package protocol BehaviourProbe {
    /// Measures a model, as it is or with its residual stream changed.
    ///
    /// - Parameters:
    ///   - decoder: The model.
    ///   - withAdapter: False for the base model.
    ///   - edit: What is done at layer boundaries, at every position; nil for nothing.
    /// - Returns: Shares of all prompts.
    func measure(
        _ decoder: LanguageDecoder,
        withAdapter: Bool,
        edit: LayerBoundary?
    ) throws -> BehaviourShares
}

/// A model to be probed: a decoder with its adapter or without.
package struct ProbedModel {
    /// The decoder.
    package let decoder: LanguageDecoder
    /// Whether the adapter is on.
    package let withAdapter: Bool

    /// Names a model.
    package init(_ decoder: LanguageDecoder, withAdapter: Bool) {
        self.decoder = decoder
        self.withAdapter = withAdapter
    }
}
