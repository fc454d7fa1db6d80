// The six families of the small models, with the wrong procedures that compete with the right one.

enum CharacterProblem {
    static func inc(a: Int, b: Int) -> SyntheticProblem? {
        let units = a % 10 + b
        return make(.inc, "\(a)+\(b)=", a + b) {
            [
                a / 10 * 10 + units % 10,  // the carry is forgotten
                abs(a - b),
                units > 9 ? a + b - 10 : a + b + 10,
            ].map(String.init)
        }
    }

    static func dec(a: Int, b: Int) -> SyntheticProblem? {
        let units = a % 10 - b
        return make(.dec, "\(a)-\(b)=", a - b) {
            [
                a / 10 * 10 + (units + 10) % 10,  // the borrow is forgotten
                a + b,
                units < 0 ? a - b + 10 : a - b - 10,
            ].map(String.init)
        }
    }

    static func max(a: Int, b: Int) -> SyntheticProblem? {
        let tens = [a / 10, b / 10].sorted()
        let units = [a % 10, b % 10].sorted()
        return make(.max, ">\(a),\(b)=", Swift.max(a, b)) {
            [min(a, b), tens[1] * 10 + units[0], tens[0] * 10 + units[1]].map(String.init)
        }
    }

    static func sort(_ digits: [Int]) -> SyntheticProblem? {
        let sorted = digits.sorted()
        return make(.sort, "s\(text(digits))=", text(sorted)) {
            [text(sorted.reversed()), text(digits), text(digits.reversed())]
        }
    }

    static func rev(_ digits: [Int]) -> SyntheticProblem? {
        make(.rev, "r\(text(digits))=", text(digits.reversed())) {
            [text(digits), text(digits[1...] + digits[..<1]), text(digits.sorted())]
        }
    }

    static func cnt(_ wanted: Int, among digits: [Int]) -> SyntheticProblem? {
        let count = digits.count { $0 == wanted }
        return make(.cnt, "c\(wanted)\(text(digits))=", count) {
            [4 - count, digits[0], digits[3]].map(String.init)
        }
    }

    /// The four decimal digits of a number below 10,000, leading zeros kept.
    static func digits(of number: Int) -> [Int] {
        [number / 1000, number / 100 % 10, number / 10 % 10, number % 10]
    }

    private static func text(_ digits: some Sequence<Int>) -> String {
        digits.map(String.init).joined()
    }

    /// Drops misconceptions that are right or repeat another; nil when none is left.
    private static func make(
        _ family: SyntheticFamily,
        _ prompt: String,
        _ answer: some CustomStringConvertible,
        misconceptions: () -> [String]
    ) -> SyntheticProblem? {
        let answer = answer.description
        var wrong: [String] = []
        for candidate in misconceptions() where candidate != answer && !wrong.contains(candidate) {
            wrong.append(candidate)
        }
        guard !wrong.isEmpty else { return nil }
        return SyntheticProblem(family: family, prompt: prompt, answer: answer, misconceptions: wrong)
    }
}
