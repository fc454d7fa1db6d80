/// A number as answers state it, compared by value: 0.5, .50 and 1/2 are equal.
struct Rational: Equatable {
    private let numerator: Int128
    private let denominator: Int128

    /// The digits a numerator or denominator may have, so that products fit in 128 bits.
    private static let digitsMax = 18

    static func == (left: Rational, right: Rational) -> Bool {
        left.numerator * right.denominator == right.numerator * left.denominator
    }

    private init(_ numerator: Int128, over denominator: Int128) {
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Reads a text that is a number and nothing else, apart from a currency sign before it, a per
    /// cent sign or full stop after it, and LaTeX spacing.
    init?(parsing text: String) {
        var text = text
        for noise in ["\\!", "\\,", "\\ ", "\\$", "$", "\\%", "%", " "] {
            text = text.split(separator: noise, omittingEmptySubsequences: false).joined()
        }
        text = text.split(separator: "{,}", omittingEmptySubsequences: false).joined(separator: ",")
        if text.hasSuffix(".") { text.removeLast() }
        let bytes = Array(text.utf8)
        let sign = Rational.sign(atStartOf: bytes)
        let match = Rational.match(in: bytes, at: sign.length)
        guard let match, match.end == bytes.count, let value = match.value else { return nil }
        self = sign.isNegative ? value.negated : value
    }

    /// The last number in a text.
    static func last(in text: String) -> Rational? { numbers(in: Array(text.utf8)).last ?? nil }

    /// The first number in a text.
    static func first(in text: String) -> Rational? { numbers(in: Array(text.utf8)).first ?? nil }

    /// Every number in a text in order; nil for those that are too long or divided by zero.
    private static func numbers(in bytes: [UInt8]) -> [Rational?] {
        var found: [Rational?] = []
        var index = 0
        while index < bytes.count {
            guard let (value, end) = match(in: bytes, at: index) else {
                index += 1
                continue
            }
            found.append(isNegative(bytes, before: index) ? value?.negated : value)
            index = end
        }
        return found
    }

    private var negated: Rational { Rational(-numerator, over: denominator) }

    // MARK: - Matching

    /// An unsigned number that begins at an index: `\frac{a}{b}`, `a/b`, or a decimal. Its value is
    /// nil if it is too long or divided by zero.
    private static func match(in bytes: [UInt8], at start: Int) -> (value: Rational?, end: Int)? {
        for name in ["\\frac{", "\\dfrac{", "\\tfrac{"] where bytes[start...].starts(with: name.utf8) {
            guard let (top, middle) = decimal(in: bytes, at: start + name.utf8.count),
                bytes[middle...].starts(with: "}{".utf8),
                let (bottom, end) = decimal(in: bytes, at: middle + 2), byte(bytes, end) == UInt8(ascii: "}")
            else { return nil }
            return (quotient(top, bottom), end + 1)
        }
        guard let (top, middle) = decimal(in: bytes, at: start) else { return nil }
        guard byte(bytes, middle) == UInt8(ascii: "/"), let (bottom, end) = decimal(in: bytes, at: middle + 1)
        else {
            return (top, middle)
        }
        return (quotient(top, bottom), end)
    }

    /// Digits with thousands separators and a decimal part.
    private static func decimal(in bytes: [UInt8], at start: Int) -> (value: Rational?, end: Int)? {
        var digits: [UInt8] = []
        var index = start
        while isDigit(bytes, index) {
            digits.append(bytes[index])
            index += 1
            if !isDigit(bytes, index), isThousands(bytes, at: index, after: index - start) { index += 1 }
        }
        var places = 0
        if byte(bytes, index) == UInt8(ascii: "."), isDigit(bytes, index + 1) {
            index += 1
            while isDigit(bytes, index) {
                digits.append(bytes[index])
                places += 1
                index += 1
            }
        }
        while places > 0, digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            places -= 1
        }
        let value = digits.drop { $0 == UInt8(ascii: "0") }
        guard index > start else { return nil }
        guard value.count <= digitsMax, places <= digitsMax else { return (nil, index) }
        let numerator = value.reduce(Int128(0)) { $0 * 10 + Int128($1 - UInt8(ascii: "0")) }
        return (
            Rational(numerator, over: (0..<places).reduce(Int128(1)) { product, _ in product * 10 }), index
        )
    }

    /// Whether a comma with exactly three digits behind it stands at an index; one to three before it.
    private static func isThousands(_ bytes: [UInt8], at index: Int, after length: Int) -> Bool {
        byte(bytes, index) == UInt8(ascii: ",") && (1...3).contains(length % 4 == 0 ? 4 : length % 4)
            && (1...3).allSatisfy { isDigit(bytes, index + $0) } && !isDigit(bytes, index + 4)
    }

    private static func quotient(_ top: Rational?, _ bottom: Rational?) -> Rational? {
        guard let top, let bottom else { return nil }
        // Each factor is below 10^18 or equal to it, so the products fit; the result must be as small again.
        let numerator = top.numerator * bottom.denominator
        let denominator = top.denominator * bottom.numerator
        let limit = (0..<digitsMax).reduce(Int128(1)) { product, _ in product * 10 }
        guard denominator != 0, numerator < limit, denominator < limit else { return nil }
        return Rational(numerator, over: denominator)
    }

    // MARK: - Signs

    /// Whether a minus stands before an index, and is no operator between two numbers.
    private static func isNegative(_ bytes: [UInt8], before index: Int) -> Bool {
        var end = index
        if byte(bytes, end - 1) == UInt8(ascii: "$") { end -= 1 }
        if byte(bytes, end - 1) == UInt8(ascii: "\\") { end -= 1 }
        let length = minusLength(endingAt: end, bytes)
        guard length > 0 else { return false }
        guard let previous = byte(bytes, end - length - 1) else { return true }
        let isWord = Unicode.Scalar(previous).properties.isAlphabetic && previous < 128
        return !isWord && !isDigit(bytes, end - length - 1) && previous != UInt8(ascii: ")")
    }

    private static func sign(atStartOf bytes: [UInt8]) -> (isNegative: Bool, length: Int) {
        if bytes.first == UInt8(ascii: "+") { return (false, 1) }
        if bytes.first == UInt8(ascii: "-") { return (true, 1) }
        return bytes.starts(with: "\u{2212}".utf8) ? (true, 3) : (false, 0)
    }

    private static func minusLength(endingAt end: Int, _ bytes: [UInt8]) -> Int {
        if byte(bytes, end - 1) == UInt8(ascii: "-") { return 1 }
        return end >= 3 && bytes[(end - 3)..<end].elementsEqual("\u{2212}".utf8) ? 3 : 0
    }

    private static func isDigit(_ bytes: [UInt8], _ index: Int) -> Bool {
        byte(bytes, index).map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }

    private static func byte(_ bytes: [UInt8], _ index: Int) -> UInt8? {
        bytes.indices.contains(index) ? bytes[index] : nil
    }
}
