package import Contract

/// An extra factor of HyperFeatureAttention on a model with softmax attention: in each block, head h's score becomes
///
///     (q_i · k_j / √D) · (1 + q'_i · k'_j / √r)        with q' = W' x of width r per head, k' likewise
///
/// W' of the queries starts at zero, so that the model is exactly what it was. The two maps of a block are the
/// adapter: C·r·(H + Hkv) values. After section 7 of our notes on arXiv:2506.06179, a reconstruction: the paper
/// trains its models from the start.
package struct FactorConfiguration: AdapterKind {
    package static let name = "hyperFeature"

    /// r, the columns of each head in the factor.
    package var rank = 8
    /// Whether the factor's queries and keys are turned by their positions too; needs an even rank.
    package var rotary = true

    /// Rank 8, rotary.
    package init() {}

    /// Makes a configuration.
    package init(rank: Int, rotary: Bool = true) {
        self.rank = rank
        self.rotary = rotary
    }

    /// Checks the rank.
    package func validate() throws(SettingsFault) {
        try SettingsFault.require((1...1024).contains(rank), "rank", "\(rank) is not between 1 and 1024")
        try SettingsFault.require(
            !rotary || rank.isMultiple(of: 2),
            "rank",
            "\(rank) is odd; a rotary factor needs pairs"
        )
    }

    private var attention: HyperFeatureAttention {
        HyperFeatureAttention(order: 2, factorSize: rank, rotaryFactors: rotary)
    }

    package func adapted(_ model: DecoderConfiguration) throws(AdapterError) -> DecoderConfiguration {
        try AdapterError.checking(self)
        for layer in 0..<model.layerCount where !(model.attention(layer: layer) is SoftmaxAttention) {
            throw .badConfiguration(key: "kind", detail: "block \(layer) has no softmax attention")
        }
        let adapted = model.with(attention: [attention])
        for layer in 0..<model.layerCount {
            guard let fault = adapted.fault(of: attention, layer: layer) else { continue }
            throw .badConfiguration(key: "kind", detail: "block \(layer): \(fault)")
        }
        return adapted
    }

    package func arrays(of model: DecoderConfiguration) throws(AdapterError) -> [AdapterArray] {
        let adapted = try adapted(model)
        return (0..<model.layerCount).flatMap { layer in
            let known = Set(model.modules(layer: layer).map(\.name))
            return adapted.modules(layer: layer).filter { !known.contains($0.name) }.map { module in
                let bound = module.initialScale / Double(module.columns).squareRoot()
                return AdapterArray(
                    CheckpointNames.weight(module, layer: layer),
                    [module.rows, module.columns],
                    .averaged,
                    at: .module(layer: layer, module: module.name),
                    from: bound > 0 ? .uniform(bound: bound) : .zeros
                )
            }
        }
    }
}
