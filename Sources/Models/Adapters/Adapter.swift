package import Contract
internal import Randomness
package import Tensors

/// The trained arrays of a decoder. Not Sendable: it lives on one compute thread, and travels as `AdapterWeights`.
package final class Adapter {
    /// A low-rank correction of one linear map.
    struct Pair {
        /// `[r, in]`
        let a: Tensor
        /// `[out, r]`
        let b: Tensor
    }

    /// What one block gets, by module.
    struct Block {
        var pairs: [String: Pair] = [:]
        /// Whole maps.
        var modules: [String: Tensor] = [:]
    }

    /// What is trained.
    package let kind: any AdapterKind
    /// The arrays in the order of `parameters`.
    package let layout: AdapterLayout
    /// The trainable tensors in the order of `names`.
    package let parameters: [Tensor]
    /// The shape of the decoder it was made for, without it.
    let model: DecoderConfiguration
    /// The shape of the decoder with it.
    let adapted: DecoderConfiguration
    /// What a low-rank product is multiplied by.
    let scale: Float
    let blocks: [Block]
    /// Weights outside of the linear maps, by their checkpoint names.
    let others: [String: Tensor]

    /// Makes the adapter a federation starts from: the same for everyone with that seed, and one that changes
    /// nothing yet.
    ///
    /// - Parameters:
    ///   - model: The decoder's shape.
    ///   - kind: What is trained.
    ///   - seed: The federation's.
    /// - Throws: `AdapterError` when the kind does not fit the model, or starts from weights that are not there.
    package convenience init(
        for model: DecoderConfiguration,
        _ kind: any AdapterKind,
        seed: UInt64
    ) throws(AdapterError) {
        try self.init(for: model, kind, seed: seed) { _ in nil }
    }

    /// Makes the starting adapter of a base model, whose weights some kinds start from.
    package convenience init(
        for base: BaseModel,
        _ kind: any AdapterKind,
        seed: UInt64
    ) throws(AdapterError) {
        try self.init(for: base.configuration, kind, seed: seed) { base.values(of: $0) }
    }

    private init(
        for model: DecoderConfiguration,
        _ kind: any AdapterKind,
        seed: UInt64,
        base: (String) -> [Float]?
    ) throws(AdapterError) {
        let arrays = try kind.arrays(of: model).sorted {
            $0.entry.name.utf8.lexicographicallyPrecedes($1.entry.name.utf8)
        }
        layout = Adapter.layout(of: arrays)
        parameters = try arrays.map { array throws(AdapterError) in
            let values = try Adapter.start(array, seed: seed, base)
            return Tensor(shape: array.entry.shape, values: values, trainable: true)
        }
        var blocks = [Block](repeating: Block(), count: model.layerCount)
        var others: [String: Tensor] = [:]
        let tensors = Dictionary(uniqueKeysWithValues: zip(arrays.map(\.place), parameters))
        for (place, tensor) in tensors {
            switch place {
            case .lowRankA(let layer, let module):
                guard let b = tensors[.lowRankB(layer: layer, module: module)] else {
                    preconditionFailure("block \(layer): '\(module)' has an A without B")
                }
                blocks[layer].pairs[module] = Pair(a: tensor, b: b)
            case .lowRankB: break
            case .module(let layer, let module): blocks[layer].modules[module] = tensor
            case .weight(let name): others[name] = tensor
            }
        }
        self.blocks = blocks
        self.others = others
        self.kind = kind
        self.model = model
        adapted = try kind.adapted(model)
        scale = kind.scale
    }

    /// The arrays' names, sizes and parts.
    package static func layout(of arrays: [AdapterArray]) -> AdapterLayout {
        do throws(AdapterFault) {
            return try AdapterLayout(arrays.map(\.entry))
        } catch {
            preconditionFailure("two arrays of an adapter have the same name: \(error)")
        }
    }

    private static func start(
        _ array: AdapterArray,
        seed: UInt64,
        _ base: (String) -> [Float]?
    ) throws(AdapterError) -> [Float] {
        let (name, count) = (array.entry.name, array.entry.shape.reduce(1, *))
        switch array.start {
        case .zeros: return [Float](repeating: 0, count: count)
        case .uniform(let bound):
            var stream = RandomStream(seed: seed, "adapter", name)
            return (0..<count).map { _ in Float((2 * stream.uniform() - 1) * bound) }
        case .base:
            guard let values = base(name) else {
                throw .badConfiguration(
                    key: "kind",
                    detail: "it starts from a model's weights; '\(name)' is not there"
                )
            }
            return values
        }
    }

    /// The names of `parameters`, ascending by UTF-8 bytes.
    package var names: [String] { layout.entries.map(\.name) }

    /// A copy of all values under their names. Setting it traps when names or shapes differ; use `load` for
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
}
