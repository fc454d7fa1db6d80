/// A place at which a response names an option.
struct OptionMention {
    /// What the options are.
    enum Options {
        /// Single letters.
        case letters
        /// These words, in lower case.
        case words(Set<String>)
    }

    /// The option, normalised.
    private var option: String
    /// Its place among the words.
    private var word: Int
    /// Whether the clause says that it is not this one.
    private var isNegated: Bool
    /// Which list it stands in: "A, B and C" are one, "A. B." are two.
    private var list: Int

    /// The one option that a text chooses.
    ///
    /// Behind the last "answer" that names an option; else the one at the beginning; else the one behind
    /// "correct" or "choose"; else the only one that is named and not ruled out. A list chooses nothing.
    static func chosen(in text: String, _ options: Options, isBoxed: Bool) -> String? {
        let words = Word.all(in: text)
        let mentions = all(in: words, options, isBoxed: isBoxed)
        if let stated = stated(["answer"], words, mentions) { return stated.option }
        if let first = mentions.first, first.word == 0, !first.isNegated, words[0].isSetApart || isBoxed,
            !isEnumeration(mentions, words)
        {
            return option(of: first, mentions)
        }
        if let stated = stated(["correct", "choose", "choosing", "select", "pick"], words, mentions) {
            return stated.option
        }
        let named = Set(mentions.filter { !$0.isNegated }.map(\.option))
        return named.count == 1 ? named.first : nil
    }

    // MARK: - Statements

    /// The option that the last clause with one of some words states; its option is nil if that is a list.
    private static func stated(
        _ keys: Set<String>,
        _ words: [Word],
        _ mentions: [OptionMention]
    ) -> (option: String?, Void)? {
        for place in words.indices.reversed() where keys.contains(words[place].lower) {
            let clause = words[place].sentence
            let near = mentions.filter { words[$0.word].sentence == clause && !$0.isNegated }
            guard
                let mention = near.first(where: { $0.word > place }) ?? near.last(where: { $0.word < place })
            else {
                continue
            }
            return (option(of: mention, mentions), ())
        }
        return nil
    }

    /// The option of a mention; nil if it stands in a list with others.
    private static func option(of mention: OptionMention, _ mentions: [OptionMention]) -> String? {
        let others = mentions.filter { $0.list == mention.list }
        return others.allSatisfy { $0.option == mention.option } ? mention.option : nil
    }

    /// Whether a text goes through the options, each at the beginning of a line or sentence.
    private static func isEnumeration(_ mentions: [OptionMention], _ words: [Word]) -> Bool {
        let leading = mentions.filter { words[$0.word].isLineStart }
        return Set(leading.map(\.option)).count > 1
    }

    // MARK: - Mentions

    private static func all(in words: [Word], _ options: Options, isBoxed: Bool) -> [OptionMention] {
        var mentions: [OptionMention] = []
        for index in words.indices {
            guard let option = option(at: index, words, options, isBoxed: isBoxed) else { continue }
            var mention = OptionMention(option: option, word: index, isNegated: false, list: mentions.count)
            if let last = mentions.last, isList(words, from: last.word, to: index) {
                mention.list = last.list
                mention.isNegated = last.isNegated
            }
            // What follows a word says more about it: "No it does not".
            if case .letters = options, isRuledOut(index, words) { mention.isNegated = true }
            if isDenied(index, after: mentions.last?.word, words) { mention.isNegated = true }
            mentions.append(mention)
        }
        // What rules out the last of a list rules out all of it.
        for index in mentions.indices.reversed().dropFirst()
        where mentions[index].list == mentions[index + 1].list {
            if mentions[index + 1].isNegated { mentions[index].isNegated = true }
        }
        return mentions
    }

    private static func option(at index: Int, _ words: [Word], _ options: Options, isBoxed: Bool) -> String? {
        let word = words[index]
        switch options {
        case .words(let set):
            guard set.contains(word.lower), !(word.lower == "no" && isDeterminer(word)) else { return nil }
            return word.lower
        case .letters:
            guard word.text.utf8.count == 1, let letter = word.text.utf8.first, MathText.isLetter(letter)
            else { return nil }
            if index > 0, names.contains(words[index - 1].lower), words[index - 1].after == " " { return nil }
            if word.lower == word.text {
                let isAlone = words.count == 1 || isBoxed && index == 0
                let isMarked =
                    word.after.hasPrefix(")") || word.before.hasSuffix("(") && word.after.hasPrefix(")")
                let isStated = isBehindStatement(index, words) && (word.after != " " || word.next.isEmpty)
                guard isAlone || isMarked || isStated else { return nil }
            } else if isPartOfSpeech(word) {
                return nil
            }
            return word.text.uppercased()
        }
    }

    /// Whether "no" belongs to what follows, as in "no doubt".
    private static func isDeterminer(_ word: Word) -> Bool {
        word.after == " " && !word.next.isEmpty
            && ![
                "it", "they", "he", "she", "this", "that", "there", "because",
                "since", "as", "and", "or", "but", "yes", "maybe", "is", "i", "we", "not",
            ].contains(word.next.lowercased())
    }

    /// Whether a letter is an article or a pronoun rather than an option, as in "A patient" and "I think".
    private static func isPartOfSpeech(_ word: Word) -> Bool {
        guard word.after == " ", let next = word.next.first, next.isLowercase else { return false }
        if word.text == "I" { return true }
        // An article would be "an" before a vowel; and no article stands before a verb or a conjunction.
        return word.text == "A" && !"aeio".contains(next) && !follows.contains(word.next)
    }

    private static func isBehindStatement(_ index: Int, _ words: [Word]) -> Bool {
        var place = index - 1
        while place >= 0, fillers.contains(words[place].lower) {
            if ["option", "choice", "letter"].contains(words[place].lower) { return true }
            place -= 1
        }
        return place >= 0 && ["answer", "choose", "pick", "select"].contains(words[place].lower)
    }

    /// Whether nothing but separators stands between two mentions.
    private static func isList(_ words: [Word], from first: Int, to second: Int) -> Bool {
        let between = words[(first + 1)..<second]
        guard between.allSatisfy({ ["and", "or", "nor", "option", "both"].contains($0.lower) }) else {
            return false
        }
        let signs = words[first...second].dropLast().map(\.after).joined()
        return signs.allSatisfy { ",/&+|;-()*\"' \u{201C}\u{201D}".contains($0) }
    }

    // MARK: - Negation

    /// Whether what stands before an option rules it out: "it is not B", "rather than B".
    private static func isDenied(_ index: Int, after last: Int?, _ words: [Word]) -> Bool {
        var place = index - 1
        while place > last ?? -1, words[place].clause == words[index].clause,
            !connectives.contains(words[place].lower)
        {
            if isNegation(words[place].lower) || ruling.contains(words[place].lower) { return true }
            if ["than", "of"].contains(words[place].lower), place > 0,
                ["rather", "instead"].contains(words[place - 1].lower)
            {
                return true
            }
            place -= 1
        }
        return false
    }

    /// Whether what stands behind an option rules it out: "B is wrong", "B cannot be", "B is not".
    private static func isRuledOut(_ index: Int, _ words: [Word]) -> Bool {
        var isVerbSeen = false
        for word in words[(index + 1)...].prefix(4) {
            guard word.clause == words[index].clause, !connectives.contains(word.lower) else { return false }
            if wrong.contains(word.lower) || word.lower.hasSuffix("n't") || word.lower == "cannot" {
                return true
            }
            if isVerbSeen, isNegation(word.lower) { return true }
            if word.text.utf8.count == 1, word.text != "A", word.text != "a" { return false }
            if verbs.contains(word.lower) { isVerbSeen = true } else if isVerbSeen { return false }
        }
        return false
    }

    private static func isNegation(_ word: String) -> Bool {
        ["not", "never", "neither", "nor", "cannot", "except", "without"].contains(word)
            || word.hasSuffix("n't")
    }

    private static let ruling: Set = [
        "eliminate", "eliminated", "exclude", "excluded", "excluding", "incorrect", "wrong", "reject",
        "rejected",
        "rule", "ruled", "unlike",
    ]
    private static let wrong: Set = [
        "wrong", "incorrect", "false", "excluded", "eliminated", "unlikely", "out",
    ]
    private static let connectives: Set = [
        "because", "since", "as", "so", "but", "while", "whereas", "although", "if",
    ]
    private static let verbs: Set = [
        "is", "are", "was", "were", "be", "can", "could", "would", "should", "must", "may", "might", "does",
        "do",
        "did", "has", "have", "seems", "looks", "also", "clearly", "definitely", "simply", "ruled",
    ]
    private static let follows: Set = [
        "because", "but", "can", "cannot", "can't", "could", "describes", "does", "doesn't", "fits", "for",
        "has",
        "looks", "makes", "may", "might", "must", "nor", "not", "rather", "seems", "should", "since", "so",
        "than", "that",
        "then", "was", "wasn't", "which", "while", "will", "with", "would", "best", "correctly",
    ]
    private static let fillers: Set = [
        "is", "would", "be", "option", "choice", "the", "correct", "letter", "therefore", "must", "should",
        "right",
    ]
    /// What a letter behind these words names is no option.
    private static let names: Set = [
        "vitamin", "hepatitis", "type", "group", "influenza", "factor", "class", "grade", "stage",
        "immunoglobulin",
        "protein", "phase", "section", "table", "figure",
    ]
}

/// A word of a response and what stands around it.
private struct Word {
    var text: String
    /// The signs between the word before and this one, and between this one and the next.
    var before: String
    var after: String
    /// The next word.
    var next: String
    /// Which sentence, and which clause, it is in.
    var sentence: Int
    var clause: Int
    /// Whether it begins a line or a sentence.
    var isLineStart: Bool

    var lower: String { text.lowercased() }

    /// Whether a sign sets the word apart from what follows, as in "A." and "A:"; or a verb follows.
    var isSetApart: Bool {
        after != " " || next.isEmpty || next.first?.isLowercase == true || next.first?.isNumber == true
    }

    static func all(in text: String) -> [Word] {
        var words: [Word] = []
        var signs = ""
        let characters = Array(text.replacing("\u{2019}", with: "'"))
        var index = 0
        var (sentence, clause) = (0, 0)
        while index < characters.count {
            guard isPart(characters, index) else {
                signs.append(characters[index])
                index += 1
                continue
            }
            var word = ""
            while index < characters.count, isPart(characters, index) {
                word.append(characters[index])
                index += 1
            }
            let ends = signs.contains { ".!?;\n".contains($0) }
            if ends { sentence += 1 }
            if ends || signs.contains(",") { clause += 1 }
            if let last = words.indices.last {
                words[last].after = signs
                words[last].next = word
            }
            words.append(
                Word(
                    text: word,
                    before: signs,
                    after: "",
                    next: "",
                    sentence: sentence,
                    clause: clause,
                    isLineStart: words.isEmpty || ends
                )
            )
            signs = ""
        }
        if let last = words.indices.last { words[last].after = signs }
        return words
    }

    /// Whether a character belongs to a word; an apostrophe does between letters.
    private static func isPart(_ characters: [Character], _ index: Int) -> Bool {
        let character = characters[index]
        if character.isLetter || character.isNumber { return true }
        return character == "'" && index > 0 && characters[index - 1].isLetter && index + 1 < characters.count
            && characters[index + 1].isLetter
    }
}
