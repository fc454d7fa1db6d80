package import Contract
internal import Tensors

/// The sizes and kinds of a ``GraphTransformer``. Defaults are those of our calibrated prototype.
package struct GraphTransformerConfiguration: TrainerSettings, Hashable {
    /// F, what a node shows to others; at least 1.
    package var features = 1
    /// G, what only the node itself sees.
    package var ownFeatures = 0
    /// d.
    package var width = 24
    /// H, a divisor of `width`, in both kinds of layers.
    package var heads = 4
    /// The hidden width of a transformer layer's feed-forward part.
    package var inner = 48
    /// The layers of attention over neighbours.
    package var graphLayers = 1
    /// The transformer layers, over all nodes within reach.
    package var layers = 1
    /// κ: a node's output depends on nodes up to so many hops away; nil for all of its graph.
    package var receptiveField: Int?
    /// How the nodes of a transformer layer look at each other.
    package var attention = AnyAttention.softmax
    /// The radii of the nested balls that distance biases start as: -2 max(0, hops - r), the heads taking the
    /// radii in turn.
    package var balls = [1, 2, 3, 9]
    /// How many values there are for each node or graph.
    package var outputs = 1
    /// What the last map's fresh weights are multiplied by.
    package var outputScale = 1.0
    /// What the outputs are of.
    package var pooling = Pooling.none

    /// What the outputs are of.
    package enum Pooling: String, Sendable, Hashable, Codable, CaseIterable {
        /// Each node.
        case none
        /// Each graph: of the mean over its nodes.
        case mean
    }

    /// The defaults.
    package init() {}

    /// The defaults for given features.
    package init(features: Int, ownFeatures: Int = 0) {
        self.features = features
        self.ownFeatures = ownFeatures
    }

    /// Checks ranges and combinations.
    package func validate() throws(SettingsFault) {
        for (key, value, range) in [
            ("features", features, 1...4096), ("ownFeatures", ownFeatures, 0...4096),
            ("width", width, 1...1024), ("heads", heads, 1...64), ("inner", inner, 1...4096),
            ("graphLayers", graphLayers, 0...16), ("layers", layers, 0...16), ("outputs", outputs, 1...1024),
        ] {
            try SettingsFault.require(
                range.contains(value),
                key,
                "found \(value), expected \(range.lowerBound) … \(range.upperBound)"
            )
        }
        try SettingsFault.require(
            width % heads == 0,
            "heads",
            "found \(heads), expected a divisor of the width \(width)"
        )
        try SettingsFault.require(
            !balls.isEmpty && balls.allSatisfy { (0...GraphStructure.hopsMax).contains($0) },
            "balls",
            "found \(balls), expected at least one radius, each 0 … \(GraphStructure.hopsMax)"
        )
        try SettingsFault.require(
            outputScale.isFinite && outputScale >= 0,
            "outputScale",
            "found \(outputScale), expected at least 0"
        )
        try SettingsFault.require(
            pooling == .none || ownFeatures == 0,
            "pooling",
            "found mean with \(ownFeatures) ownFeatures, expected none: a pooled output has no own node"
        )
        if let fault = attention.kind.fault(shape) {
            throw SettingsFault(key: "attention", reason: fault)
        }
        guard let receptiveField else { return }
        try SettingsFault.require(
            receptiveField >= graphLayers,
            "receptiveField",
            "found \(receptiveField), expected at least the \(graphLayers) graphLayers"
        )
        // 9 hops stand for all larger distances, so that a limit of 9 would be none.
        let farthest = (0..<layers).compactMap(reach(layer:)).max() ?? 0
        try SettingsFault.require(
            farthest < GraphStructure.hopsMax,
            "receptiveField",
            "found \(receptiveField), which leaves a layer \(farthest) hops; expected at most "
                + "\(GraphStructure.hopsMax - 1) for each"
        )
    }

    /// The sizes of a transformer layer's attention.
    var shape: HeadShape {
        HeadShape(hiddenSize: width, heads: heads, keyValueHeads: heads, headSize: width / max(1, heads))
    }

    /// How many hops a transformer layer sees: its share of what the graph layers leave of the receptive field; nil
    /// for all nodes.
    func reach(layer: Int) -> Int? {
        receptiveField.map { field in
            let rest = max(0, field - graphLayers)
            return rest / layers + (layer < rest % layers ? 1 : 0)
        }
    }

    /// Whether graphs need distances: for a limited reach or biases.
    package var usesHops: Bool { layers > 0 && (receptiveField != nil || attention.kind.takesBias) }
}
