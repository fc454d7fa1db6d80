package import Contract
internal import Tensors

extension GraphTransformer {
    /// A copy of the trained arrays.
    package var weights: AdapterWeights {
        AdapterWeights(
            zip(layout.entries, parameters).map { entry, tensor in
                NamedArray(
                    name: entry.name,
                    shape: entry.shape,
                    values: tensor.toArray(),
                    part: entry.part
                )
            }
        )
    }

    /// Takes over trained arrays.
    ///
    /// - Throws: `AdapterFault` naming the first array that is missing, unknown or of another shape; the model is
    ///   unchanged then.
    package func load(_ weights: AdapterWeights) throws(AdapterFault) {
        try layout.check(weights.layout)
        for (tensor, array) in zip(parameters, weights.arrays) {
            _ = tensor.values.update(fromContentsOf: array.values)
        }
    }

    /// Changes the last map so that outputs become `factor · output + offset`, such as when a critic's values are
    /// given another unit.
    package func rescaleOutputs(by factor: Double, adding offset: Double) {
        let (weight, bias) = (self["head.1.weight"].values, self["head.1.bias"].values)
        for index in weight.indices { weight[index] = Float(Double(weight[index]) * factor) }
        for index in bias.indices { bias[index] = Float(Double(bias[index]) * factor + offset) }
    }
}
