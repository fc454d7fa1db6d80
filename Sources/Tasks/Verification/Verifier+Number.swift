// Which number a response ends with.

extension Verifier {
    /// Whether a response's final number equals the answer.
    static func isSameNumber(_ response: String, _ answer: String) -> Bool {
        if let right = Rational(parsing: answer), finalNumber(in: response) == right { return true }
        // What is no number for us, as 70, 110 is none, may still be the answer word by word.
        guard let boxed = lastBoxed(in: spoken(response)) else { return false }
        return !trimmed(answer).isEmpty && MathText.areEqual(boxed, as: answer)
    }

    /// The number behind the last `####`, else in the last `\boxed{}`, else behind the last "answer is",
    /// else the last one.
    ///
    /// Where one of these is there and is no number, there is none: nothing is looked for elsewhere.
    private static func finalNumber(in response: String) -> Rational? {
        let text = spoken(response)
        let bytes = Array(text.utf8)
        if let mark = lastRange(of: "####", in: bytes) {
            let rest = String(decoding: bytes[mark.upperBound...], as: UTF8.self)
            if !rest.contains("\\boxed"), !rest.contains("\\fbox"), let stated = marked(rest) {
                return stated.value
            }
        }
        if hasBox(text) {
            return lastBoxed(in: text).flatMap { Rational(parsing: $0, readsDecimalCommas: true) }
        }
        let reader = NumberReader(bytes: MathText.plain(text), readsDecimalCommas: true)
        if let sentence = reader.answerSentence() { return reader.stated(in: sentence) }
        return reader.last()
    }

    /// The number that begins the line behind a `####`; nil if the line is a heading.
    private static func marked(_ text: String) -> (value: Rational?, Void)? {
        let line = trimmed(
            text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        )
        let plain = MathText.plain(line.isEmpty ? trimmed(text) : line)
        let reader = NumberReader(bytes: plain, readsDecimalCommas: true)
        let numbers = reader.numbers(in: 0..<plain.count)
        guard let first = numbers.first else { return nil }
        // A heading such as "#### Step 2" has words before its number.
        let words = plain[..<first.start].contains(where: MathText.isLetter)
        guard !words || String(decoding: plain, as: UTF8.self).lowercased().contains("answer") else {
            return nil
        }
        return (first.value, ())
    }

    /// What a response says in the end: what is in its last `<answer>`, and behind what it thinks before.
    static func spoken(_ response: String) -> String {
        var text = response
        if let thought = text.ranges(of: "</think>").last,
            !trimmed(String(text[thought.upperBound...])).isEmpty
        {
            text = String(text[thought.upperBound...])
        }
        if let open = text.ranges(of: "<answer>").last {
            let rest = text[open.upperBound...]
            text = String(rest.ranges(of: "</answer>").first.map { rest[..<$0.lowerBound] } ?? rest)
        }
        return text
    }
}

extension NumberReader {
    /// A number among words.
    struct Found {
        var start: Int
        var end: Int
        /// Nil where the digits are part of something else: a power, a root, a time, a name.
        var value: Rational?
        /// Whether it stands in round brackets.
        var isAside: Bool
    }

    /// The last number: outside of brackets if there is one, as in "5 apples (out of 12)".
    func last() -> Rational? {
        let numbers = numbers(in: 0..<bytes.count)
        let outside = numbers.filter { !$0.isAside }
        let candidates = outside.isEmpty ? numbers : outside
        guard let last = candidates.last else { return nil }
        // "18 or 19" leaves it open.
        if let before = candidates.dropLast().last, words(before.end..<last.start) == ["or"] { return nil }
        return last.value
    }

    /// Where the last sentence that states an answer begins and ends, behind "answer is" or "answer:".
    func answerSentence() -> Range<Int>? {
        let lower = bytes.map { ($0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z")) ? $0 | 0x20 : $0 }
        var end = bytes.count
        while let place = Verifier.lastRange(of: "answer", in: Array(lower[..<end])) {
            end = place.lowerBound
            if let start = linked(lower, from: place.upperBound) { return start..<sentenceEnd(from: start) }
        }
        return nil
    }

    /// Behind the word or sign that links an answer to what it is, at most six words on.
    private func linked(_ lower: [UInt8], from start: Int) -> Int? {
        var index = start
        var count = 0
        while index < lower.count, count <= 6 {
            let byte = lower[index]
            if byte == UInt8(ascii: ":") || byte == UInt8(ascii: "=") {
                return lower[(index + 1)...].firstIndex { !" \n\r\t*$:=".utf8.contains($0) } ?? lower.count
            }
            if MathText.isLetter(byte) {
                let word = lower[index...].prefix(while: MathText.isLetter)
                index = word.endIndex
                count += 1
                if ["is", "are", "was", "be", "equals"].contains(String(decoding: word, as: UTF8.self)) {
                    return lower[index...].firstIndex { !" \n\r\t*$:=".utf8.contains($0) } ?? lower.count
                }
            } else if MathText.isDigit(byte) {
                return count == 0 ? index : nil
            } else if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "\n") {
                return nil
            } else {
                index += 1
            }
        }
        return nil
    }

    private func sentenceEnd(from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { return index }
            if [UInt8(ascii: "."), UInt8(ascii: "?")].contains(bytes[index]),
                byte(index + 1).map({ $0 <= UInt8(ascii: " ") }) ?? true
            {
                return index
            }
            index += 1
        }
        return index
    }

    /// The number that a sentence behind "answer is" states: the first, or the one behind its last equals
    /// sign.
    func stated(in sentence: Range<Int>) -> Rational? {
        let equals = bytes[sentence].lastIndex(of: UInt8(ascii: "="))
        let numbers = numbers(in: sentence)
        let after = numbers.filter { $0.start > (equals ?? sentence.lowerBound - 1) }
        let outside = after.filter { !$0.isAside }
        let candidates = outside.isEmpty ? after : outside
        guard let first = candidates.first else { return nil }
        let before = words((equals ?? sentence.lowerBound)..<first.start)
        guard !before.contains(where: { ["not", "neither", "cannot"].contains($0) || $0.hasSuffix("n't") })
        else {
            return nil
        }
        guard let second = candidates.dropFirst().first else { return first.value }
        let between = words(first.end..<second.start)
        if between == ["or"] { return nil }
        let isWorkedOut =
            between.first.map {
                ["times", "plus", "minus", "divided", "multiplied", "cdot", "more", "less"].contains($0)
            }
            ?? bytes[first.end..<second.start].contains { "+-*/".utf8.contains($0) }
        return isWorkedOut ? candidates.last?.value : first.value
    }

    /// The words in a range, in lower case.
    private func words(_ range: Range<Int>) -> [String] {
        String(decoding: bytes[range], as: UTF8.self).lowercased().split { !$0.isLetter && $0 != "'" }.map(
            String.init
        )
    }

    // MARK: - Numbers among words

    /// Every number in a range, in order.
    func numbers(in range: Range<Int>) -> [Found] {
        var found: [Found] = []
        var depth = 0
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth = Swift.max(0, depth - 1) }
            let begins = MathText.isDigit(byte) || byte == UInt8(ascii: ".") && isDigit(index + 1)
            guard begins || isCommand("frac", at: index), let match = number(at: index) else {
                index = byte == UInt8(ascii: "\\") ? MathText.command(in: bytes, at: index) : index + 1
                continue
            }
            let (isNegative, start) = minus(before: index)
            let isAlone = isAlone(from: index, signedFrom: start, to: match.end)
            found.append(
                Found(
                    start: start,
                    end: match.end,
                    value: isAlone ? (isNegative ? match.value?.negated : match.value) : nil,
                    isAside: depth > 0
                )
            )
            index = isAlone ? unitEnd(from: match.end) : match.end
        }
        return found
    }

    /// Behind the unit with an exponent that follows a number, as in 7 cm^2; the index itself if none does.
    private func unitEnd(from index: Int) -> Int {
        let start = skippingSpaces(index)
        let word = bytes[start...].prefix(while: MathText.isLetter)
        let isUnit = UnitWords.isUnit(
            String(decoding: word, as: UTF8.self),
            isAdjacent: word.count > 1 && start == index,
            isFirst: true
        )
        let digit = bytes[word.endIndex...].drop { "^{".utf8.contains($0) }
        guard isUnit, byte(word.endIndex) == UInt8(ascii: "^"), isDigit(digit.startIndex) else {
            return index
        }
        return digit.startIndex + 1
    }

    /// Whether a minus stands before an index, and is no operator between two numbers.
    private func minus(before index: Int) -> (isNegative: Bool, start: Int) {
        var end = index
        while byte(end - 1) == UInt8(ascii: "$") { end -= 1 }
        // "= - 5" has a sign, "- 5" at the beginning of a line a bullet.
        if byte(end - 1) == UInt8(ascii: " "), byte(end - 2) == UInt8(ascii: "-") {
            let before = bytes[..<(end - 2)].last { $0 != UInt8(ascii: " ") }
            guard before == UInt8(ascii: "=") else { return (false, index) }
            end -= 1
        }
        guard byte(end - 1) == UInt8(ascii: "-") else { return (false, index) }
        guard let previous = byte(end - 2) else { return (true, end - 1) }
        let isOperator =
            MathText.isLetter(previous) || MathText.isDigit(previous) || ")}-".utf8.contains(previous)
        return (!isOperator, end - 1)
    }

    /// Whether digits are a number of their own: no part of a name, a power, a root, a time, a version, a
    /// formula.
    private func isAlone(from index: Int, signedFrom start: Int, to end: Int) -> Bool {
        if let before = byte(index - 1) {
            if MathText.isLetter(before) || "_^".utf8.contains(before) { return false }
            if before == UInt8(ascii: ".") || before == UInt8(ascii: ":"), isDigit(index - 2) { return false }
            if before == UInt8(ascii: "/") { return false }
        }
        let outer = bytes[..<start].lastIndex { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "$") } ?? -1
        if let before = byte(outer) {
            if before == UInt8(ascii: "^") || before == UInt8(ascii: "_") { return false }
            if before == UInt8(ascii: "{"), !["text", "boxed"].contains(command(endingAt: outer)) {
                return false
            }
            if byte(start - 1) != UInt8(ascii: "$"), binding.contains(command(endingAt: outer + 1)) {
                return false
            }
        }
        return isFree(at: end)
    }

    /// Whether nothing that belongs to a number follows.
    private func isFree(at end: Int) -> Bool {
        let next = skippingSpaces(end)
        if byte(next) == UInt8(ascii: "\\") {
            let name = String(
                decoding: bytes[(next + 1)..<MathText.command(in: bytes, at: next)],
                as: UTF8.self
            )
            return !binding.contains(name)
        }
        guard let after = byte(end) else { return true }
        if bytes[end...].starts(with: "^\\circ".utf8) { return true }
        if after == UInt8(ascii: "^") || after == UInt8(ascii: "_") { return false }
        if after == UInt8(ascii: ":") || after == UInt8(ascii: "."), isDigit(end + 1) { return false }
        if after == UInt8(ascii: "/") {
            return (byte(end + 1).map(MathText.isLetter) ?? false) && isWord(at: end + 1)
        }
        guard MathText.isLetter(after) else { return true }
        return isWord(at: end)
    }

    private func isWord(at start: Int) -> Bool {
        let word = String(decoding: bytes[start...].prefix(while: MathText.isLetter), as: UTF8.self)
        let isOneLetter = word.utf8.count == 1
        return isOneLetter
            ? ["m", "g", "s", "h", "L", "l", "C", "F", "K"].contains(word)
            : UnitWords.isUnit(word, isAdjacent: true, isFirst: true)
    }

    /// The name of the command that ends before an index; empty if none does.
    private func command(endingAt end: Int) -> String {
        var start = end
        while start > 0, MathText.isLetter(bytes[start - 1]) { start -= 1 }
        guard start > 0, start < end, bytes[start - 1] == UInt8(ascii: "\\") else { return "" }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// The commands that make a number beside them part of a formula.
    private var binding: Set<String> {
        [
            "sqrt", "pi", "pm", "mp", "cdot", "times", "div", "frac", "sin", "cos", "tan", "cot", "sec",
            "csc", "log",
            "ln", "overline", "theta", "alpha", "beta", "infty",
        ]
    }
}
