public import Exchange
internal import Randomness
public import Tensors

/// The trainable low-rank matrices of a decoder. Not Sendable: it lives on one compute thread, and travels as
/// `AdapterWeights`.
public final class Adapter {
    /// One adapted linear map.
    struct Pair {
        /// `[r, in]`
        let a: Tensor
        /// `[out, r]`
        let b: Tensor
    }

    /// Rank, scale and targets.
    public let configuration: LoRAConfiguration
    /// The names of `parameters`, ascending by UTF-8 bytes: PEFT's names.
    public let names: [String]
    /// The trainable tensors in the order of `names`: for each target A `[r, in]` and B `[out, r]`.
    public let parameters: [Tensor]
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
    public init(
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
        var named: [(name: String, tensor: Tensor)] = []
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
                named.append((name, pair.a))
                named.append((AdapterNames.b(module, layer: layer), pair.b))
            }
        }
        named.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        names = named.map(\.name)
        parameters = named.map(\.tensor)
        scale = configuration.scale
        self.configuration = configuration
        self.model = model
        self.pairs = pairs
    }

    /// Makes the starting adapter of a model; see `init(for:_:seed:)` with a configuration.
    public convenience init(
        for base: BaseModel,
        _ configuration: LoRAConfiguration,
        seed: UInt64
    ) throws(AdapterError) {
        try self.init(for: base.configuration, configuration, seed: seed)
    }

    /// A copy of all values, under PEFT's names. Setting it traps when names or shapes differ; use `load` for
    /// weights from outside.
    public var weights: AdapterWeights {
        get {
            AdapterWeights(
                zip(names, parameters).map { name, tensor in
                    NamedArray(name: name, shape: tensor.shape, values: tensor.toArray())
                }
            )
        }
        set {
            do throws(AdapterError) {
                try load(newValue)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    /// Takes over values.
    ///
    /// - Throws: `AdapterError` that names the first array that is missing, unknown or of another shape; the
    ///   adapter is unchanged then.
    public func load(_ weights: AdapterWeights) throws(AdapterError) {
        // Both lists are in ascending order of name.
        for (index, name) in names.enumerated() {
            guard index < weights.arrays.count else { throw .missing(name: name) }
            let array = weights.arrays[index]
            guard array.name == name else {
                throw weights[name] == nil ? .missing(name: name) : .unexpected(name: array.name)
            }
            guard array.shape == parameters[index].shape else {
                throw .wrongShape(name: name, expected: parameters[index].shape, found: array.shape)
            }
        }
        if weights.arrays.count > names.count {
            throw .unexpected(name: weights.arrays[names.count].name)
        }
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
