internal import Contract

/// Every weight of the decoder: federated full fine-tuning, for small models. The arrays are the weights
/// themselves under their checkpoint names, and a merge averages them.
package struct WholeConfiguration: AdapterKind {
    package static let name = "whole"

    /// Everything.
    package init() {}

    package func arrays(of model: DecoderConfiguration) throws(AdapterError) -> [AdapterArray] {
        var arrays: [AdapterArray] = []
        func add(_ name: String, _ shape: [Int], _ place: AdapterArray.Place? = nil) {
            arrays.append(AdapterArray(name, shape, .averaged, at: place ?? .weight(name), from: .base))
        }
        let (hidden, vocabulary) = (model.hiddenSize, model.vocabularySize)
        add(CheckpointNames.embedding, [vocabulary, hidden])
        add(CheckpointNames.finalNorm, [hidden])
        if !model.tiesEmbedding { add(CheckpointNames.head, [vocabulary, hidden]) }
        for layer in 0..<model.layerCount {
            for vector in model.vectors(layer: layer) { add(vector.path(layer: layer), [vector.count]) }
            for module in model.modules(layer: layer) {
                add(
                    CheckpointNames.weight(module, layer: layer),
                    [module.rows, module.columns],
                    .module(layer: layer, module: module.name)
                )
            }
        }
        return arrays
    }
}
