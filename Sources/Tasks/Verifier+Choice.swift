// Which option a response chooses. A response that names several, or none, chooses nothing.

extension Verifier {
    /// The option chosen, in upper case for letters and lower case for words.
    static func choice(in response: String, answer: String) -> String? {
        let right = normalised(answer)
        let isLetter = right.count == 1 && right.first?.isLetter == true
        if let boxed = lastBoxed(in: response) {
            let inside = words(in: boxed).filter { $0.text != "text" && $0.text != "textbf" }
            if inside.count == 1 { return normalised(inside[0].text) }
        }
        let all = words(in: response)
        return isLetter ? letter(in: all) : word(in: all, or: right)
    }

    /// An option as it is compared.
    static func normalised(_ option: String) -> String {
        let text = trimmed(option)
        return text.count == 1 ? text.uppercased() : text.lowercased()
    }

    /// A word and what follows it at once.
    private struct Word {
        var text: String
        /// The word in lower case that follows after one space, as behind the article in "A patient".
        var next: String?

        /// Whether this is an article or a pronoun rather than an option.
        var isPartOfSpeech: Bool {
            let verbs: Set = ["is", "or", "and", "nor", "because", "since", "as", "but"]
            return (text == "A" && next.map { !verbs.contains($0) } ?? false) || (text == "I" && next != nil)
        }

        var isOptionLetter: Bool {
            text.utf8.count == 1
                && text.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        }
    }

    private static func letter(in words: [Word]) -> String? {
        // "The answer is B", "Answer: (B)"; the last time it is said counts.
        if let said = words.lastIndex(where: { $0.text.lowercased() == "answer" }) {
            let fillers: Set = [
                "is", "would", "be", "option", "choice", "the", "correct", "letter", "therefore",
            ]
            let rest = words[(said + 1)...].drop { fillers.contains($0.text.lowercased()) }
            if let first = rest.first, first.isOptionLetter, !first.isPartOfSpeech {
                return first.text
            }
        }
        if let first = words.first, first.isOptionLetter, first.next == nil { return first.text }
        if words.count == 1, words[0].text.utf8.count == 1 { return words[0].text.uppercased() }
        let letters = Set(words.filter { $0.isOptionLetter && !$0.isPartOfSpeech }.map(\.text))
        return letters.count == 1 ? letters.first : nil
    }

    private static func word(in words: [Word], or right: String) -> String? {
        let options: Set = ["yes", "no", "maybe", right]
        let said = words.map { $0.text.lowercased() }
        if let place = said.lastIndex(of: "answer") {
            let rest = said[(place + 1)...].drop { $0 == "is" }
            if let first = rest.first, options.contains(first) { return first }
        }
        if let first = said.first, options.contains(first) { return first }
        let named = Set(said.filter { options.contains($0) })
        return named.count == 1 ? named.first : nil
    }

    private static func words(in text: String) -> [Word] {
        var words: [Word] = []
        var current = ""
        let characters = Array(text)
        for (index, character) in characters.enumerated() {
            let isPart = character.isLetter || character.isNumber || character == "'"
            if isPart { current.append(character) }
            let isLast = index == characters.count - 1
            guard !current.isEmpty, !isPart || isLast else { continue }
            var next: String?
            if !isPart, character == " ", !isLast, characters[index + 1].isLowercase {
                next = String(characters[(index + 1)...].prefix { $0.isLetter })
            }
            words.append(Word(text: current, next: next))
            current = ""
        }
        return words
    }
}
