extension ChatTemplate {
    /// The conversation as ids to learn from.
    ///
    /// An answer is what the template adds for its turn behind the prompt that asks for it, up to the first special
    /// token behind its text; a template that says itself what a model writes (`{% generation %}`) is believed. Each
    /// answer is encoded apart from the prompt before it, as it is when a model generates it.
    ///
    /// - Parameters:
    ///   - messages: The turns.
    ///   - answers: Which of them are learned from, ascending, at least one.
    ///   - tokenizer: The model's tokenizer.
    /// - Returns: The tokens up to the last answer's end.
    /// - Throws: `TokenizerError`: as `render` does, and where the template writes the beginning of a conversation
    ///   in another way than the whole of it.
    package func tokenise(
        _ messages: [Message],
        answers: [Int],
        tokenizer: any Tokenizer
    ) throws(TokenizerError) -> TokenisedConversation {
        guard let last = answers.last else { return TokenisedConversation(tokens: [], answers: []) }
        let turns = Array(messages[...last])
        let whole = try render(turns, addGenerationPrompt: false)
        let ranges =
            whole.generations.isEmpty
            ? try ranges(of: answers, in: turns, whole) : try generations(of: answers, in: turns, whole)
        let bytes = Array(whole.text.utf8)
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        func encode(_ range: Range<Int>) -> [Int32] {
            tokenizer.encode(text(range), plain: ChatTemplate.parts(of: whole.plain, in: range))
        }
        // What follows a cut, without the space that some vocabularies put before a text.
        func encode(_ range: Range<Int>, behind tokens: [Int32]) -> [Int32] {
            let all = encode(0..<range.upperBound)
            if all.starts(with: tokens) { return Array(all[tokens.count...]) }
            let lineBreak = tokenizer.encode("\n", parseSpecial: false)
            let plain = ChatTemplate.parts(of: whole.plain, in: range).map {
                $0.lowerBound + 1..<$0.upperBound + 1
            }
            let joined = tokenizer.encode("\n" + text(range), plain: plain)
            return joined.starts(with: lineBreak) ? Array(joined[lineBreak.count...]) : encode(range)
        }
        var result = TokenisedConversation(tokens: [], answers: [])
        for (place, range) in ranges.enumerated() {
            let next = place + 1 < ranges.count ? ranges[place + 1].lowerBound : range.upperBound
            if place == 0 { result.tokens = encode(0..<range.lowerBound) }
            let first = result.tokens.count
            let ids = encode(range.lowerBound..<next, behind: result.tokens)
            let said = encode(range, behind: result.tokens)
            let contentEnd = ChatTemplate.parts(of: whole.plain, in: range).last?.upperBound ?? 0
            let before = encode(range.lowerBound..<range.lowerBound + contentEnd, behind: result.tokens)
            let ends = said.indices.filter { tokenizer.isSpecial(said[$0]) }
            let opening = before.count(where: tokenizer.isSpecial)
            let count = opening < ends.count ? ends[opening] + 1 : said.count
            guard count > 0 else { throw fault("an answer without a token", "turns with their text") }
            result.tokens += place + 1 < ranges.count ? ids : Array(said[..<count])
            result.answers.append(first..<first + count)
        }
        return result
    }

    /// Where answers are in the text of a conversation: what is added to the prompt that asks for each.
    private func ranges(
        of answers: [Int],
        in turns: [Message],
        _ whole: Rendering
    ) throws(TokenizerError) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for answer in answers {
            let prompt = try render(Array(turns[..<answer]), addGenerationPrompt: true).text
            let answered =
                answer == turns.count - 1
                ? whole.text : try render(Array(turns[...answer]), addGenerationPrompt: false).text
            guard whole.text.utf8.starts(with: answered.utf8) else {
                throw fault(
                    "another text for the first \(answer + 1) turns alone than within \(turns.count)",
                    "a template whose text only grows, or a conversation with one answer"
                )
            }
            guard answered.utf8.starts(with: prompt.utf8) else {
                throw fault(
                    "another text for the prompt of turn \(answer + 1) than before its answer",
                    "a template whose answers stand behind their prompts"
                )
            }
            ranges.append(prompt.utf8.count..<answered.utf8.count)
        }
        return ranges
    }

    /// Where answers are by the template's own word: as many generations as turns of the assistant.
    private func generations(
        of answers: [Int],
        in turns: [Message],
        _ whole: Rendering
    ) throws(TokenizerError) -> [Range<Int>] {
        let spoken = turns.indices.filter { turns[$0].role == "assistant" }
        guard spoken.count == whole.generations.count, answers.allSatisfy(spoken.contains) else {
            throw fault(
                "\(whole.generations.count) {% generation %} blocks for \(spoken.count) turns of the assistant",
                "one each"
            )
        }
        return zip(spoken, whole.generations).filter { answers.contains($0.0) }.map(\.1)
    }

    /// The parts of ranges that are within another, counted from its start.
    private static func parts(of ranges: [Range<Int>], in range: Range<Int>) -> [Range<Int>] {
        ranges.filter { $0.overlaps(range) }.map {
            let part = $0.clamped(to: range)
            return part.lowerBound - range.lowerBound..<part.upperBound - range.lowerBound
        }
    }

    private func fault(_ found: String, _ expected: String) -> TokenizerError {
        .unsupported(file: source.file, field: "chat template", found: found, expected: expected)
    }
}
