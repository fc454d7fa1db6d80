package import Digest
internal import Contract
internal import FoundationEssentials
internal import Glibc
internal import Tensors
internal import Text

/// Copies a model from one form of a checkpoint into the other, so that other programs load the same model.
///
/// What cannot be held is refused by name and never dropped: the copy is read again before it gets its name, and its
/// configuration, its tokenizer and, where no precision was given away, its weights must be the original's.
package struct Conversion {
    /// How weights are kept.
    package enum Precision: String, Sendable, CaseIterable {
        /// float32.
        case f32
        /// IEEE binary16.
        case f16
        /// bfloat16.
        case bf16
        /// GGUF's blocks of 32 values of 8 bits; vectors stay float32.
        case q8 = "q8_0"

        var encoding: ElementEncoding {
            switch self {
            case .f32: .f32
            case .f16: .f16
            case .bf16: .bf16
            case .q8: .q8
            }
        }

        /// `general.file_type`, llama.cpp's number for what most tensors of a file are.
        var fileType: UInt32 {
            switch self {
            case .f32: 0
            case .f16: 1
            case .q8: 7
            case .bf16: 32
            }
        }
    }

    /// What was written.
    package struct Summary: Sendable {
        /// How many tensors there are.
        package let tensors: Int
        /// The files with weights.
        package let files: [String]
        /// The digest of the original's weights, as `BaseModel.sha256`.
        package let original: SHA256Digest
        /// The digest of the copy's: another where the precision is.
        package let copy: SHA256Digest
    }

    private let checkpoint: Checkpoint
    private let out: String
    private let precision: Precision

    /// Opens the original.
    ///
    /// - Parameters:
    ///   - source: The model.
    ///   - out: The GGUF file or the folder that is made; nothing is there yet.
    ///   - precision: How weights are kept.
    package init(of source: ModelSource, to out: String, precision: Precision) throws {
        checkpoint = try Checkpoint(source)
        try checkpoint.check()
        self.out = out.last == "/" ? String(out.dropLast()) : out
        self.precision = precision
    }

    /// Writes a GGUF file.
    package func writeGGUF() throws -> Summary {
        try write { folder in
            let path = "\(folder)/model.gguf"
            try GGUFModel(checkpoint, precision).write(to: path)
            return (.gguf(path), path, [out])
        }
    }

    /// Writes a folder in Hugging Face's layout.
    ///
    /// - Parameter shardBytesMax: The largest file with weights; a single tensor may take more.
    package func writeFolder(shardBytesMax: Int) throws -> Summary {
        try write { folder in
            let names = try HuggingFaceFolder(checkpoint, precision).write(
                to: folder,
                shardBytesMax: shardBytesMax
            )
            return (.directory(folder), folder, names.map { "\(out)/\($0)" })
        }
    }

    /// Writes into a folder beside the target, checks, and gives what was written its name.
    private func write(
        _ body: (_ folder: String) throws -> (copy: ModelSource, path: String, files: [String])
    ) throws -> Summary {
        let folder = out + ".partial"
        for path in [out, folder] where access(path, F_OK) == 0 {
            throw CheckpointError.unwritable(OutputFault(path, "it is there already; nothing is overwritten"))
        }
        try WritableFile.makeDirectory(folder)
        defer { if access(folder, F_OK) == 0 { try? FileManager.default.removeItem(atPath: folder) } }
        let (source, path, files) = try body(folder)
        let copy = try Checkpoint(source)
        try copy.check()
        try requireSame(copy)
        let original = try checkpoint.weightsIdentity().digest
        let digest = try copy.weightsIdentity().digest
        guard precision != .f32 || digest == original else {
            throw fault("the weights", "\(digest)", expected: "\(original)")
        }
        try checkpoint.tensors.requireUnchanged()
        guard rename(path, out) == 0 else {
            throw CheckpointError.unwritable(OutputFault(out, cause: errno))
        }
        return Summary(tensors: copy.tensors.names.count, files: files, original: original, copy: digest)
    }

    private func requireSame(_ copy: Checkpoint) throws {
        let (configuration, original) = (copy.configuration.canonical, checkpoint.configuration.canonical)
        guard configuration == original else {
            let (found, expected) = (try members(configuration), try members(original))
            let differing = expected.first { !found.contains($0) }
            let value = differing.flatMap { member in found.first { $0.key == member.key } }
            throw fault(
                differing?.key ?? "the configuration",
                value.map { "\($0.value)" } ?? "nothing",
                expected: differing.map { "\($0.value)" } ?? "something"
            )
        }
        let (one, other) = (try checkpoint.makeTokenizer(), try copy.makeTokenizer())
        guard one.vocabularySize == other.vocabularySize else {
            throw fault("the vocabulary", "\(other.vocabularySize) ids", expected: "\(one.vocabularySize)")
        }
        for id in 0..<Int32(one.vocabularySize)
        where one.token(of: id) != other.token(of: id) || one.isSpecial(id) != other.isSpecial(id) {
            throw fault(
                "token \(id)",
                "'\(other.token(of: id) ?? "")'",
                expected: "'\(one.token(of: id) ?? "")'"
            )
        }
        let digests = (one.identityDigest, other.identityDigest)
        guard digests.0 == digests.1 else {
            throw fault("the tokenizer", "\(digests.1)", expected: "\(digests.0)")
        }
        let (templates, others) = (try checkpoint.templates(), try copy.templates())
        guard templates.usual?.text == others.usual?.text, templates.named == others.named else {
            throw fault("the chat template", "another", expected: "the original's")
        }
    }

    /// What a configuration's `config.json` says, key by key.
    private func members(_ configuration: DecoderConfiguration) throws -> [JSONValue.Member] {
        let bytes = try JSONFault.encode(configuration, file: out)
        guard case .object(let members) = try JSONDecoder().decode(JSONValue.self, from: Data(bytes)) else {
            return []
        }
        return members
    }

    private func fault(_ what: String, _ found: String, expected: String) -> CheckpointError {
        .badKey(
            file: out,
            key: what,
            detail: "would not be the original's: found \(found), expected \(expected)"
        )
    }
}
