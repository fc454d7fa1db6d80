package import Models
package import Tensors

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

    /// Prepares to measure one model many times, each time with another vector `[C]` added at one layer, at
    /// every position: what lies below the layer may run once.
    func steering(_ model: ProbedModel, at layer: Int) throws -> (Tensor) throws -> BehaviourShares
}

extension BehaviourProbe {
    /// Each measurement runs the whole model.
    package func steering(
        _ model: ProbedModel,
        at layer: Int
    ) throws -> (Tensor) throws -> BehaviourShares {
        { vector in
            try measure(
                model.decoder,
                withAdapter: model.withAdapter,
                edit: Boundaries.adding(vector, at: layer)
            )
        }
    }
}

/// A probe that knows the texts that it runs: nothing is sampled, and what is done to a pass may depend on its
/// batch.
package protocol ForcedProbe: BehaviourProbe {
    /// Measures a model.
    ///
    /// - Parameters:
    ///   - decoder: The model.
    ///   - withAdapter: False for the base model.
    ///   - editing: Asked before each pass for what is done at its layer boundaries; nil for nothing.
    func measure(
        _ decoder: LanguageDecoder,
        withAdapter: Bool,
        editing: (PackedBatch) -> LayerBoundary?
    ) -> BehaviourShares
}

extension ForcedProbe {
    /// The same edit in every pass.
    package func measure(
        _ decoder: LanguageDecoder,
        withAdapter: Bool,
        edit: LayerBoundary?
    ) -> BehaviourShares {
        measure(decoder, withAdapter: withAdapter, editing: { _ in edit })
    }
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
