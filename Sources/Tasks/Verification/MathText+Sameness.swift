// When two formulas are the same answer.

extension MathText {
    /// Whether two formulas say the same: as texts without what does not change the meaning, or part by
    /// part, where numbers count by value and the parts of a list or a set may come in any order.
    static func areSame(_ left: String, _ right: String) -> Bool {
        let (left, right) = (canonical(left), canonical(right))
        return areEqual(left, right) || areSameParts(left, right)
    }

    /// Whether two formulas are the same text but for spelling.
    static func areEqual(_ left: String, as right: String) -> Bool {
        areEqual(canonical(left), canonical(right))
    }

    /// Canonical texts have a semicolon for a comma with a space behind it, which cannot be a thousands
    /// separator.
    private static func areEqual(_ left: String, _ right: String) -> Bool {
        left.replacing(";", with: ",") == right.replacing(";", with: ",")
    }

    private static func areSameParts(_ left: String, _ right: String) -> Bool {
        if let left = Rational(parsing: left), let right = Rational(parsing: right) { return left == right }
        guard let left = parts(of: left), let right = parts(of: right), left.open == right.open,
            left.close == right.close, left.items.count == right.items.count
        else { return false }
        guard left.isOrdered else {
            var rest = right.items
            for item in left.items {
                guard let index = rest.firstIndex(where: { areSameItems(item, $0) }) else { return false }
                rest.remove(at: index)
            }
            return true
        }
        return zip(left.items, right.items).allSatisfy(areSameItems)
    }

    private static func areSameItems(_ left: String, _ right: String) -> Bool {
        areEqual(left, right) || areSameParts(left, right)
    }

    private struct Parts {
        var open: String
        var items: [String]
        var close: String
        /// Tuples and intervals are; a set in braces and a bare list are not.
        var isOrdered: Bool { open == "(" || open == "[" }
    }

    /// The parts of a list between commas, with the brackets around it; nil for one part without brackets.
    private static func parts(of text: String) -> Parts? {
        var inside = text[...]
        var (open, close) = ("", "")
        for (first, last) in [("(", ")"), ("(", "]"), ("[", ")"), ("[", "]"), ("\\{", "\\}")]
        where text.hasPrefix(first) && text.hasSuffix(last) && text.count > first.count + last.count {
            let rest = text.dropFirst(first.count).dropLast(last.count)
            // "(1,2),(3,4)" begins and ends with brackets of two pairs.
            guard split(rest) != nil else { continue }
            (inside, open, close) = (rest, first, last)
            break
        }
        guard let items = split(inside), items.count > 1 || !open.isEmpty else { return nil }
        return Parts(open: open, items: items, close: close)
    }

    /// A text divided at the commas outside of brackets; nil if brackets close that never opened.
    private static func split(_ text: Substring) -> [String]? {
        var items = [""]
        var depth = 0
        for character in text {
            if "([{".contains(character) { depth += 1 }
            if ")]}".contains(character) { depth -= 1 }
            if depth < 0 { return nil }
            if ",;".contains(character), depth == 0 {
                items.append("")
            } else {
                items[items.count - 1].append(character)
            }
        }
        return depth == 0 ? items : nil
    }

    // MARK: - One spelling

    /// A formula in the spelling in which it is compared.
    private static func canonical(_ formula: String) -> String {
        var text = String(decoding: plain(formula), as: UTF8.self)
        text = withoutUnit(text)
        text = unwrapped(text)
        for name in ["\\approx", "\\in"] { text = text.replacing(name, with: "=") }
        text = text.replacing(", ", with: ";")
        text.removeAll { $0.isWhitespace || $0 == "$" }
        while let last = text.last, ".;".contains(last) { text.removeLast() }
        text = text.replacing("^\\circ", with: "").replacing("%", with: "")
        text = withArguments(Array(text.utf8))
        if let equals = text.lastIndex(of: "="), isName(text[..<equals]) {
            text = String(text[text.index(after: equals)...])
        }
        // "(C)" and "C" choose the same.
        if text.count == 3, text.hasPrefix("("), text.hasSuffix(")"), text.dropFirst().first?.isLetter == true
        {
            text = String(text.dropFirst().dropLast())
        }
        return text
    }

    /// A formula without the unit that ends it: `8\sqrt{3}\text{ square inches}`, `15\text{ cm}^2`.
    private static func withoutUnit(_ text: String) -> String {
        guard let place = text.ranges(of: "\\text").last,
            !text[..<place.lowerBound].allSatisfy(\.isWhitespace),
            let open = text[place.upperBound...].firstIndex(of: "{"),
            let close = text[open...].firstIndex(of: "}")
        else { return text }
        let unit = text[text.index(after: open)..<close]
        let rest = text[text.index(after: close)...].filter { !"^{}23. ".contains($0) }
        let before = text[..<place.lowerBound].last { !$0.isWhitespace }
        let isQuantity = before.map { $0.isNumber || $0.isLetter || ")}".contains($0) } ?? false
        guard rest.isEmpty, isQuantity, unit.count > 1, UnitWords.areUnits(unit.utf8) else { return text }
        return String(text[..<place.lowerBound])
    }

    /// Texts without the command that sets them upright; "and" and "or" between parts count as a comma.
    private static func unwrapped(_ text: String) -> String {
        var text = text
        while let place = text.firstRange(of: "\\text"),
            let open = text[place.upperBound...].firstIndex(where: { !$0.isWhitespace }), text[open] == "{",
            let close = text[open...].firstIndex(of: "}")
        {
            let inside = text[text.index(after: open)..<close].trimmingWhitespace()
            let isJoint = [",and", "and", "or", ",or"].contains(inside)
            text.replaceSubrange(place.lowerBound...close, with: isJoint ? ", " : inside)
        }
        return text.replacing(", ,", with: ", ").replacing(",,", with: ",").replacing(" and ", with: ", ")
    }

    /// The arguments of fractions, roots, powers and indices in braces: `\frac12` as `\frac{1}{2}`, `x_{2}`
    /// as `x_2`.
    private static func withArguments(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        var index = 0
        // How many arguments are still to come.
        var wanted = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\") {
                let end = command(in: bytes, at: index)
                let name = bytes[(index + 1)..<end]
                wanted = name.elementsEqual("frac".utf8) ? 2 : name.elementsEqual("sqrt".utf8) ? 1 : 0
                result += bytes[index..<end]
                index = end
            } else if wanted > 0, isDigit(byte) || isLetter(byte) {
                result += [UInt8(ascii: "{"), byte, UInt8(ascii: "}")]
                wanted -= 1
                index += 1
            } else if byte == UInt8(ascii: "{"), let last = result.last, "^_".utf8.contains(last),
                index + 2 < bytes.count,
                bytes[index + 2] == UInt8(ascii: "}")
            {
                result.append(bytes[index + 1])
                index += 3
            } else if wanted > 0, byte == UInt8(ascii: "{") {
                let end = closing(bytes, index) ?? bytes.count
                result += [UInt8(ascii: "{")]
                result += withArguments(Array(bytes[(index + 1)..<Swift.max(index + 1, end - 1)])).utf8
                result += [UInt8(ascii: "}")]
                wanted -= 1
                index = end
            } else {
                wanted = 0
                result.append(byte)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Behind the brace that closes the one at an index.
    private static func closing(_ bytes: [UInt8], _ start: Int) -> Int? {
        var depth = 0
        for index in start..<bytes.count {
            if bytes[index] == UInt8(ascii: "{") { depth += 1 }
            if bytes[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index + 1 }
        }
        return nil
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.first, first.isLetter || first == "\\" || first == "(" else { return false }
        return text.allSatisfy { $0.isLetter || $0.isNumber || "\\_{}()',;".contains($0) }
            && (first != "(" || text.hasSuffix(")")) && !text.contains("\\{")
    }
}

extension StringProtocol {
    /// The text without white space around it.
    fileprivate func trimmingWhitespace() -> String { Verifier.trimmed(String(self)) }
}
