/// A regular expression as a tree.
indirect enum PatternNode: Sendable, Equatable {
    /// One character of a set.
    case set(ScalarSet)
    /// One after the other.
    case sequence([PatternNode])
    /// The first of several that leads to a match.
    case alternatives([PatternNode])
    /// A part several times, as often as possible, or as seldom where it is lazy.
    case repetition(PatternNode, least: Int, most: Int?, lazy: Bool)
    /// No character, but the next one must be of a set, or the text may end here.
    case next(ScalarSet, orEnd: Bool)

    /// Whether the part can match without a character.
    var isNullable: Bool {
        switch self {
        case .set: false
        case .next: true
        case .sequence(let parts): parts.allSatisfy(\.isNullable)
        case .alternatives(let parts): parts.contains(where: \.isNullable)
        case .repetition(let part, let least, _, _): least == 0 || part.isNullable
        }
    }
}

/// Why a pattern is not read: a construct that is not known, or a pattern that is wrong.
struct PatternFault: Error, Equatable {
    /// The construct as the pattern writes it.
    let construct: String
}

/// Reads the regular expressions of tokenizer files, in the syntax of Oniguruma, which the reference uses.
///
/// Known are characters, escapes, classes with `\p{…}`, `\s` and `\d`, groups, alternatives, repetitions
/// (lazy ones
/// too, and possessive ones where they match as greedy ones do), `(?i:…)` over ASCII, `$`, and look-ahead
/// at one
/// character. Whatever else there is, is a fault that names it.
struct PatternParser {
    /// The most repetitions that a pattern may count.
    static let repetitionsMax = 1_000
    private static let depthMax = 50

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private var ignoresCase = false

    private init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

    /// The tree of a pattern.
    static func parse(_ pattern: String) throws(PatternFault) -> PatternNode {
        var parser = PatternParser(pattern)
        let node = try parser.alternatives()
        guard parser.index == parser.scalars.count else { throw PatternFault(construct: "an unmatched ')'") }
        return node
    }

    private var current: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[index...].starts(with: wanted) else { return false }
        index += wanted.count
        return true
    }

    private func fault(from start: Int, _ length: Int) -> PatternFault {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[start..<min(start + length, scalars.count)])
        return PatternFault(construct: "'\(text)'")
    }

    private mutating func alternatives() throws(PatternFault) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw PatternFault(construct: "groups \(depth) deep") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(PatternFault) -> PatternNode {
        var parts: [PatternNode] = []
        /// Of each part whether it is possessive, and where it is written.
        var possessive: [(part: Int, start: Int)] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            let start = index
            let part = try repeated(try atom(), start)
            if part.isPossessive { possessive.append((parts.count, start)) }
            parts.append(part.node)
        }
        for (part, start) in possessive {
            guard isGreedy(parts[part], before: parts[(part + 1)...]) else {
                throw fault(from: start, scalars.count - start)
            }
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    /// Whether a possessive repetition matches as the greedy one does: nothing it could give back may begin
    /// what
    /// follows it.
    private func isGreedy(_ part: PatternNode, before rest: ArraySlice<PatternNode>) -> Bool {
        guard case .repetition(.set(let given), _, _, _) = part else { return false }
        let wanted: ScalarSet
        switch rest.first {
        case .set(let set), .repetition(.set(let set), 1..., _, _): wanted = set
        default:
            // What may be left out never fails, so nothing is given back.
            return depth == 1
                && rest.allSatisfy { part in
                    if case .repetition(_, 0, _, _) = part { true } else { false }
                }
        }
        guard let classes = ScalarClasses([given, wanted]) else { return false }
        return !(0..<classes.count).contains { classes.holds(0, $0) && classes.holds(1, $0) }
    }

    private mutating func repeated(
        _ atom: PatternNode,
        _ start: Int
    ) throws(PatternFault) -> (node: PatternNode, isPossessive: Bool) {
        let counts: (least: Int, most: Int?)
        var isCounted = false
        if take("*") {
            counts = (0, nil)
        } else if take("+") {
            counts = (1, nil)
        } else if take("?") {
            counts = (0, 1)
        } else if current == "{", let given = try bounds() {
            counts = given
            isCounted = true
        } else {
            return (atom, false)
        }
        if case .next = atom { throw fault(from: start, index - start) }
        let lazy = take("?")
        let isPossessive = !lazy && take("+")
        // Oniguruma reads `{n}?` and `{n,m}+` as repetitions of repetitions.
        let isNested = isCounted && (isPossessive || lazy && counts.least == counts.most)
        if isNested || current == "*" || current == "+" || current == "?" {
            throw fault(from: start, index - start + 1)
        }
        let node = PatternNode.repetition(atom, least: counts.least, most: counts.most, lazy: lazy)
        return (node, isPossessive)
    }

    /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; nil where the brace stands for itself.
    private mutating func bounds() throws(PatternFault) -> (Int, Int?)? {
        let start = index
        index += 1
        let least = number()
        let hasComma = take(",")
        let most = hasComma ? number() : least
        guard least != nil || most != nil, take("}") else {
            index = start
            throw fault(from: start, 8)
        }
        guard max(least ?? 0, most ?? 0) <= Self.repetitionsMax, most.map({ $0 >= least ?? 0 }) ?? true else {
            throw fault(from: start, index - start)
        }
        return (least ?? 0, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = current, ("0"..."9").contains(scalar), value ?? 0 < 1_000_000 {
            value = (value ?? 0) * 10 + Int(scalar.value - 48)
            index += 1
        }
        return value
    }

    private mutating func atom() throws(PatternFault) -> PatternNode {
        let start = index
        index += 1
        switch scalars[start] {
        case "(": return try group(start)
        case "[": return .set(try bracket(start))
        case ".": return .set(.complement(.scalar("\n")))
        case "$": return .next(.scalar("\n"), orEnd: true)
        case "^", "*", "+", "?": throw fault(from: start, 1)
        case "\\":
            if take("z") { return .next(.union([]), orEnd: true) }
            return .set(cased(try escape(start, inBracket: false)))
        case let scalar: return .set(cased(.scalar(scalar)))
        }
    }

    private mutating func group(_ start: Int) throws(PatternFault) -> PatternNode {
        let outer = ignoresCase
        defer { ignoresCase = outer }
        if take("?!") || take("?=") {
            let negated = scalars[index - 1] == "!"
            let inner = try alternatives()
            guard take(")"), let set = PatternParser.single(inner) else { throw fault(from: start, 12) }
            return .next(negated ? .complement(set) : set, orEnd: negated)
        }
        if take("?i:") {
            ignoresCase = true
        } else if !take("?:"), current == "?" {
            throw fault(from: start, 4)
        }
        let inner = try alternatives()
        guard take(")") else { throw PatternFault(construct: "an unmatched '('") }
        return inner
    }

    /// The set of a node that matches exactly one character.
    private static func single(_ node: PatternNode) -> ScalarSet? {
        switch node {
        case .set(let set): return set
        case .alternatives(let parts):
            var sets: [ScalarSet] = []
            for part in parts {
                guard let set = single(part) else { return nil }
                sets.append(set)
            }
            return .union(sets)
        case .sequence, .repetition, .next: return nil
        }
    }

    /// What `(?i:…)` adds to a character. Two characters outside of ASCII fold to a letter of it.
    private func cased(_ set: ScalarSet) -> ScalarSet {
        guard ignoresCase, case .range(let range) = set, range.count == 1 else { return set }
        let letter = range.lowerBound | 0x20
        guard (0x61...0x7A).contains(letter) else { return set }
        var sets: [ScalarSet] = [.range(letter...letter), .range(letter - 0x20...letter - 0x20)]
        if letter == 0x73 { sets.append(.scalar("\u{17F}")) }
        if letter == 0x6B { sets.append(.scalar("\u{212A}")) }
        return .union(sets)
    }

    private mutating func bracket(_ start: Int) throws(PatternFault) -> ScalarSet {
        guard !ignoresCase else { throw PatternFault(construct: "a class in '(?i:'") }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw PatternFault(construct: "classes \(depth) deep") }
        let negated = take("^")
        var sets: [ScalarSet] = []
        while let scalar = current, scalar != "]" || sets.isEmpty {
            let itemStart = index
            if scalar == "]" || take("&&") || take("[:") { throw fault(from: itemStart, 6) }
            let first = try bracketItem()
            guard case .range(let low) = first, low.count == 1, current == "-",
                index + 1 < scalars.count, scalars[index + 1] != "]"
            else {
                sets.append(first)
                continue
            }
            index += 1
            guard case .range(let high) = try bracketItem(), high.count == 1,
                low.lowerBound <= high.lowerBound
            else { throw fault(from: itemStart, index - itemStart) }
            sets.append(.range(low.lowerBound...high.lowerBound))
        }
        guard take("]") else { throw PatternFault(construct: "an unmatched '['") }
        let set = sets.count == 1 ? sets[0] : ScalarSet.union(sets)
        return negated ? .complement(set) : set
    }

    private mutating func bracketItem() throws(PatternFault) -> ScalarSet {
        let start = index
        guard let scalar = current else { throw PatternFault(construct: "an unmatched '['") }
        index += 1
        switch scalar {
        case "[": return try bracket(start)
        case "\\": return try escape(start, inBracket: true)
        default: return .scalar(scalar)
        }
    }

    private mutating func escape(_ start: Int, inBracket: Bool) throws(PatternFault) -> ScalarSet {
        guard let scalar = current else { throw PatternFault(construct: "a '\\' at the end") }
        index += 1
        switch scalar {
        case "s": return .whitespace
        case "S": return .complement(.whitespace)
        case "d": return .categories(GeneralCategory.mask("Nd") ?? 0)
        case "D": return .complement(.categories(GeneralCategory.mask("Nd") ?? 0))
        case "n": return .scalar("\n")
        case "r": return .scalar("\r")
        case "t": return .scalar("\t")
        case "f": return .scalar("\u{0C}")
        case "v": return .scalar("\u{0B}")
        case "p", "P": return try property(start, negated: scalar == "P")
        case "x", "u": return try codePoint(start, digits: scalar == "x" ? 2 : 4)
        case _
        where scalar.isASCII && !scalar.properties.isAlphabetic && scalar.properties.numericType == nil:
            return .scalar(scalar)
        default: throw fault(from: start, 2)
        }
    }

    private mutating func property(_ start: Int, negated: Bool) throws(PatternFault) -> ScalarSet {
        guard take("{") else { throw fault(from: start, 3) }
        let inverse = take("^")
        var name = ""
        while let scalar = current, scalar != "}", name.unicodeScalars.count < 32 {
            name.unicodeScalars.append(scalar)
            index += 1
        }
        guard take("}"), let mask = GeneralCategory.mask(name) else {
            throw fault(from: start, index - start)
        }
        return negated != inverse ? .complement(.categories(mask)) : .categories(mask)
    }

    private mutating func codePoint(_ start: Int, digits: Int) throws(PatternFault) -> ScalarSet {
        let braced = digits == 2 && take("{")
        var text = ""
        while text.count < (braced ? 8 : digits), let scalar = current, scalar.properties.isASCIIHexDigit {
            text.unicodeScalars.append(scalar)
            index += 1
        }
        guard braced ? take("}") : text.count == digits, let value = UInt32(text, radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw fault(from: start, index - start) }
        return .scalar(scalar)
    }
}
