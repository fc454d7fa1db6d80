/// A text within a template, as Python has it: characters by code point, each of which knows whether it came from
/// a conversation.
///
/// Whatever a template does with a message's text (cuts, joins, case), the mark stays with the characters, so that
/// special tokens spelled out in a conversation can be told from those that the template writes.
struct TemplateText: Sendable {
    /// The characters.
    private(set) var scalars: [Unicode.Scalar] = []
    /// Which of them came from a conversation: ascending, disjoint, not empty.
    private(set) var marks: [Range<Int>] = []
    /// Whether it was escaped for HTML: joined to other text, that is escaped too.
    var isEscaped = false

    /// No characters.
    init() {}

    /// A text that is all from a conversation or not at all.
    init(_ string: String, isMarked: Bool = false) {
        scalars = Array(string.unicodeScalars)
        if isMarked, !scalars.isEmpty { marks = [0..<scalars.count] }
    }

    /// How many characters there are.
    var count: Int { scalars.count }

    /// The characters alone.
    var string: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The ranges of `string`'s UTF-8 that ascending ranges of its characters are.
    func utf8(of ranges: [Range<Int>]) -> [Range<Int>] {
        var (result, offset, index) = ([Range<Int>](), 0, 0)
        for range in ranges {
            for scalar in scalars[index..<range.lowerBound] { offset += UTF8.width(scalar) }
            let start = offset
            for scalar in scalars[range] { offset += UTF8.width(scalar) }
            result.append(start..<offset)
            index = range.upperBound
        }
        return result
    }

    /// Whether a character came from a conversation.
    func isMarked(at index: Int) -> Bool {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].upperBound <= index { low = middle + 1 } else { high = middle }
        }
        return low < marks.count && marks[low].contains(index)
    }

    // MARK: - Building

    /// Adds a text.
    mutating func append(_ other: TemplateText) {
        let offset = scalars.count
        scalars += other.scalars
        for mark in other.marks { self.mark(mark.lowerBound + offset..<mark.upperBound + offset) }
    }

    /// Adds characters that are all marked or not at all.
    mutating func append(_ more: some Sequence<Unicode.Scalar>, isMarked: Bool = false) {
        let start = scalars.count
        scalars.append(contentsOf: more)
        if isMarked, scalars.count > start { mark(start..<scalars.count) }
    }

    /// Adds a text of the template's own.
    mutating func append(_ string: String) { scalars.append(contentsOf: string.unicodeScalars) }

    private mutating func mark(_ range: Range<Int>) {
        if let last = marks.last, last.upperBound == range.lowerBound {
            marks[marks.count - 1] = last.lowerBound..<range.upperBound
        } else {
            marks.append(range)
        }
    }

    // MARK: - Parts

    /// The characters of a range.
    subscript(range: Range<Int>) -> TemplateText {
        var result = TemplateText()
        result.isEscaped = isEscaped
        result.scalars = Array(scalars[range])
        for mark in marks where mark.overlaps(range) {
            let part = mark.clamped(to: range)
            result.marks.append(part.lowerBound - range.lowerBound..<part.upperBound - range.lowerBound)
        }
        return result
    }

    /// The characters at some places, in their order.
    subscript(indices: [Int]) -> TemplateText {
        var result = TemplateText()
        result.isEscaped = isEscaped
        for index in indices {
            result.append(CollectionOfOne(scalars[index]), isMarked: isMarked(at: index))
        }
        return result
    }

    /// The text with each character replaced by some.
    func mapped(_ change: (Int, Unicode.Scalar) -> some Sequence<Unicode.Scalar>) -> TemplateText {
        var result = TemplateText()
        result.isEscaped = isEscaped
        var next = 0
        for (index, scalar) in scalars.enumerated() {
            while next < marks.count, marks[next].upperBound <= index { next += 1 }
            result.append(
                change(index, scalar),
                isMarked: next < marks.count && marks[next].contains(index)
            )
        }
        return result
    }

    /// Where another text stands, at or after `start`; nil if nowhere.
    func firstIndex(of other: [Unicode.Scalar], from start: Int = 0) -> Int? {
        guard let first = other.first else { return start <= count ? start : nil }
        guard other.count <= count else { return nil }
        var index = start
        while index <= count - other.count {
            if scalars[index] == first, has(other, at: index) { return index }
            index += 1
        }
        return nil
    }

    /// Where another text stands last; nil if nowhere.
    func lastIndex(of other: [Unicode.Scalar]) -> Int? {
        guard other.count <= count else { return nil }
        return (0...count - other.count).last { has(other, at: $0) }
    }

    /// Whether another text stands at a place.
    func has(_ other: [Unicode.Scalar], at index: Int) -> Bool {
        index >= 0 && other.count <= count - index
            && scalars[index..<index + other.count].elementsEqual(other)
    }

    /// Without the characters at the ends that are meant.
    func trimmed(
        start: Bool = true,
        end: Bool = true,
        _ isMeant: (Unicode.Scalar) -> Bool = { $0.isPythonSpace }
    ) -> TemplateText {
        var (low, high) = (0, count)
        while start, low < high, isMeant(scalars[low]) { low += 1 }
        while end, high > low, isMeant(scalars[high - 1]) { high -= 1 }
        return self[low..<high]
    }

    /// The parts between white space, at most `limit` cuts from the front.
    func splitAtSpace(limit: Int = .max) -> [TemplateText] {
        var (parts, index) = ([TemplateText](), 0)
        while true {
            while index < count, scalars[index].isPythonSpace { index += 1 }
            guard index < count else { return parts }
            if parts.count == limit {
                parts.append(self[index..<count].trimmed(start: false))
                return parts
            }
            let start = index
            while index < count, !scalars[index].isPythonSpace { index += 1 }
            parts.append(self[start..<index])
        }
    }

    /// The parts between another text that is not empty, at most `limit` cuts from the front.
    func split(at separator: [Unicode.Scalar], limit: Int = .max) -> [TemplateText] {
        var (parts, start) = ([TemplateText](), 0)
        while parts.count < limit, let found = firstIndex(of: separator, from: start) {
            parts.append(self[start..<found])
            start = found + separator.count
        }
        parts.append(self[start..<count])
        return parts
    }
}

extension TemplateText: Hashable {
    /// By their characters alone.
    static func == (left: TemplateText, right: TemplateText) -> Bool { left.scalars == right.scalars }

    /// The characters alone.
    func hash(into hasher: inout Hasher) { hasher.combine(scalars) }
}

extension TemplateText: ExpressibleByStringLiteral {
    /// A text of the template's own.
    init(stringLiteral value: String) { self.init(value) }
}

extension Unicode.Scalar {
    /// Whether Python's `str.isspace` says so.
    var isPythonSpace: Bool {
        switch value {
        case 9...13, 28...32, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
            true
        default: false
        }
    }

    /// Whether Python's `str.isprintable` says so.
    var isPythonPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
