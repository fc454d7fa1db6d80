internal import Contract
internal import Tensors

/// A model as a GGUF file.
struct GGUFModel {
    private let checkpoint: Checkpoint
    private let precision: Conversion.Precision

    /// Of a checkpoint, with its matrices in a precision.
    init(_ checkpoint: Checkpoint, _ precision: Conversion.Precision) {
        self.checkpoint = checkpoint
        self.precision = precision
    }

    /// Writes the file.
    func write(to path: String) throws {
        let architecture = checkpoint.configuration.architecture
        let draft = try architecture.ggufDraft(of: checkpoint.configuration, file: path)
        let parts = try TokenizerParts(checkpoint)
        let plans = TensorPlan.plans(for: checkpoint, in: .gguf)
        let extra = draft.tensors
        var tensors: [GGUFFileWriter.Tensor] = []
        for plan in plans { tensors.append(try tensor(plan, file: path)) }
        for array in extra { tensors.append(.init(name: array.name, shape: array.shape, encoding: .f32)) }
        var keys = [(key: String, value: GGUFFileWriter.Value)]()
        for (key, value) in draft.metadata.sorted(by: { $0.key < $1.key }) {
            keys.append((key, try GGUFFileWriter.Value(value, key: key, file: path)))
        }
        keys += [("general.type", .text("model")), ("general.file_type", .unsigned(precision.fileType))]
        if precision == .q8 { keys.append(("general.quantization_version", .unsigned(2))) }
        try GGUFFileWriter.write(
            to: path,
            keys: keys + parts.ggufKeys(rows: checkpoint.configuration.vocabularySize),
            tensors: tensors
        ) { (index) throws(CheckpointError) in
            guard index < plans.count else { return FrozenValues(extra[index - plans.count].values) }
            return try plans[index].values(from: checkpoint)
        }
    }

    /// Vectors stay float32, as everybody who reads such files expects.
    private func tensor(_ plan: TensorPlan, file: String) throws(CheckpointError) -> GGUFFileWriter.Tensor {
        let encoding = plan.shape.count == 1 ? .f32 : precision.encoding
        guard plan.shape[plan.shape.count - 1] % encoding.blockValues == 0 else {
            throw .malformed(
                file: file,
                offset: nil,
                detail: "tensor '\(plan.name)' has rows of \(plan.shape[plan.shape.count - 1]) values, "
                    + "\(encoding.name) needs blocks of \(encoding.blockValues)"
            )
        }
        return .init(name: plan.name, shape: plan.shape, encoding: encoding)
    }
}
