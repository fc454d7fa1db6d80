internal import Tensors

extension LanguageDecoder {
    /// The residual stream of some rows at a layer boundary; the model runs no further up than that. Not differentiable.
    ///
    /// - Parameters:
    ///   - batch: Prompts and responses.
    ///   - layer: The boundary: 0 after the embedding, l + 1 after block l.
    ///   - rows: Which rows; nil for all.
    ///   - withAdapter: False gives the base model's states.
    ///   - boundary: Changes the residual stream on the way.
    /// - Returns: `[rows, C]`.
    package func states(
        of batch: PackedBatch,
        layer: Int,
        rows: [Int32]? = nil,
        withAdapter: Bool = true,
        boundary: LayerBoundary? = nil
    ) -> [Float] {
        let tape = Tape(recording: false, workspace: workspace)
        let states = states(
            tape: tape,
            batch: batch,
            withAdapter: withAdapter,
            boundary: boundary,
            blocks: layer
        )
        guard let rows else { return states.toArray() }
        return tape.gatherRows(states, rows: rows).toArray()
    }

    /// The residual stream that the response tokens are predicted from `[M, C]`.
    package func predictorStates(of batch: PackedBatch, layer: Int, withAdapter: Bool = true) -> [Float] {
        states(of: batch, layer: layer, rows: batch.predictors, withAdapter: withAdapter)
    }
}
