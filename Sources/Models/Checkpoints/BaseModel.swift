package import Digest
internal import Tensors
package import Text

/// A pretrained decoder with frozen weights, shared between threads and decoders.
package final class BaseModel: Sendable {
    /// The shape of the model.
    package let configuration: DecoderConfiguration
    /// The digest of the weights, the same whichever form they came in (``WeightsIdentity``); computed when it is first
    /// asked for.
    package var sha256: SHA256Digest { weightsIdentity.digest }
    /// The digest of what decides which ids a text and a conversation get, the tokenizer and the chat template, the same
    /// whichever form they came in.
    package var tokenizerSHA256: SHA256Digest { Checkpoint.tokenizerDigest(try? made.get(), templates) }
    /// The digest of the chat template alone, which `tokenizerSHA256` covers too; nil where the model has none.
    package var templateSHA256: SHA256Digest? { templates.usual.map { SHA256Digest(of: $0.text.utf8) } }
    /// The digest of all that the model is: weights, configuration and tokenizer with its template. What is learnt about a
    /// model, such as features of its states, holds for that model alone.
    package var identity: SHA256Digest {
        Checkpoint.identity(
            weights: sha256,
            configuration: canonicalConfiguration,
            tokenizer: tokenizerSHA256
        )
    }
    /// The tokens that the model itself ends an answer with, besides the tokenizer's `eos`: `eos_token_id` of its files, one
    /// or several.
    package let ends: Set<Int32>
    /// Where it was loaded from.
    package let source: ModelSource
    /// How its matrices are kept; the digests are those of the values in the file.
    package let form: WeightForm

    let weights: FrozenWeights
    private let weightsIdentity: WeightsIdentity
    private let canonicalConfiguration: [UInt8]
    /// The rotary angles of the usual positions.
    let rope: RopeTable
    /// The tokenizer, or why there is none.
    private let made: Result<any Tokenizer, any Error>
    private let templates: ChatTemplates

    private init(_ checkpoint: Checkpoint, _ form: WeightForm) throws {
        self.form = form
        configuration = checkpoint.configuration
        source = checkpoint.source
        made = Result { try checkpoint.makeTokenizer() }
        templates = try checkpoint.templates()
        ends = try checkpoint.ends()
        rope = RopeTable(configuration)
        let memory = WeightMemory()
        weights = try FrozenWeights(
            configuration,
            matrix: { try checkpoint.weight($0, shape: [$1, $2]).matrix(form, in: memory) },
            vector: { FrozenVector(try checkpoint.weight($0, shape: [$1]).values()) }
        )
        weightsIdentity = try checkpoint.weightsIdentity()
        canonicalConfiguration = try checkpoint.canonicalConfiguration()
        try checkpoint.check()
        try checkpoint.tensors.requireUnchanged()
    }

    /// Loads a model with the whole of its weights.
    ///
    /// - Parameters:
    ///   - source: Where it is.
    ///   - form: How its matrices are kept; nil for int8 where the file has blocks of 4 to 8 bits, else float32.
    /// - Throws: `CheckpointError`, which names the file and the tensor, key or offset.
    package static func load(_ source: ModelSource, weights form: WeightForm? = .float32) throws -> BaseModel
    {
        let checkpoint = try Checkpoint(source)
        return try BaseModel(checkpoint, form ?? (checkpoint.isQuantised ? .int8 : .float32))
    }

    /// A copy of a weight's values by its name, as the file has them whatever the form; nil when there is none.
    func values(of name: String) -> [Float]? {
        form == .float32 ? weights.values(of: name, configuration) : weightsIdentity.values(of: name)
    }

    /// Reads a model's shape alone, without its weights.
    ///
    /// - Throws: `CheckpointError`, as `load` does.
    package static func configuration(of source: ModelSource) throws -> DecoderConfiguration {
        try Checkpoint.configuration(of: source)
    }

    /// The model's tokenizer, from `tokenizer.json` or from the GGUF metadata.
    ///
    /// - Throws: when there is none, or one of a kind that is not known.
    package func tokenizer() throws -> any Tokenizer {
        let tokenizer = try made.get()
        try BaseModel.require(tokenizer.vocabularySize, fit: configuration, file: "\(source)")
        return tokenizer
    }

    /// The model's own chat template; nil where it has none.
    ///
    /// - Parameter date: What the template takes for today.
    /// - Throws: `TokenizerError` with the line, for a template that is not Jinja or not known here, and for
    ///   several templates without a usual one.
    package func chatTemplate(date: TemplateDate = .standard) throws -> ChatTemplate? {
        guard let text = try templates.source(file: "\(source)") else { return nil }
        return try ChatTemplate(text, tokenizer: tokenizer(), date: date)
    }

    /// Throws where a vocabulary has ids that the embedding has no row for.
    static func require(
        _ vocabulary: Int,
        fit configuration: DecoderConfiguration,
        file: String
    ) throws(CheckpointError) {
        guard vocabulary <= configuration.vocabularySize else {
            throw .badKey(
                file: file,
                key: "vocab_size",
                detail:
                    "the tokenizer has \(vocabulary) ids, the embedding \(configuration.vocabularySize) rows"
            )
        }
    }
}

/// Where a base model comes from.
package enum ModelSource: Sendable, Hashable, CustomStringConvertible {
    /// A model that ships with the program: `tiny-arithmetic`, `tiny-arithmetic-hard`, `tiny-phases` or
    /// `tiny-personas`.
    case embedded(String)
    /// A directory in Hugging Face's layout: `config.json`, `tokenizer.json`, and `model.safetensors` or several files with
    /// their index.
    case directory(String)
    /// A GGUF file, which holds all three, or the first part of a split one.
    case gguf(String)

    /// Where its files are on this machine, for programs that know paths alone, such as PEFT; of an embedded model the
    /// folder that ships with the program.
    package var path: String {
        get throws(CheckpointError) {
            switch self {
            case .embedded(let name): try EmbeddedModels.directory(of: name)
            case .directory(let path), .gguf(let path): path
            }
        }
    }

    /// The source as it is shown and logged: `embedded:tiny-arithmetic`, or the path.
    package var description: String {
        switch self {
        case .embedded(let name): "embedded:\(name)"
        case .directory(let path), .gguf(let path): path
        }
    }
}
