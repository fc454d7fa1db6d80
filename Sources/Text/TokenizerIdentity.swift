// What decides which ids a text gets, as bytes in one order: texts with their lengths in front, numbers in
// eight bytes
// with the lowest first. What has no effect is left out, so that two files of one tokenizer agree.

/// Gathers the bytes of a tokenizer's identity and passes them on in parts.
struct IdentityWriter {
    private static let partBytes = 1 << 16

    private var part: [UInt8] = []
    private let body: ([UInt8]) -> Void

    /// Begins an identity of a kind of tokenizer.
    static func write(_ kind: String, to body: ([UInt8]) -> Void, _ content: (inout IdentityWriter) -> Void) {
        withoutActuallyEscaping(body) { body in
            var writer = IdentityWriter(body: body)
            writer.text("tokenizer 1 \(kind)")
            content(&writer)
            if !writer.part.isEmpty { body(writer.part) }
        }
    }

    private init(body: @escaping ([UInt8]) -> Void) { self.body = body }

    /// Adds a number.
    mutating func number(_ value: Int) {
        let bits = UInt64(bitPattern: Int64(value))
        for shift in 0..<8 { part.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift))) }
        guard part.count >= Self.partBytes else { return }
        body(part)
        part.removeAll(keepingCapacity: true)
    }

    /// Adds an id that may be missing.
    mutating func id(_ id: Int32?) { number(id.map(Int.init) ?? -1) }

    /// Adds bytes.
    mutating func bytes(_ bytes: some Collection<UInt8>) {
        part += bytes
        number(bytes.count)
    }

    /// Adds a text.
    mutating func text(_ text: String) { bytes(text.utf8) }
}

extension SubwordTokenizer {
    /// Calls `body` with what decides which ids a text gets.
    package func forEachIdentityPart(_ body: (_ bytes: [UInt8]) -> Void) {
        IdentityWriter.write("subword", to: body) { writer in
            writer.number(tokens.count)
            for id in 0..<tokens.count { writer.bytes(tokens[id]) }
            let sorted = added.sorted { $0.id < $1.id }
            writer.number(sorted.count)
            for entry in sorted { writer.added(entry) }
            switch model {
            case .bytePair(let model): writer.model(model)
            case .unigram(let model): writer.model(model)
            }
            writer.number(stages.normalizers.count)
            for step in stages.normalizers { writer.step(step) }
            writer.number(stages.preTokenizers.count)
            for step in stages.preTokenizers { writer.step(step) }
            writer.id(bos)
            writer.id(eos)
            for ids in [sequenceStart, sequenceEnd] {
                writer.number(ids.count)
                for id in ids { writer.id(id) }
            }
        }
    }
}

extension IdentityWriter {
    /// Adds a vocabulary of whole tokens.
    mutating func vocabulary(_ tokens: [String], _ tokenizer: some Tokenizer) {
        number(tokens.count)
        for (id, token) in tokens.enumerated() {
            text(token)
            number(tokenizer.isSpecial(Int32(id)) ? 1 : 0)
        }
        id(tokenizer.bos)
        id(tokenizer.eos)
    }

    fileprivate mutating func added(_ entry: AddedTokens.Entry) {
        id(entry.id)
        let flags = [
            entry.isSpecial, entry.isNormalized, entry.isSingleWord, entry.stripsLeft, entry.stripsRight,
        ]
        number(flags.reversed().reduce(0) { $0 << 1 | ($1 ? 1 : 0) })
    }

    fileprivate mutating func model(_ model: BytePairModel) {
        text(model.isByteLevel ? "bytes" : model.fallsBackToBytes ? "characters and bytes" : "characters")
        number(model.ignoresMerges ? 1 : 0)
        id(model.losesCharacters ? model.unknown : nil)
        number(model.losesCharacters && model.fusesUnknown ? 1 : 0)
        number(model.merger.pairs.count)
        for pair in model.merger.pairs { number(Int(truncatingIfNeeded: pair)) }
    }

    fileprivate mutating func model(_ model: UnigramModel) {
        text(model.fallsBackToBytes ? "unigram and bytes" : "unigram")
        id(model.unknown)
        number(model.scores.count)
        for score in model.scores { number(Int(truncatingIfNeeded: Int64(bitPattern: score.bitPattern))) }
    }

    fileprivate mutating func step(_ step: Normalizer) {
        switch step {
        case .prepend(let content):
            text("prepend")
            bytes(content)
        case .replace(let found, let content):
            text("replace")
            bytes(found)
            bytes(content)
        case .replacePattern(let pattern, let content):
            text("replace pattern")
            text(pattern.pattern)
            bytes(content)
        case .composed: text("NFC")
        case .precompiled(let map):
            text("precompiled")
            bytes(map.bytes)
        case .strip(let left, let right): text("strip \(left) \(right)")
        }
    }

    fileprivate mutating func step(_ step: PreTokenizer) {
        switch step {
        case .split(let pattern, let behavior, let inverted):
            text("split \(behavior.rawValue) \(inverted)")
            text(pattern.pattern)
        case .metaspace(let sign, let prepending):
            text("metaspace \(prepending.rawValue)")
            bytes(sign)
        case .prefixSpace: text("prefix space")
        }
    }
}
