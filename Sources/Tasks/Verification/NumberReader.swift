/// Reads the numbers in a text that `MathText` has spelt.
///
/// A number is digits with thousands separators and a decimal part, a fraction, a mixed number, or a power;
/// it is no formula: what would have to be worked out is no answer.
struct NumberReader {
    /// A number in a text, with nil for one that has no value: divided by zero, or too long.
    struct Match {
        var value: Rational?
        var end: Int
    }

    let bytes: [UInt8]
    /// Whether a comma may be a decimal one, as in 2,74.
    var readsDecimalCommas = false

    /// The unsigned number that begins at an index; nil if none does.
    func number(at start: Int) -> Match? {
        if isCommand("frac", at: start) { return fraction(at: start) }
        guard let whole = decimal(at: start) else { return nil }
        if let mixed = mixed(whole, from: start) { return mixed }
        let slash = skippingSpaces(whole.end)
        if byte(slash) == UInt8(ascii: "/"), let below = decimal(at: skippingSpaces(slash + 1)) {
            // 1/2/3 is no number.
            let isChain = byte(below.end) == UInt8(ascii: "/") && isDigit(below.end + 1)
            return Match(value: isChain ? nil : quotient(whole.value, below.value), end: below.end)
        }
        return scientific(whole) ?? power(whole) ?? whole
    }

    // MARK: - Fractions and powers

    /// `\frac{a}{b}`, also without braces: `\frac12`, `\frac 1 2`, `\frac{360}7`.
    private func fraction(at start: Int) -> Match? {
        guard let above = argument(at: start + 5), let below = argument(at: above.end) else { return nil }
        return Match(value: quotient(above.value, below.value), end: below.end)
    }

    /// A signed number in braces, or a single digit.
    private func argument(at start: Int) -> Match? {
        let index = skippingSpaces(start)
        guard byte(index) == UInt8(ascii: "{") else {
            guard isDigit(index) else { return nil }
            return Match(value: Rational(digits: [bytes[index]]), end: index + 1)
        }
        var inside = skippingSpaces(index + 1)
        let isNegative = byte(inside) == UInt8(ascii: "-")
        if isNegative || byte(inside) == UInt8(ascii: "+") { inside = skippingSpaces(inside + 1) }
        guard let match = decimal(at: inside) else { return nil }
        let end = skippingSpaces(match.end)
        guard byte(end) == UInt8(ascii: "}") else { return nil }
        return Match(value: isNegative ? match.value?.negated : match.value, end: end + 1)
    }

    /// `6\frac15` and `1 1/2`: a whole number and a part below one.
    private func mixed(_ whole: Match, from start: Int) -> Match? {
        guard bytes[start..<whole.end].allSatisfy(MathText.isDigit) else { return nil }
        let next = skippingSpaces(whole.end)
        var part: Match?
        if isCommand("frac", at: next) {
            part = fraction(at: next)
        } else if next > whole.end, let above = decimal(at: next), isDigit(next),
            byte(above.end) == UInt8(ascii: "/"),
            let below = decimal(at: above.end + 1)
        {
            part = Match(value: quotient(above.value, below.value), end: below.end)
        }
        guard let part else { return nil }
        // 2\frac{3}{2} is a product, and 12 5/3 two numbers.
        guard let fraction = part.value, fraction.isProper else { return Match(value: nil, end: part.end) }
        return Match(value: whole.value?.adding(fraction), end: part.end)
    }

    /// `1.5e3`, `1.5 \times 10^{3}`.
    private func scientific(_ mantissa: Match) -> Match? {
        var index = mantissa.end
        if let letter = byte(index), letter | 0x20 == UInt8(ascii: "e"),
            let exponent = exponent(at: index + 1)
        {
            return Match(value: scaled(mantissa.value, exponent.value), end: exponent.end)
        }
        index = skippingSpaces(index)
        if isCommand("times", at: index) {
            index += 6
        } else if isCommand("cdot", at: index) {
            index += 5
        } else if let sign = byte(index), sign == UInt8(ascii: "*") || sign | 0x20 == UInt8(ascii: "x") {
            index += 1
        } else {
            return nil
        }
        index = skippingSpaces(index)
        guard bytes[index...].starts(with: "10^".utf8), let exponent = raised(at: index + 3) else {
            return nil
        }
        return Match(value: scaled(mantissa.value, exponent.value), end: exponent.end)
    }

    /// `10^5`, `2^{-3}`.
    private func power(_ base: Match) -> Match? {
        guard byte(base.end) == UInt8(ascii: "^"), let exponent = raised(at: base.end + 1) else { return nil }
        let value = exponent.value.flatMap { base.value?.raised(to: $0) }
        return Match(value: value, end: exponent.end)
    }

    private func scaled(_ mantissa: Rational?, _ exponent: Int?) -> Rational? {
        guard let exponent, let ten = Rational(digits: Array("10".utf8))?.raised(to: exponent) else {
            return nil
        }
        return mantissa?.multiplied(by: ten)
    }

    /// An exponent with or without braces.
    private func raised(at start: Int) -> (value: Int?, end: Int)? {
        for (open, close) in [("{", "}"), ("(", ")")] where bytes[start...].starts(with: open.utf8) {
            guard let inside = exponent(at: skippingSpaces(start + 1)) else { return nil }
            let end = skippingSpaces(inside.end)
            return bytes[end...].starts(with: close.utf8) ? (inside.value, end + 1) : nil
        }
        return exponent(at: start)
    }

    /// A whole exponent with its sign, whose value is nil if it is absurd.
    private func exponent(at start: Int) -> (value: Int?, end: Int)? {
        var index = start
        let isNegative = byte(index) == UInt8(ascii: "-")
        if isNegative || byte(index) == UInt8(ascii: "+") { index += 1 }
        let digits = bytes[index...].prefix(while: MathText.isDigit)
        guard !digits.isEmpty else { return nil }
        let value = digits.count <= 6 ? Int(String(decoding: digits, as: UTF8.self)) : nil
        return (value.map { isNegative ? -$0 : $0 }, digits.endIndex)
    }

    private func quotient(_ above: Rational?, _ below: Rational?) -> Rational? {
        guard let above, let below else { return nil }
        return above.divided(by: below)
    }

    // MARK: - Decimals

    /// Digits with thousands separators and a decimal part; the value is nil if there are too many digits.
    private func decimal(at start: Int) -> Match? {
        var digits: [UInt8] = []
        var index = start
        if let grouped = grouped(at: start) {
            (digits, index) = (grouped.digits, grouped.end)
            if grouped.separator == UInt8(ascii: ".") {
                return fractional(digits, at: index, mark: ",")
                    ?? Match(value: Rational(digits: digits), end: index)
            }
        } else {
            while isDigit(index) {
                digits.append(bytes[index])
                index += 1
            }
        }
        if let match = fractional(digits, at: index, mark: ".") { return match }
        guard index > start else { return nil }
        if readsDecimalCommas, let match = decimalComma(digits, at: index) { return match }
        return Match(value: Rational(digits: digits), end: index)
    }

    /// The decimal part behind a mark, with a recurring part if there is one: `0.1\overline{6}`.
    private func fractional(_ whole: [UInt8], at mark: Int, mark sign: Unicode.Scalar) -> Match? {
        guard byte(mark).map({ UInt32($0) == sign.value }) == true else { return nil }
        let places = bytes[(mark + 1)...].prefix(while: MathText.isDigit)
        let plain = Rational(digits: whole + places, places: places.count)
        if isCommand("overline", at: places.endIndex), byte(places.endIndex + 9) == UInt8(ascii: "{") {
            let recurring = bytes[(places.endIndex + 10)...].prefix(while: MathText.isDigit)
            guard !recurring.isEmpty, recurring.count <= 100, byte(recurring.endIndex) == UInt8(ascii: "}")
            else {
                return nil
            }
            let nines = Array(repeating: UInt8(ascii: "9"), count: recurring.count)
            let zeros = Array(repeating: UInt8(ascii: "0"), count: places.count)
            let part = quotient(Rational(digits: Array(recurring)), Rational(digits: nines + zeros))
            return Match(value: part.flatMap { plain?.adding($0) }, end: recurring.endIndex + 1)
        }
        guard !places.isEmpty else { return nil }
        return Match(value: plain, end: places.endIndex)
    }

    /// 2,74: not three digits, which would be thousands, and no list such as 1,2,3.
    private func decimalComma(_ whole: [UInt8], at comma: Int) -> Match? {
        guard byte(comma) == UInt8(ascii: ",") else { return nil }
        let places = bytes[(comma + 1)...].prefix(while: MathText.isDigit)
        let isThousands = places.count == 3 && whole != [UInt8(ascii: "0")]
        let isList = byte(places.endIndex) == UInt8(ascii: ",") && isDigit(places.endIndex + 1)
        let isRest = byte(comma - whole.count - 1) == UInt8(ascii: ",")
        guard !whole.isEmpty, !places.isEmpty, !isThousands, !isList, !isRest else { return nil }
        return Match(value: Rational(digits: whole + places, places: places.count), end: places.endIndex)
    }

    private struct Grouped {
        var digits: [UInt8]
        var separator: UInt8
        var end: Int
    }

    /// Digits in groups: 1,234,567; 1 234; 1'234; 1_234; 1.234.567 or 1.234,5; and 12,34,567 as in India.
    private func grouped(at start: Int) -> Grouped? {
        let first = bytes[start...].prefix(while: MathText.isDigit)
        guard (1...3).contains(first.count), first.first != UInt8(ascii: "0"),
            let separator = byte(first.endIndex),
            [",", " ", "'", "_", "."].contains(Unicode.Scalar(separator))
        else { return nil }
        var groups = [first]
        var end = first.endIndex
        while byte(end) == separator {
            let group = bytes[(end + 1)...].prefix(while: MathText.isDigit)
            guard group.count == 3 || group.count == 2 && separator == UInt8(ascii: ",") else { break }
            groups.append(group)
            end = group.endIndex
        }
        let isIndian = groups.dropFirst().dropLast().contains { $0.count == 2 }
        let isEven =
            !isIndian || first.count <= 2 && groups.dropFirst().dropLast().allSatisfy { $0.count == 2 }
        guard groups.count > 1, groups.last?.count == 3, !isDigit(end), isEven else { return nil }
        // One group behind a point is a decimal part, unless a decimal comma follows.
        if separator == UInt8(ascii: "."), groups.count == 2,
            byte(end) != UInt8(ascii: ",") || !isDigit(end + 1)
        {
            return nil
        }
        // "1 234/5" is a mixed number, or two numbers.
        if separator == UInt8(ascii: " "), byte(end) == UInt8(ascii: "/") { return nil }
        return Grouped(digits: groups.flatMap { $0 }, separator: separator, end: end)
    }

    // MARK: - Bytes

    func byte(_ index: Int) -> UInt8? { bytes.indices.contains(index) ? bytes[index] : nil }

    func isDigit(_ index: Int) -> Bool { byte(index).map(MathText.isDigit) ?? false }

    func skippingSpaces(_ index: Int) -> Int {
        var index = index
        while byte(index) == UInt8(ascii: " ") { index += 1 }
        return index
    }

    func isCommand(_ name: String, at index: Int) -> Bool {
        let end = index + 1 + name.utf8.count
        return byte(index) == UInt8(ascii: "\\") && end <= bytes.count
            && bytes[(index + 1)..<end].elementsEqual(name.utf8)
            && !(byte(end).map(MathText.isLetter) ?? false)
    }
}
