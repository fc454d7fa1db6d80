internal import Contract
internal import Digest
internal import Glibc
internal import Tensors
internal import Text

/// A checkpoint that was opened: what model it is and where its weights lie, none of which is read yet.
package struct Checkpoint {
    /// Where it is.
    package let source: ModelSource
    /// How it calls and keeps its tensors.
    package let form: CheckpointForm
    /// The shape of the model.
    package let configuration: DecoderConfiguration
    /// The folder, or the GGUF file.
    let path: String
    let tensors: any TensorSource
    /// The keys of a GGUF file; empty for a folder.
    let metadata: [String: GGUFValue]

    /// Opens a checkpoint and reads its headers and configuration.
    ///
    /// - Throws: `CheckpointError`, which names the file and the key or offset.
    package init(_ source: ModelSource) throws {
        self.source = source
        switch source {
        case .gguf(let path):
            let file = try GGUFCheckpoint(path: path)
            (self.path, form, metadata, tensors) = (path, .gguf, file.metadata, file)
            configuration = try Architectures.of(metadata, file: path).configuration(of: metadata, file)
        case .directory, .embedded:
            path = try source.directory() ?? ""
            (form, metadata) = (.huggingFace, [:])
            configuration = try DecoderConfiguration.read(from: "\(path)/config.json")
            let whole = "\(path)/model.safetensors"
            let index = "\(path)/\(ShardedSafetensors.indexName)"
            if access(whole, F_OK) != 0, access(index, F_OK) == 0 {
                tensors = try ShardedSafetensors(directory: path)
            } else {
                tensors = try SafetensorsFile(path: whole)
            }
        }
    }

    /// Reads a model's shape alone.
    static func configuration(of source: ModelSource) throws -> DecoderConfiguration {
        guard let directory = try source.directory() else { return try Checkpoint(source).configuration }
        return try DecoderConfiguration.read(from: "\(directory)/config.json")
    }

    /// Every weight of the decoder by its name in this program, with its shape, in the decoder's order.
    var weights: [(name: String, shape: [Int])] {
        var list: [(name: String, shape: [Int])] = []
        _ = DecoderWeights<Void, Void>(
            configuration,
            matrix: { list.append(($0, [$1, $2])) },
            vector: { list.append(($0, [$1])) }
        )
        return list
    }

    /// Whether it has tensors of fewer than 16 bits a value.
    var isQuantised: Bool {
        tensors.names.contains { ((try? tensors.tensor($0))?.encoding.blockValues ?? 1) > 1 }
    }

    /// Where the checkpoint keeps a weight.
    func place(of name: String) -> TensorPlace {
        configuration.architecture.place(of: name, configuration, in: form)
    }

    /// A weight where it lies in the file.
    func weight(_ name: String, shape: [Int]) throws(CheckpointError) -> StoredWeight {
        try tensors.weight(at: place(of: name), shape: shape)
    }

    /// What the decoder adds to each value of a weight: 1 to the norms of Gemma, which GGUF keeps with it.
    func offset(of name: String) -> Float {
        -configuration.architecture.place(of: name, configuration, in: .gguf).offset
    }

    /// What a model of these weights is known by.
    func weightsIdentity() throws(CheckpointError) -> WeightsIdentity {
        var list: [WeightsIdentity.Weight] = []
        for (name, shape) in weights {
            let stored = try weight(name, shape: shape)
            list.append(.init(name: name, shape: shape, stored: stored, offset: offset(of: name)))
        }
        return WeightsIdentity(list)
    }

    /// The configuration as JSON, the same for every form of the same model.
    func canonicalConfiguration() throws(CheckpointError) -> [UInt8] {
        let json = try JSONFault.encode(configuration.canonical, file: path)
        do {
            return try Mapping(json: json, file: path).json
        } catch {
            throw .malformed(file: path, offset: nil, detail: "\(error)")
        }
    }

    /// The digest of all that a model is: see `BaseModel.identity`.
    static func identity(
        weights: SHA256Digest,
        configuration: [UInt8],
        tokenizer: SHA256Digest
    ) -> SHA256Digest {
        SHA256Digest(
            of: Array("weights \(weights)\ntokenizer \(tokenizer)\nconfiguration\n".utf8) + configuration
        )
    }

    /// Throws for what would make this another model than the configured one: a tensor that the model has no use for,
    /// another output head beside a tied embedding, more ids than the embedding has rows.
    func check() throws(CheckpointError) {
        let known = configuration.architecture.otherTensors(in: form).union(
            weights.map { place(of: $0.name).tensor }
        )
        // Old checkpoints keep the rotary frequencies, which follow from θ.
        for name in tensors.names where !known.contains(name) && !name.hasSuffix(".rotary_emb.inv_freq") {
            guard name == CheckpointNames.head, form == .huggingFace else {
                throw .malformed(
                    file: tensors.path,
                    offset: nil,
                    detail: "tensor '\(name)' is no part of the configured model"
                )
            }
            let shape = [configuration.vocabularySize, configuration.hiddenSize]
            let head = try tensors.weight(at: TensorPlace(name), shape: shape)
            guard
                head.digest(plus: 0) == (try weight(CheckpointNames.embedding, shape: shape).digest(plus: 0))
            else {
                throw .badKey(
                    file: "\(path)/config.json",
                    key: "tie_word_embeddings",
                    detail: "true, but '\(name)' is another matrix than the embedding"
                )
            }
        }
        if case .strings(let tokens)? = metadata["tokenizer.ggml.tokens"] {
            try BaseModel.require(tokens.count, fit: configuration, file: path)
        }
    }

    /// Makes the tokenizer; it keeps nothing of the checkpoint open.
    var makeTokenizer: @Sendable () throws -> any Tokenizer {
        switch form {
        case .huggingFace: { [path] in try TokenizerFile.load(path: "\(path)/tokenizer.json") }
        case .gguf: { [path, metadata] in try GGUFTokenizer.make(metadata: metadata, file: path) }
        }
    }

    /// The chat templates.
    func templates() throws -> ChatTemplates {
        switch form {
        case .huggingFace: try ChatTemplates(directory: path)
        case .gguf: try ChatTemplates(metadata, file: path)
        }
    }

    /// The digest of what decides which ids a text and a conversation get: the same whichever form it came in. Of a model
    /// whose tokenizer cannot be made it is that of its chat template alone.
    static func tokenizerDigest(_ tokenizer: (any Tokenizer)?, _ templates: ChatTemplates) -> SHA256Digest {
        let hash = SHA256()
        if let tokenizer { hash.update("\(tokenizer.identityDigest)\n".utf8) }
        if let template = templates.usual { hash.update("chat template\n\(template.text)".utf8) }
        return hash.finish()
    }
}

extension Tokenizer {
    /// The digest of what decides which ids a text gets.
    var identityDigest: SHA256Digest {
        let hash = SHA256()
        forEachIdentityPart { hash.update($0) }
        return hash.finish()
    }
}

extension ModelSource {
    /// The folder in Hugging Face's layout; nil for a GGUF file.
    fileprivate func directory() throws(CheckpointError) -> String? {
        switch self {
        case .embedded(let name): try EmbeddedModels.directory(of: name)
        case .directory(let path): path
        case .gguf: nil
        }
    }
}
