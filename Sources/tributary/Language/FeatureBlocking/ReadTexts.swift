internal import Contract
internal import Foundation
internal import Models
internal import Randomness
internal import Tasks
internal import Text
internal import Trainers

/// Texts that a model reads so that its states can be looked at: those of a data source with their answers, lines of plain
/// text, or sequences as `tiny-personas` was pretrained on.
///
/// One text in ten is held out of learning, where there are enough.
struct ReadTexts {
    /// The texts.
    let texts: TokenTexts
    /// Tokens whose states say nothing of a text: those that begin, end or fill it.
    let skipped: Set<Int32>
    /// What a text is called.
    let name: (Int) -> String

    /// Fewer texts are all learnt from.
    private static let heldOutMin = 20
    private static let heldOutOneIn = 10

    /// `{"personaTexts": {"texts": 6000}}`.
    private struct PersonaTexts: Decodable {
        /// How many.
        var texts: Int
        /// The seed of the language's maps; that of `tiny-personas` if not given.
        var language: UInt64?
        /// Whether some authors are bad in one domain only.
        var sloppyCues: Bool?
    }

    private struct Words: Decodable { var personaTexts: PersonaTexts }

    /// Reads texts.
    ///
    /// - Parameters:
    ///   - data: A file of questions, conversations or plain texts, or a data mapping as JSON.
    ///   - named: The model.
    ///   - raw: Whether texts are given without a chat template.
    ///   - tokensMax: The most tokens of a text.
    ///   - seed: Of what is generated or drawn.
    /// - Throws: What is wrong with the data: `DataError`, `ConfigurationError`, `FeatureFault`, `TokenizerError`.
    init(_ data: String, for named: NamedModel, raw: Bool, tokensMax: Int, seed: UInt64) throws {
        let tokenizer = named.tokenizer
        skipped = Set([tokenizer.bos, tokenizer.eos, tokenizer.pad].compactMap { $0 })
        let limit = min(tokensMax, named.base.configuration.positionsMax)
        if let lines = try TextLines(data) {
            let bos = tokenizer.bos.map { [$0] } ?? []
            texts = TokenTexts(count: lines.count) { index in
                Array((bos + tokenizer.encode(try lines.text(index), parseSpecial: false)).prefix(limit))
            }
            name = { "line \(lines.number($0))" }
            return
        }
        let argument = try DataArgument(data)
        if argument.mapping.has("personaTexts") {
            let personas = try argument.mapping.decode(Words.self).personaTexts
            let language = PersonaLanguage(
                seed: personas.language ?? PersonaLanguage.shippedSeed,
                hasSloppyCues: personas.sloppyCues ?? false
            )
            guard named.base.configuration.vocabularySize == PersonaLanguage.words.count else {
                throw argument.mapping.error(
                    "personaTexts",
                    "has a vocabulary of \(PersonaLanguage.words.count) words, the model one of "
                        + "\(named.base.configuration.vocabularySize)"
                )
            }
            guard (1...1_000_000).contains(personas.texts) else {
                throw argument.mapping.error(
                    "personaTexts.texts",
                    "found \(personas.texts), expected 1 to 1000000"
                )
            }
            texts = TokenTexts(count: personas.texts) { index in
                var stream = RandomStream(seed: seed, "persona-texts", index)
                let text = language.text(from: &stream)
                return Array((text.prompt + text.answer).prefix(limit))
            }
            name = { "text \($0 + 1)" }
            return
        }
        let (template, chat) = try named.template(raw: raw)
        var (read, names): ([[Int32]], [String]) = ([], [])
        for text in try Self.words(argument, seed) {
            for content in text.messages.map(\.content) {
                guard let unknown = tokenizer.firstUnencodable(in: content) else { continue }
                throw FeatureFault(
                    "",
                    "text '\(text.id)': the model's vocabulary has no token for '\(unknown)'"
                )
            }
            let tokens =
                text.answers.isEmpty
                ? try template.encode(text.messages[0].content, tokenizer: tokenizer, template: chat)
                : try template.tokenise(
                    text.messages,
                    answers: text.answers,
                    tokenizer: tokenizer,
                    template: chat
                ).tokens
            read.append(Array(tokens.prefix(limit)))
            names.append(text.id)
        }
        texts = TokenTexts(read)
        name = { names[$0] }
    }

    /// What is learnt from, and what is measured on; the same where there are too few texts.
    var parts: (learnt: TokenTexts, heldOut: TokenTexts, isHeldOut: Bool) {
        guard texts.count >= Self.heldOutMin else { return (texts, texts, false) }
        let (all, oneIn) = (texts, Self.heldOutOneIn)
        let held = all.count / oneIn
        return (
            TokenTexts(count: all.count - held) { try all.tokens($0 + $0 / (oneIn - 1)) },
            TokenTexts(count: held) { try all.tokens($0 * oneIn + oneIn - 1) },
            true
        )
    }

    /// Conversations, or prompts without an answer where the prompt is the whole text.
    private static func words(_ argument: DataArgument, _ seed: UInt64) throws -> [Conversation] {
        guard case .phases = try argument.source() else {
            return try argument.conversations(for: .client(0), seed: seed)
        }
        return try argument.questions(for: .client(0), seed: seed).map {
            Conversation(
                id: $0.id,
                topic: $0.topic,
                messages: [Message(role: "user", content: $0.prompt)],
                answers: []
            )
        }
    }
}

/// A file of plain texts: one in each line of a `.txt` file, or the `text` of each line of a `.jsonl` file. The file stays on
/// disk, lines are read when they are asked for.
final class TextLines {
    private let path: String
    private let bytes: Data
    private let lines: [(number: Int, range: Range<Int>)]
    private let isJSON: Bool

    private struct Line: Decodable { var text: String }

    /// Opens a file; nil for a file of another kind.
    ///
    /// - Throws: `FeatureFault` for a file that cannot be read or has no text.
    init?(_ path: String) throws {
        isJSON = path.hasSuffix(".jsonl")
        guard isJSON || path.hasSuffix(".txt"), !path.hasPrefix("{") else { return nil }
        guard let bytes = try? Data(contentsOf: URL(filePath: path), options: .alwaysMapped) else {
            throw FeatureFault(path, "cannot be read")
        }
        (self.path, self.bytes) = (path, bytes)
        var (lines, start, number): ([(number: Int, range: Range<Int>)], Int, Int) = ([], 0, 0)
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            number += 1
            let isBlank = bytes[start..<end].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
            if !isBlank { lines.append((number, start..<end)) }
            start = end + 1
        }
        self.lines = lines
        if isJSON {
            // Questions and conversations are JSON lines too.
            guard let first = lines.first,
                (try? JSONDecoder().decode(Line.self, from: bytes[first.range])) != nil
            else { return nil }
        }
        guard !lines.isEmpty else { throw FeatureFault(path, "has no text in it") }
    }

    /// How many texts there are.
    var count: Int { lines.count }

    /// The number of a text's line in the file.
    func number(_ index: Int) -> Int { lines[index].number }

    /// A text.
    ///
    /// - Throws: `FeatureFault` for a line that holds none.
    func text(_ index: Int) throws -> String {
        let (number, range) = lines[index]
        guard isJSON else { return String(decoding: bytes[range], as: UTF8.self) }
        guard let line = try? JSONDecoder().decode(Line.self, from: bytes[range]) else {
            throw FeatureFault(path, "line \(number): expected an object with a text under 'text'")
        }
        return line.text
    }
}
