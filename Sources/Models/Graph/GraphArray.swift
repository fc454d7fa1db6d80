internal import Contract
internal import Randomness
internal import Tensors

/// One weight of a graph transformer: its name, sizes and what it starts as.
struct GraphArray {
    let name: String
    let shape: [Int]
    let start: Start
    /// For a linear map's weight, the map's name.
    var map: String?
    /// What becomes of it in a merge.
    var part = AdapterPart.averaged

    enum Start {
        case constant(Float)
        /// Uniform in ±bound, drawn from the stream (seed, "graph transformer", name).
        case uniform(bound: Double)
        case given([Float])
    }

    /// The values it starts as.
    func values(seed: UInt64) -> [Float] {
        let count = shape.reduce(1, *)
        switch start {
        case .constant(let value): return [Float](repeating: value, count: count)
        case .given(let values): return values
        case .uniform(let bound):
            var stream = RandomStream(seed: seed, "graph transformer", name)
            return (0..<count).map { _ in Float((2 * stream.uniform() - 1) * bound) }
        }
    }

    /// All weights of a model. Linear maps start as PyTorch's do, uniform in ±1/√in, biases too; the last map's bias
    /// starts at zero, and so do the vectors a of attention over neighbours in ±1/√(2 D).
    static func all(_ configuration: GraphTransformerConfiguration) -> [GraphArray] {
        let (width, heads) = (configuration.width, configuration.heads)
        var arrays: [GraphArray] = []
        func map(_ name: String, _ rows: Int, _ columns: Int, bias: Bool = true, scale: Double = 1) {
            let bound = 1 / Double(columns).squareRoot()
            let start = scale == 0 ? Start.constant(0) : .uniform(bound: scale * bound)
            arrays.append(
                GraphArray(name: "\(name).weight", shape: [rows, columns], start: start, map: name)
            )
            if bias {
                arrays.append(
                    GraphArray(name: "\(name).bias", shape: [rows], start: .uniform(bound: bound))
                )
            }
        }
        func norm(_ name: String) {
            arrays.append(GraphArray(name: "\(name).weight", shape: [width], start: .constant(1)))
            arrays.append(GraphArray(name: "\(name).bias", shape: [width], start: .constant(0)))
        }
        map("embed.0", width, configuration.features)
        map("embed.1", width, width)
        for layer in 0..<configuration.graphLayers {
            norm("graph.\(layer).norm")
            map("graph.\(layer).map", width, width, bias: false)
            let bound = 1 / Double(2 * width / heads).squareRoot()
            for name in ["source", "target"] {
                arrays.append(
                    GraphArray(name: "graph.\(layer).\(name)", shape: [width], start: .uniform(bound: bound))
                )
            }
        }
        let kind = configuration.attention.kind
        for layer in 0..<configuration.layers {
            norm("layers.\(layer).attention_norm")
            for input in kind.inputs(configuration.shape) {
                let name = "layers.\(layer).attention.\(input.name)"
                map(name, input.width, width, bias: false, scale: input.initialScale)
            }
            if kind.takesBias {
                arrays.append(
                    GraphArray(
                        name: "layers.\(layer).attention.distance",
                        shape: [heads, GraphStructure.buckets],
                        start: .given(balls(configuration))
                    )
                )
            }
            map(
                "layers.\(layer).attention.o_proj",
                width,
                kind.outputWidth(configuration.shape),
                bias: false
            )
            norm("layers.\(layer).feed_forward_norm")
            map("layers.\(layer).feed_forward.0", configuration.inner, width)
            map("layers.\(layer).feed_forward.1", width, configuration.inner)
        }
        norm("norm")
        map("head.0", width, width + configuration.ownFeatures)
        arrays.append(
            GraphArray(
                name: "head.1.weight",
                shape: [configuration.outputs, width],
                start: .uniform(bound: configuration.outputScale / Double(width).squareRoot())
            )
        )
        arrays.append(GraphArray(name: "head.1.bias", shape: [configuration.outputs], start: .constant(0)))
        return arrays
    }

    /// The low-rank factors of all linear maps but the last: A uniform in ±1/√in, B zero.
    static func factors(of arrays: [GraphArray], rank: Int) -> [GraphArray] {
        arrays.flatMap { array -> [GraphArray] in
            guard let map = array.map else { return [] }
            let bound = 1 / Double(array.shape[1]).squareRoot()
            return [
                GraphArray(
                    name: "\(map).lora_A.weight",
                    shape: [rank, array.shape[1]],
                    start: .uniform(bound: bound),
                    part: .lowRank(.a, module: map)
                ),
                GraphArray(
                    name: "\(map).lora_B.weight",
                    shape: [array.shape[0], rank],
                    start: .constant(0),
                    part: .lowRank(.b, module: map)
                ),
            ]
        }
    }

    private static func balls(_ configuration: GraphTransformerConfiguration) -> [Float] {
        (0..<configuration.heads).flatMap { head in
            let radius = configuration.balls[head % configuration.balls.count]
            return (0..<GraphStructure.buckets).map { Float(-2 * max(0, $0 - radius)) }
        }
    }
}
