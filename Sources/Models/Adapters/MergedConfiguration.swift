internal import Contract
internal import Tensors

/// An adapter of Hugging Face PEFT that is more than LoRA on the maps of blocks: DoRA, whole modules, biases, pairs on
/// the embedding or the head, rows of single tokens. What is no plain pair is merged into weights of its own in
/// place of the base model's.
///
/// It is for generating: it is in no list of kinds, so that no topology can name it, and it is written nowhere.
struct MergedConfiguration: AdapterKind {
    static let name = "merged"

    /// The plain pairs; nil for none.
    private var pairs: LoRAConfiguration?
    /// The shapes of whole weights, by their names in a checkpoint.
    private var wholes: [String: [Int]] = [:]

    /// Nothing.
    init() {}

    var scale: Float { pairs?.scale ?? 1 }

    func arrays(of model: DecoderConfiguration) throws(AdapterError) -> [AdapterArray] {
        var arrays = try pairs?.arrays(of: model) ?? []
        var modules: [String: AdapterArray.Place] = [:]
        for layer in 0..<model.layerCount {
            for module in model.modules(layer: layer) {
                modules[CheckpointNames.weight(module, layer: layer)] = .module(
                    layer: layer,
                    module: module.name
                )
            }
        }
        for (name, shape) in wholes {
            arrays.append(
                AdapterArray(name, shape, .averaged, at: modules[name] ?? .weight(name), from: .zeros)
            )
        }
        return arrays
    }

    /// Reads such an adapter from a directory, for a base model, whose weights its own stand in for.
    ///
    /// - Throws: `CheckpointError` naming the file, and the key or the array.
    static func read(from path: String, for base: BaseModel) throws -> Adapter {
        let contents = try PEFTContents(path)
        var merger = Merger(contents, base)
        let plain = try merger.merge()
        var kind = MergedConfiguration()
        var arrays = merger.wholes
        for array in arrays { kind.wholes[array.name] = array.shape }
        if !plain.isEmpty {
            let (weights, configuration) = try PEFTDirectory.lowRank(contents, plain, base.configuration)
            kind.pairs = configuration
            arrays += weights.arrays
        }
        let adapter = try Adapter(for: base, kind, seed: 0)
        try adapter.load(AdapterWeights(arrays))
        return adapter
    }

    /// Makes weights of what is no plain pair.
    private struct Merger {
        private let contents: PEFTContents
        private let base: BaseModel
        private(set) var wholes: [NamedArray] = []

        init(_ contents: PEFTContents, _ base: BaseModel) { (self.contents, self.base) = (contents, base) }

        /// The paths of the maps that stay plain pairs.
        mutating func merge() throws(CheckpointError) -> [String] {
            for (name, array) in contents.wholes.sorted(by: { $0.key < $1.key }) {
                _ = try weight(name)
                try require(array, shape(name))
                wholes.append(NamedArray(name: name, shape: shape(name), values: array.values))
            }
            var plain: [String] = []
            for (path, pair) in contents.pairs.sorted(by: { $0.key < $1.key }) {
                if path != PEFTContents.head, pair.magnitudes == nil {
                    plain.append(path)
                } else {
                    try add(pair, to: "\(path).weight")
                }
            }
            try mergeEmbedding()
            let names = Set(wholes.map(\.name))
            for (name, array) in contents.copies.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
                try require(array, shape(name))
                wholes.append(NamedArray(name: name, shape: shape(name), values: array.values))
            }
            // A head that is the embedding stays what it was where only the embedding is another.
            if base.configuration.tiesEmbedding, contents.rows == nil,
                names.contains(CheckpointNames.embedding),
                !names.contains(CheckpointNames.head)
            {
                let values = try weight(CheckpointNames.embedding)
                wholes.append(
                    NamedArray(
                        name: CheckpointNames.head,
                        shape: shape(CheckpointNames.embedding),
                        values: values
                    )
                )
            }
            return plain
        }

        private mutating func mergeEmbedding() throws(CheckpointError) {
            let name = CheckpointNames.embedding
            if let pair = contents.embedding {
                // Row v of the embedding moves by the v-th column of A through B.
                let (vocabulary, hidden, rank) = (shape(name)[0], shape(name)[1], pair.rank)
                try require(pair.a, [rank, vocabulary])
                try require(pair.b, [hidden, rank])
                var values = try weight(name)
                let scale = Float(pair.scale)
                for token in 0..<vocabulary {
                    for column in 0..<hidden {
                        var sum: Float = 0
                        for k in 0..<rank {
                            sum += pair.a.values[k * vocabulary + token] * pair.b.values[column * rank + k]
                        }
                        values[token * hidden + column] += scale * sum
                    }
                }
                wholes.append(NamedArray(name: name, shape: [vocabulary, hidden], values: values))
            }
            guard let (tokens, rows) = contents.rows else { return }
            var values = try weight(name)
            let hidden = shape(name)[1]
            guard rows.shape[1] == hidden, contents.embedding == nil, contents.wholes[name] == nil,
                Set(tokens).count == tokens.count,
                tokens.allSatisfy({ $0 >= 0 && $0 < base.configuration.vocabularySize })
            else {
                throw .badKey(
                    file: contents.configurationFile,
                    key: "trainable_token_indices",
                    detail: "\(tokens) of shape \(rows.shape) are no rows of an embedding of \(shape(name))"
                )
            }
            for (row, token) in tokens.enumerated() {
                values.replaceSubrange(
                    token * hidden..<(token + 1) * hidden,
                    with: rows.values[row * hidden..<(row + 1) * hidden]
                )
            }
            wholes.append(NamedArray(name: name, shape: shape(name), values: values))
        }

        /// W + s B A, each row brought to its magnitude where there is one (DoRA, arXiv:2402.09353).
        private mutating func add(_ pair: PEFTContents.Pair, to name: String) throws(CheckpointError) {
            var values = try weight(name)
            let (rows, columns, rank) = (shape(name)[0], shape(name)[1], pair.rank)
            try require(pair.a, [rank, columns])
            try require(pair.b, [rows, rank])
            let scale = Float(pair.scale)
            for row in 0..<rows {
                let start = row * columns
                for k in 0..<rank {
                    let factor = scale * pair.b.values[row * rank + k]
                    for column in 0..<columns {
                        values[start + column] += factor * pair.a.values[k * columns + column]
                    }
                }
                guard let magnitudes = pair.magnitudes else { continue }
                let norm = values[start..<start + columns].reduce(0.0) { $0 + Double($1) * Double($1) }
                    .squareRoot()
                guard norm > 0 else {
                    throw .malformed(
                        file: contents.weightsFile,
                        offset: nil,
                        detail: "row \(row) of '\(name)' is nothing, and has no magnitude to be brought to"
                    )
                }
                let factor = Float(Double(magnitudes[row]) / norm)
                for column in start..<start + columns { values[column] *= factor }
            }
            wholes.append(NamedArray(name: name, shape: [rows, columns], values: values))
        }

        /// A weight of the base model; the head is the embedding where it is tied.
        private func weight(_ name: String) throws(CheckpointError) -> [Float] {
            if let copy = contents.copies[stored(name)] ?? contents.copies[name] {
                try require(copy, shape(name))
                return copy.values
            }
            if let values = base.values(of: stored(name)) { return values }
            throw .malformed(
                file: contents.weightsFile,
                offset: nil,
                detail: "the model has no weight '\(name)'"
            )
        }

        private func require(_ array: NamedArray, _ expected: [Int]) throws(CheckpointError) {
            guard array.shape == expected else {
                throw .wrongShape(
                    file: contents.weightsFile,
                    name: array.name,
                    expected: expected,
                    found: array.shape
                )
            }
        }

        private func stored(_ name: String) -> String {
            name == CheckpointNames.head && base.configuration.tiesEmbedding
                ? CheckpointNames.embedding : name
        }

        private func shape(_ name: String) -> [Int] {
            let (named, stored) = (base.weights.named(base.configuration), stored(name))
            if let matrix = named.matrices.first(where: { $0.0 == stored }) {
                return [matrix.1.rows, matrix.1.columns]
            }
            return named.vectors.first { $0.0 == stored }.map { [$0.1.count] } ?? []
        }
    }
}
