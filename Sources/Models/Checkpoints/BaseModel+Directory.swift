internal import Glibc
internal import Text

extension BaseModel {
    static func loadDirectory(_ path: String, source: ModelSource) throws -> BaseModel {
        let configuration = try DecoderConfiguration.read(from: "\(path)/config.json")
        let weightsPath = "\(path)/model.safetensors"
        if access(weightsPath, R_OK) != 0, access("\(weightsPath).index.json", F_OK) == 0 {
            throw CheckpointError.inaccessible(
                file: weightsPath,
                reason: "the checkpoint is split into several files; only a single file is read"
            )
        }
        let file = try ReadableFile(path: weightsPath)
        let tensors = try SafetensorsFile(file)
        return try BaseModel(
            configuration: configuration,
            sha256: file.sha256(),
            source: source,
            weights: { name, shape in try tensors.values(of: name, shape: shape) },
            makeTokenizer: { try TokenizerFile.load(path: "\(path)/tokenizer.json") }
        )
    }
}
