// A text that is a number and nothing else, apart from what does not change its value: a currency, a per cent
// sign, degrees, a unit, a name before an equals sign.

extension Rational {
    /// Reads a text that is one number.
    ///
    /// - Parameters:
    ///   - text: The text, in TeX or without.
    ///   - readsDecimalCommas: Whether 2,74 is read as 2.74.
    init?(parsing text: String, readsDecimalCommas: Bool = false) {
        var bytes = MathText.plain(text).map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: " ") : $0 }
        bytes.removeAll { $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "\r") }
        guard let value = WholeNumber.value(bytes[...], readsDecimalCommas: readsDecimalCommas) else {
            return nil
        }
        self = value
    }
}

private enum WholeNumber {
    static func value(_ bytes: ArraySlice<UInt8>, readsDecimalCommas: Bool) -> Rational? {
        let stated = statement(in: Array(bytes))
        guard let stated else { return nil }
        let (isNegative, rest) = signed(unwrapped(stated))
        let reader = NumberReader(bytes: Array(unwrapped(rest)), readsDecimalCommas: readsDecimalCommas)
        let (isMoreNegative, start) = reader.sign(at: 0)
        guard let match = reader.number(at: start), let value = match.value,
            reader.isUnit(from: match.end)
        else { return nil }
        return isNegative != isMoreNegative ? value.negated : value
    }

    /// What stands behind the last equals sign and before one of approximation; nil if what is before it is
    /// neither a name nor a sum of numbers, as in 4x − 5y = −50.
    private static func statement(in bytes: [UInt8]) -> ArraySlice<UInt8>? {
        let parts = bytes.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
        guard parts.dropLast().allSatisfy(isName) else { return nil }
        let text = String(decoding: parts[parts.count - 1], as: UTF8.self)
        let halves = text.split(separator: "\\approx", omittingEmptySubsequences: false)
        guard halves.count <= 2, let last = halves.last, let first = halves.first else { return nil }
        // "\approx 11" and "x \approx 11" state what follows, "1/3 \approx 0.33" what precedes.
        let states = halves.count == 2 && first.contains(where: \.isNumber) ? first : last
        if halves.count == 2, states == last, !first.allSatisfy(\.isWhitespace),
            !isName(Array(first.utf8)[...])
        {
            return nil
        }
        return trimmed(Array(states.utf8)[...])
    }

    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        let text = trimmed(bytes)
        guard let first = text.first else { return false }
        if MathText.isLetter(first) || first == UInt8(ascii: "\\") {
            return text.allSatisfy {
                MathText.isLetter($0) || MathText.isDigit($0) || "\\_{}()' ".utf8.contains($0)
            } && !String(decoding: text, as: UTF8.self).contains("\\pm")
        }
        // A sum of numbers: no letters but those of operators, and no list.
        var sum = String(decoding: text, as: UTF8.self)
        for name in ["\\times", "\\cdot", "\\frac", "\\div"] { sum = sum.replacing(name, with: "") }
        return !sum.utf8.contains {
            MathText.isLetter($0) || $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: ";")
        }
            && !sum.contains(", ")
    }

    /// A text without what encloses all of it: brackets, braces, `\text{}` with a number in it, a last full
    /// stop.
    private static func unwrapped(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = trimmed(bytes)
        while true {
            let before = rest.count
            if rest.last == UInt8(ascii: ".") || rest.last == UInt8(ascii: ",") {
                rest = trimmed(rest.dropLast())
            }
            for (open, close) in [("(", ")"), ("{", "}"), ("\\text{", "}"), ("\\boxed{", "}")]
            where rest.starts(with: open.utf8) && rest.last == close.utf8.first {
                let inside = rest.dropFirst(open.utf8.count).dropLast()
                if isBalanced(inside) { rest = trimmed(inside) }
            }
            if rest.count == before { return withoutWords(rest) }
        }
    }

    private static func isBalanced(_ bytes: ArraySlice<UInt8>) -> Bool {
        var depth = 0
        for byte in bytes {
            if byte == UInt8(ascii: "(") || byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: ")") || byte == UInt8(ascii: "}") { depth -= 1 }
            if depth < 0 { return false }
        }
        return depth == 0
    }

    /// A text without the words that may stand before a number, and with the number out of a `\text{}`.
    private static func withoutWords(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        if rest.starts(with: "\\text{".utf8), let end = rest.firstIndex(of: UInt8(ascii: "}")) {
            let inside = rest[(rest.startIndex + 6)..<end]
            if inside.contains(where: MathText.isDigit) {
                rest = trimmed((Array(inside) + Array(" ".utf8) + Array(rest[(end + 1)...]))[...])
            }
        }
        let word = rest.prefix(while: MathText.isLetter)
        guard prefixes.contains(String(decoding: word, as: UTF8.self).lowercased()) else { return rest }
        rest = rest.dropFirst(word.count)
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst() }
        return trimmed(rest)
    }

    private static let prefixes: Set = [
        "about", "approximately", "roughly", "exactly", "rs", "usd", "eur", "gbp", "inr",
    ]

    private static func signed(_ bytes: ArraySlice<UInt8>) -> (isNegative: Bool, rest: ArraySlice<UInt8>) {
        switch bytes.first {
        case UInt8(ascii: "-"): (true, trimmed(bytes.dropFirst()))
        case UInt8(ascii: "+"): (false, trimmed(bytes.dropFirst()))
        default: (false, bytes)
        }
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes.drop { $0 <= UInt8(ascii: " ") }
        while let last = rest.last, last <= UInt8(ascii: " ") { rest = rest.dropLast() }
        return rest
    }
}

extension NumberReader {
    /// Whether there is a sign at an index, and where what follows it begins.
    func sign(at index: Int) -> (isNegative: Bool, end: Int) {
        switch byte(index) {
        case UInt8(ascii: "-"): (true, skippingSpaces(index + 1))
        case UInt8(ascii: "+"): (false, skippingSpaces(index + 1))
        default: (false, index)
        }
    }

    /// Whether nothing but a unit stands behind a number: per cent, degrees, `\text{ cm}^2`, "square feet",
    /// km/h.
    func isUnit(from start: Int) -> Bool {
        var index = start
        var isFirst = true
        while index < bytes.count {
            let next = skippingSpaces(index)
            if next == bytes.count { return true }
            guard let end = unitPart(at: next, isAdjacent: next == start, isFirst: isFirst) else {
                return false
            }
            isFirst = false
            index = end
        }
        return true
    }

    private func unitPart(at index: Int, isAdjacent: Bool, isFirst: Bool) -> Int? {
        if bytes[index...].starts(with: "^\\circ".utf8) { return index + 6 }
        switch byte(index) {
        case UInt8(ascii: "%"): return index + 1
        case UInt8(ascii: "."), UInt8(ascii: ","):
            return skippingSpaces(index + 1) == bytes.count ? index + 1 : nil
        case UInt8(ascii: "/"): return isFirst ? nil : index + 1
        case UInt8(ascii: "^"):
            // The exponent of a unit, never of the number.
            guard !isFirst else { return nil }
            let digits = bytes[(index + 1)...].drop { $0 == UInt8(ascii: "{") }.prefix(
                while: MathText.isDigit
            )
            guard digits.count == 1 else { return nil }
            return byte(digits.endIndex) == UInt8(ascii: "}") ? digits.endIndex + 1 : digits.endIndex
        case UInt8(ascii: "("):
            let inside = bytes[(index + 1)...].prefix { $0 != UInt8(ascii: ")") }
            return UnitWords.areUnits(inside) && inside.endIndex < bytes.count ? inside.endIndex + 1 : nil
        default: break
        }
        if isCommand("text", at: index), byte(skippingSpaces(index + 5)) == UInt8(ascii: "{") {
            let open = skippingSpaces(index + 5)
            let inside = bytes[(open + 1)...].prefix { $0 != UInt8(ascii: "}") && $0 != UInt8(ascii: "{") }
            guard byte(inside.endIndex) == UInt8(ascii: "}"), UnitWords.areUnits(inside) else { return nil }
            return inside.endIndex + 1
        }
        let word = bytes[index...].prefix(while: MathText.isLetter)
        let text = String(decoding: word, as: UTF8.self)
        guard !word.isEmpty, UnitWords.isUnit(text, isAdjacent: isAdjacent, isFirst: isFirst) else {
            return nil
        }
        return word.endIndex
    }
}

/// Which words behind a number are a unit, and which make another number, a list or a time of it.
enum UnitWords {
    /// Whether words in a `\text{}` are a unit.
    static func areUnits(_ bytes: some Collection<UInt8>) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self).replacing("^2", with: "").replacing("^3", with: "")
        guard !text.utf8.contains(where: MathText.isDigit) else { return false }
        let words = text.lowercased().replacing(".", with: "").split { !$0.isLetter }
        return words.allSatisfy { !joining.contains(String($0)) }
    }

    /// Whether a word that stands in a formula is a unit and no variable or function.
    static func isUnit(_ word: String, isAdjacent: Bool, isFirst: Bool) -> Bool {
        let lower = word.lowercased()
        guard !joining.contains(lower), !functions.contains(lower) else { return false }
        guard isFirst else { return true }
        if word.utf8.count == 1 { return !isAdjacent && singleLetters.contains(word) }
        return short.contains(lower) || word.utf8.count >= (isAdjacent ? 4 : 3)
    }

    private static let joining: Set = ["and", "or", "to", "am", "pm", "mod", "base", "not", "nor"]
    private static let functions: Set = [
        "pi", "sqrt", "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "arcsin", "arccos",
        "arctan",
        "theta", "alpha", "beta", "infinity", "inf",
    ]
    private static let singleLetters: Set = [
        "m", "g", "s", "h", "L", "l", "N", "J", "W", "V", "A", "K", "C", "F",
    ]
    private static let short: Set = [
        "cm", "mm", "km", "kg", "mg", "ml", "dl", "cl", "ft", "in", "yd", "mi", "lb", "oz", "hr", "ms", "hz",
        "pa",
        "kw", "db", "kb", "mb", "gb", "cc", "gm", "rs", "us", "kj", "nm", "cal", "mol", "mph", "kph", "rpm",
        "lbs",
        "min", "sec", "hrs", "deg", "rad", "pct", "usd", "eur", "gbp", "inr", "day", "bpm", "mmhg", "of",
        "per",
    ]
}
