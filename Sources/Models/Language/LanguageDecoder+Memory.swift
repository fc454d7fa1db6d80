internal import Tensors

extension LanguageDecoder {
    /// About how many bytes of activations a recorded pass keeps of each token for the way back.
    package var activationBytesPerToken: Int {
        let model = adapter?.adapted ?? configuration
        let width = model.hiddenSize
        let floats = (0..<model.layerCount).reduce(0) { sum, layer in
            let shape = model.headShape(layer: layer)
            let kind = model.attention(layer: layer)
            let inputs = kind.inputs(shape).reduce(0) { $0 + $1.width }
            let ranks = adapter?.blocks[layer].pairs.values.reduce(0) { $0 + $1.a.rows } ?? 0
            let block = 2 * width + inputs + kind.outputWidth(shape) + 2 * model.intermediateSize + ranks
            return recomputes ? max(sum, block) : sum + block
        }
        return 4 * (floats + (recomputes ? model.layerCount * width : 0))
    }
}
