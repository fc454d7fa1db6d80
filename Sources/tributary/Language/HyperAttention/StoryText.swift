internal import Randomness

/// A small made-up language, written in characters, whose sentences need more than the last word to go on: idioms
/// whose noun depends on verb and preposition together, counts that are added up, words that are echoed.
///
/// The words and the idioms are drawn from a seed; text is drawn from streams of its own, so that a test text is
/// new text of the language that was trained on.
struct StoryText: Sendable {
    /// The characters, each a token: its index is the id.
    static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789 .:")

    private let verbs: [[Character]]
    private let prepositions: [[Character]]
    private let nouns: [[Character]]
    private let names: [[Character]]
    private let fillers: [[Character]]
    /// For verb and preposition, the noun that ends the idiom.
    private let idioms: [[Int]]

    /// Makes a language.
    init(seed: UInt64) {
        var stream = RandomStream(seed: seed, "story", "language")
        var taken: Set<[Character]> = []
        func words(_ count: Int, _ length: Int) -> [[Character]] {
            var words: [[Character]] = []
            while words.count < count {
                let word = (0..<length).map { _ in StoryText.alphabet[stream.below(26)] }
                if taken.insert(word).inserted { words.append(word) }
            }
            return words
        }
        verbs = words(8, 4)
        prepositions = words(8, 2)
        nouns = words(16, 4)
        names = words(6, 3)
        fillers = words(12, 3)
        idioms = (0..<8).map { _ in (0..<8).map { _ in stream.below(16) } }
    }

    /// A text of `count` tokens.
    func tokens(_ count: Int, from stream: inout RandomStream) -> [Int32] {
        var text: [Character] = []
        while text.count < count { text += sentence(from: &stream) }
        return text.prefix(count).map { Int32(StoryText.alphabet.firstIndex(of: $0) ?? 0) }
    }

    private func sentence(from stream: inout RandomStream) -> [Character] {
        switch stream.below(3) {
        case 0:
            let (verb, preposition) = (stream.below(verbs.count), stream.below(prepositions.count))
            let between = (0..<1 + stream.below(2)).map { _ in fillers[stream.below(fillers.count)] }
            let noun = nouns[idioms[verb][preposition]]
            return join([verbs[verb]] + between + [prepositions[preposition], noun]) + [".", " "]
        case 1:
            let name = names[stream.below(names.count)]
            let (first, second) = (stream.below(10), stream.below(10))
            return join([name, digits(first), digits(second), name, digits(first + second)]) + [".", " "]
        default:
            let echoed = (0..<2 + stream.below(2)).map { _ in fillers[stream.below(fillers.count)] }
            return join(echoed) + [":", " "] + join(echoed) + [".", " "]
        }
    }

    private func digits(_ value: Int) -> [Character] { Array("\(value)") }

    private func join(_ words: [[Character]]) -> [Character] { Array(words.joined(separator: [" "])) }
}
