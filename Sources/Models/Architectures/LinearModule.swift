/// A linear map of a decoder block, as the block's attention kind or its feed-forward layer declares it.
package struct LinearModule: Hashable, Sendable {
    /// Its name within the block, such as `q_proj`: what attention kinds ask for and adapters' targets say.
    package let name: String
    /// The part of the block it stands in: `self_attn` or `mlp`.
    package let group: String
    /// The outputs.
    package let rows: Int
    /// The inputs.
    package let columns: Int
    /// What a fresh weight's standard deviation is multiplied by; 0 where a model starts without it.
    package let initialScale: Double

    /// The group of attention's maps.
    static let attention = "self_attn"
    /// The group of the feed-forward layer's maps.
    static let feedForward = "mlp"

    init(_ name: String, in group: String, rows: Int, columns: Int, initialScale: Double = 1) {
        self.name = name
        self.group = group
        self.rows = rows
        self.columns = columns
        self.initialScale = initialScale
    }

    /// The module's path in a checkpoint: `model.layers.3.self_attn.q_proj`.
    package func path(layer: Int) -> String { "model.layers.\(layer).\(group).\(name)" }

    /// Whether an adapter's target means the module of a path: by its last parts or all of them, as in PEFT.
    static func isMeant(_ path: String, by target: String) -> Bool {
        path == target || path.hasSuffix("." + target)
    }
}

extension DecoderConfiguration {
    /// The linear maps of a block: attention's projections, its output map, the feed-forward layer's; where a family
    /// fuses some, these are one map, as adapters see them too.
    package func modules(layer: Int) -> [LinearModule] {
        let (kind, shape) = (attention(layer: layer), headShape)
        var modules = kind.inputs(shape).map { input in
            LinearModule(
                input.name,
                in: LinearModule.attention,
                rows: input.width,
                columns: hiddenSize,
                initialScale: input.initialScale
            )
        }
        if isFused {
            let rows = modules.reduce(0) { $0 + $1.rows }
            modules = [LinearModule("qkv_proj", in: LinearModule.attention, rows: rows, columns: hiddenSize)]
        }
        modules.append(
            LinearModule(
                "o_proj",
                in: LinearModule.attention,
                rows: hiddenSize,
                columns: kind.outputWidth(shape)
            )
        )
        let inner = intermediateSize
        if isFused {
            modules.append(
                LinearModule(
                    "gate_up_proj",
                    in: LinearModule.feedForward,
                    rows: 2 * inner,
                    columns: hiddenSize
                )
            )
        } else {
            modules.append(
                LinearModule("gate_proj", in: LinearModule.feedForward, rows: inner, columns: hiddenSize)
            )
            modules.append(
                LinearModule("up_proj", in: LinearModule.feedForward, rows: inner, columns: hiddenSize)
            )
        }
        return modules + [
            LinearModule("down_proj", in: LinearModule.feedForward, rows: hiddenSize, columns: inner)
        ]
    }

    /// The names of all linear maps, each once, in the order in which blocks declare them.
    package var moduleNames: [String] {
        var names: [String] = []
        for layer in 0..<layerCount {
            for module in modules(layer: layer) where !names.contains(module.name) {
                names.append(module.name)
            }
        }
        return names
    }
}
