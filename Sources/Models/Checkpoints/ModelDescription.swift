internal import Glibc
internal import Text

/// What a checkpoint is, in entries for people: everything that decides what a model computes, and where it came from.
package struct ModelDescription {
    /// The entries in order; what differs between blocks has an entry for each group of them.
    package private(set) var entries: [(name: String, value: String)] = []

    /// The entries as lines: `name: value`.
    package var lines: [String] { entries.map { "\($0.name): \($0.value)" } }

    private let checkpoint: Checkpoint
    private var model: DecoderConfiguration { checkpoint.configuration }

    /// Describes a checkpoint; reads its weights once, for their digest.
    ///
    /// - Throws: `CheckpointError`, as loading does; a tokenizer or template that is not read becomes a line.
    package init(_ source: ModelSource) throws {
        checkpoint = try Checkpoint(source)
        try checkpoint.check()
        describeShape()
        describeAttention()
        describePositions()
        describeFeatures()
        describeModules()
        try describeTensors()
        describeText()
        add("licence", licence)
        try describeIdentity()
    }

    private mutating func add(_ name: String, _ value: String) { entries.append((name, value)) }

    private mutating func describeShape() {
        let count = checkpoint.tensors.files.count
        let form = checkpoint.form == .gguf ? "GGUF" : "safetensors"
        let bytes = checkpoint.tensors.files.reduce(0) { $0 + $1.size }
        add("model", "\(checkpoint.source)")
        if case .string(let name)? = checkpoint.metadata["general.name"] { add("name", name) }
        add(
            "architecture",
            "\(model.architecture.modelType), \(form), \(count == 1 ? "1 file" : "\(count) files") of \(bytes) bytes"
        )
        add("parameters", "\(model.parameterCount)")
        add(
            "shape",
            "\(model.layerCount) blocks of width \(model.hiddenSize); \(model.headCount) heads of "
                + "\(model.headSize), \(model.keyValueHeadCount) of keys and values; feed-forward width "
                + "\(model.intermediateSize); \(model.vocabularySize) tokens; at most \(model.positionsMax) positions; "
                + "output head \(model.tiesEmbedding ? "tied to the embedding" : "of its own")"
        )
    }

    private mutating func describeAttention() {
        let kinds = (0..<model.layerCount).map { layer in
            let kind = type(of: model.attention(layer: layer)).name
            let window = model.block(layer).window
            return window.map { "\(kind), the last \($0) positions" } ?? kind
        }
        addByBlock("attention", kinds)
    }

    private mutating func describePositions() {
        let positions = (0..<model.layerCount).map { layer -> String in
            guard let rotary = model.rotary(layer: layer) else { return "none" }
            var text = "rotary, θ = \(rotary.theta.plain)"
            if rotary.turnedShare != 1 { text += ", \(rotary.turnedShare.plain) of each head" }
            switch rotary.scaling {
            case .none: break
            case .linear(let factor): text += ", linear scaling by \(factor.plain)"
            case .dynamic(let factor): text += ", dynamic scaling by \(factor.plain)"
            case .llama3(let rule): text += ", llama3 scaling by \(rule.factor.plain) from \(rule.original)"
            case .yarn(let rule): text += ", YaRN scaling by \(rule.factor.plain) from \(rule.original)"
            case .long(let rule): text += ", LongRoPE from \(rule.original)"
            }
            return text
        }
        addByBlock("positions", positions)
    }

    private mutating func describeFeatures() {
        var features = [
            "RMSNorm with ε = \(model.normEpsilon)",
            model.activation == .silu ? "SwiGLU" : "GEGLU (tanh)",
        ]
        if !model.biasedModules.isEmpty {
            features.append("biases on \(model.biasedModules.sorted().joined(separator: ", "))")
        }
        if model.normalisesHeads { features.append("norms of each head's queries and keys") }
        if model.hasOuterNorms { features.append("norms behind attention and feed-forward layer") }
        if model.normOffset != 0 { features.append("norm weights + \(model.normOffset)") }
        if model.embeddingScale != 1 {
            features.append("embeddings × \(model.embeddingScale)")
        }
        if let scalar = model.attentionScalar { features.append("scores / √\(scalar.plain)") }
        if let cap = model.attentionCap { features.append("scores capped at \(cap)") }
        if let cap = model.logitCap { features.append("logits capped at \(cap)") }
        add("features", features.joined(separator: "; "))
    }

    private mutating func describeModules() {
        let maps = (0..<model.layerCount).map { layer in
            model.modules(layer: layer).map { "\($0.name) [\($0.rows), \($0.columns)]" }
                .joined(separator: ", ")
        }
        addByBlock("linear maps", maps)
    }

    private mutating func describeTensors() throws {
        var counts: [String: Int] = [:]
        for name in checkpoint.tensors.names {
            guard let tensor = try checkpoint.tensors.tensor(name) else { continue }
            counts[tensor.encoding.name, default: 0] += 1
        }
        let types = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($1) \($0)" }
        add("tensors", types.joined(separator: ", "))
    }

    private mutating func describeText() {
        do {
            let tokenizer = try checkpoint.makeTokenizer()
            var parts = ["\(tokenizer.kind)", "\(tokenizer.vocabularySize) ids"]
            for (what, id) in [("begins", tokenizer.bos), ("ends", tokenizer.eos)] {
                guard let id, let token = tokenizer.token(of: id) else { continue }
                parts.append("\(what) with '\(token)' (\(id))")
            }
            add("tokenizer", parts.joined(separator: ", "))
            describeTemplate(tokenizer)
        } catch {
            add("tokenizer", "not read: \(error)")
        }
    }

    private mutating func describeTemplate(_ tokenizer: any Tokenizer) {
        do {
            guard let source = try checkpoint.templates().source(file: checkpoint.path) else {
                return add("chat template", "none")
            }
            _ = try ChatTemplate(source, tokenizer: tokenizer)
            add("chat template", "\(source.text.count) characters")
        } catch {
            add("chat template", "not read: \(error)")
        }
    }

    private mutating func describeIdentity() throws {
        let weights = try checkpoint.weightsIdentity().digest
        let templates = try checkpoint.templates()
        let tokenizer = Checkpoint.tokenizerDigest(try? checkpoint.makeTokenizer(), templates)
        let configuration = try checkpoint.canonicalConfiguration()
        let whole = Checkpoint.identity(weights: weights, configuration: configuration, tokenizer: tokenizer)
        add("SHA-256 of the weights", "\(weights)")
        add("SHA-256 of the tokenizer and its template", "\(tokenizer)")
        add("SHA-256 of the model", "\(whole)")
    }

    /// A property of blocks, with those that share it in one line.
    private mutating func addByBlock(_ name: String, _ values: [String]) {
        var found: [(value: String, blocks: [Int])] = []
        for (layer, text) in values.enumerated() {
            if let place = found.firstIndex(where: { $0.value == text }) {
                found[place].blocks.append(layer)
            } else {
                found.append((text, [layer]))
            }
        }
        guard found.count > 1 else { return add(name, "\(found.first?.value ?? "none") in every block") }
        for (text, blocks) in found { add(name, "\(text) in blocks \(Self.ranges(blocks))") }
    }

    /// `0-2, 4`.
    private static func ranges(_ numbers: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ", ")
    }

    /// What the checkpoint says of its licence: `general.license` of GGUF, or `license:` at the head of a folder's
    /// README.md.
    private var licence: String {
        if case .string(let text)? = checkpoint.metadata["general.license"] { return text }
        let page = "\(checkpoint.path)/README.md"
        if checkpoint.form == .huggingFace, access(page, R_OK) == 0,
            let bytes = try? ReadableFile.contents(of: page, limit: 1 << 20)
        {
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            for line in lines.prefix(100) where line.hasPrefix("license:") {
                return String(line.dropFirst("license:".count).drop { $0 == " " })
            }
        }
        return "not stated"
    }
}

extension Double {
    /// A number without the `.0` of whole ones.
    fileprivate var plain: String {
        self == rounded() && magnitude < 1e15 ? "\(Int64(self))" : "\(self)"
    }
}
