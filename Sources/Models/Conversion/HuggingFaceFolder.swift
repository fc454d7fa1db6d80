internal import Tensors

/// A model as a folder in Hugging Face's layout.
struct HuggingFaceFolder {
    private let checkpoint: Checkpoint
    private let precision: Conversion.Precision

    /// Of a checkpoint, with its weights in a precision.
    init(_ checkpoint: Checkpoint, _ precision: Conversion.Precision) {
        self.checkpoint = checkpoint
        self.precision = precision
    }

    /// Writes the files into a folder that is there.
    ///
    /// - Returns: The names of the files with weights.
    func write(to folder: String, shardBytesMax: Int) throws -> [String] {
        guard precision != .q8 else {
            throw CheckpointError.badKey(
                file: "\(folder)/config.json",
                key: "dtype",
                detail: "'\(precision.rawValue)' is not held by safetensors, only f32, f16 and bf16"
            )
        }
        let parts = try TokenizerParts(checkpoint)
        let model = checkpoint.configuration
        try parts.write(toDirectory: folder, positionsMax: model.positionsMax)
        let configuration = ConfigurationFile(
            model: model,
            type: precision.encoding.name,
            tokens: .init(bos: parts.bos, eos: parts.eos, pad: parts.pad)
        )
        let path = "\(folder)/config.json"
        try WritableFile.write(JSONFault.encode(configuration, file: path), to: path)
        let generation = "\(folder)/generation_config.json"
        try WritableFile.write(JSONFault.encode(configuration.tokens, file: generation), to: generation)
        return try writeWeights(to: folder, shardBytesMax: shardBytesMax)
    }

    private func writeWeights(to folder: String, shardBytesMax: Int) throws(CheckpointError) -> [String] {
        let shards = shards(shardBytesMax)
        let names = shards.indices.map { index in
            func digits(_ number: Int) -> String { String(String(100_000 + number).dropFirst()) }
            return shards.count == 1
                ? "model.safetensors"
                : "model-\(digits(index + 1))-of-\(digits(shards.count)).safetensors"
        }
        for (shard, name) in zip(shards, names) {
            try SafetensorsWriter.write(
                shard.map { ($0.name, $0.shape) },
                encoding: precision.encoding,
                to: "\(folder)/\(name)"
            ) { (index, file) throws(CheckpointError) in
                let values = try shard[index].values(from: checkpoint)
                try precision.encoding.append(
                    UnsafeBufferPointer(start: values.base, count: values.count),
                    to: file,
                    name: shard[index].name
                )
            }
        }
        guard shards.count > 1 else { return names }
        let places = zip(shards, names).flatMap { shard, name in shard.map { ($0.name, name) } }
        let bytes = shards.joined().reduce(0) { $0 + precision.encoding.bytes(of: $1.count) }
        let index = JSONValue.members([
            "metadata": .members(["total_size": .integer(bytes)]),
            "weight_map": .object(places.sorted { $0.0 < $1.0 }.map { .init(key: $0.0, value: .text($0.1)) }),
        ])
        try WritableFile.write(index.bytes, to: "\(folder)/\(ShardedSafetensors.indexName)")
        return names
    }

    /// The tensors of each file: in the decoder's order from file to file, in ascending order of name within one.
    private func shards(_ bytesMax: Int) -> [[TensorPlan]] {
        var shards: [[TensorPlan]] = [[]]
        var bytes = 0
        for plan in TensorPlan.plans(for: checkpoint, in: .huggingFace) {
            let size = precision.encoding.bytes(of: plan.count)
            if bytes > 0, bytes + size > bytesMax {
                shards.append([])
                bytes = 0
            }
            shards[shards.count - 1].append(plan)
            bytes += size
        }
        return shards.map { shard in shard.sorted { $0.name < $1.name } }
    }
}
