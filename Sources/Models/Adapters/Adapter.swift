package import Contract
internal import Randomness
package import Tensors

/// The trainable low-rank matrices of a decoder. Not Sendable: it lives on one compute thread, and travels as
/// `AdapterWeights`.
package final class Adapter {
    /// One adapted linear map.
    struct Pair {
        /// `[r, in]`
        let a: Tensor
        /// `[out, r]`
        let b: Tensor
    }

    /// Rank, scale and targets.
    package let configuration: LoRAConfiguration
    /// The arrays in the order of `parameters`, under PEFT's names: pairs of low rank.
    package let layout: AdapterLayout
    /// The trainable tensors in the order of `names`: for each target A `[r, in]` and B `[out, r]`.
    package let parameters: [Tensor]
    /// The shape of the decoder it was made for.
    let model: DecoderConfiguration
    /// α/r.
    let scale: Float
    /// By block, then by `LinearModule.ordinal`; nil where no adapter is.
    private let pairs: [[Pair?]]

    /// Makes the adapter a federation starts from: A uniform in ±1/√in, drawn from the stream
    /// (seed, "adapter", name), the same for everyone with that seed; B = 0, so that it changes nothing yet.
    ///
    /// - Throws: `AdapterError` when the configuration does not fit the model.
    package init(
        for model: DecoderConfiguration,
        _ configuration: LoRAConfiguration,
        seed: UInt64
    ) throws(AdapterError) {
        let modules = try configuration.modules()
        let layers = try configuration.layers(of: model.layerCount)
        var pairs = [[Pair?]](
            repeating: Array(repeating: nil, count: LinearModule.allCases.count),
            count: model.layerCount
        )
        var named: [(entry: AdapterLayout.Entry, tensor: Tensor)] = []
        for layer in layers {
            for module in modules {
                let (rows, columns) = module.shape(model)
                let name = AdapterNames.a(module, layer: layer)
                let values = Self.initialA(
                    name,
                    count: configuration.rank * columns,
                    fanIn: columns,
                    seed: seed
                )
                let pair = Pair(
                    a: Tensor(shape: [configuration.rank, columns], values: values, trainable: true),
                    b: Tensor(zeros: [rows, configuration.rank], trainable: true)
                )
                pairs[layer][module.ordinal] = pair
                let path = module.path(layer: layer)
                named.append(
                    (.init(name: name, shape: pair.a.shape, part: .lowRank(.a, module: path)), pair.a)
                )
                named.append(
                    (
                        .init(
                            name: AdapterNames.b(module, layer: layer),
                            shape: pair.b.shape,
                            part: .lowRank(.b, module: path)
                        ), pair.b
                    )
                )
            }
        }
        named.sort { $0.entry.name.utf8.lexicographicallyPrecedes($1.entry.name.utf8) }
        do throws(AdapterFault) {
            layout = try AdapterLayout(named.map(\.entry))
        } catch {
            preconditionFailure("two linear maps have the same name: \(error)")
        }
        parameters = named.map(\.tensor)
        scale = configuration.scale
        self.configuration = configuration
        self.model = model
        self.pairs = pairs
    }

    /// Makes the starting adapter of a model; see `init(for:_:seed:)` with a configuration.
    package convenience init(
        for base: BaseModel,
        _ configuration: LoRAConfiguration,
        seed: UInt64
    ) throws(AdapterError) {
        try self.init(for: base.configuration, configuration, seed: seed)
    }

    /// The names of `parameters`, ascending by UTF-8 bytes: PEFT's names.
    package var names: [String] { layout.entries.map(\.name) }

    /// A copy of all values, under PEFT's names. Setting it traps when names or shapes differ; use `load` for
    /// weights from outside.
    package var weights: AdapterWeights {
        get {
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
        set {
            do throws(AdapterFault) {
                try load(newValue)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    /// Takes over values.
    ///
    /// - Throws: `AdapterFault` that names the first array that is missing, unknown or of another shape; the
    ///   adapter is unchanged then.
    package func load(_ weights: AdapterWeights) throws(AdapterFault) {
        try layout.check(weights.layout)
        for (tensor, array) in zip(parameters, weights.arrays) {
            _ = tensor.values.update(fromContentsOf: array.values)
        }
    }

    /// The pair on a linear map, or nil when it has none.
    func pair(_ module: LinearModule, layer: Int) -> Pair? { pairs[layer][module.ordinal] }

    private static func initialA(_ name: String, count: Int, fanIn: Int, seed: UInt64) -> [Float] {
        var stream = RandomStream(seed: seed, "adapter", name)
        let bound = 1 / Double(fanIn).squareRoot()
        return (0..<count).map { _ in Float((2 * stream.uniform() - 1) * bound) }
    }
}

/// The names of adapter arrays, exactly PEFT's.
enum AdapterNames {
    private static let prefix = "base_model.model."

    /// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`, shape `[r, in]`.
    static func a(_ module: LinearModule, layer: Int) -> String {
        "\(prefix)\(module.path(layer: layer)).lora_A.weight"
    }

    /// `….lora_B.weight`, shape `[out, r]`.
    static func b(_ module: LinearModule, layer: Int) -> String {
        "\(prefix)\(module.path(layer: layer)).lora_B.weight"
    }

    /// The module and block that an array belongs to, and whether it is the A of the pair.
    static func parse(_ name: String) -> (module: LinearModule, layer: Int, isA: Bool)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 9, let module = LinearModule(rawValue: String(parts[6])),
            let layer = Int(parts[4])
        else { return nil }
        if name == a(module, layer: layer) { return (module, layer, true) }
        if name == b(module, layer: layer) { return (module, layer, false) }
        return nil
    }
}
