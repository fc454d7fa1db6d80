/// A step of cutting a text into pieces before a model looks at them; no token crosses a cut.
enum PreTokenizer: Sendable {
    /// What becomes of a match of a pattern and of what is between two.
    enum Behavior: String, Sendable {
        /// Matches are left out.
        case removed = "Removed"
        /// Matches are pieces.
        case isolated = "Isolated"
        /// A match ends the piece before it.
        case mergedWithPrevious = "MergedWithPrevious"
        /// A match begins the piece behind it.
        case mergedWithNext = "MergedWithNext"
        /// Neighbouring matches are one piece.
        case contiguous = "Contiguous"
    }

    /// When the sign for a space is put before a stretch that does not begin with it.
    enum Prepending: String, Sendable {
        /// Before the first of a text.
        case first
        /// Never.
        case never
        /// Before each.
        case always
    }

    /// Cuts at the matches of a pattern, or where it is inverted at what is between them.
    case split(PatternAutomaton, Behavior, inverted: Bool)
    /// Writes spaces as another sign.
    case metaspace(sign: [UInt8], Prepending)
    /// Puts a space before each piece that does not begin with one.
    case prefixSpace
}

/// A text on its way through the steps.
struct PreTokenizedText {
    /// The text as the steps so far have written it.
    private(set) var bytes: [UInt8]
    /// The pieces of it, in order.
    private(set) var pieces: [Range<Int>]
    /// Whether the first piece begins where the whole text does.
    private let isFirst: Bool

    /// A stretch that is not cut yet.
    init(_ bytes: [UInt8], isFirst: Bool) {
        self.bytes = bytes
        pieces = bytes.isEmpty ? [] : [0..<bytes.count]
        self.isFirst = isFirst
    }

    /// Takes a step.
    mutating func apply(_ step: PreTokenizer) {
        let bytes = bytes
        switch step {
        case .split(let pattern, let behavior, let inverted): split(pattern, behavior, inverted)
        case .metaspace(let sign, let prepending):
            let isFirst = isFirst
            rewrite { piece in
                let written = Normalizer.replace([0x20], with: sign, in: Array(bytes[piece]))
                let isStart = isFirst && piece.lowerBound == 0
                let wants = prepending == .always || prepending == .first && isStart
                return wants && !written.starts(with: sign) ? sign + written : written
            }
        case .prefixSpace: rewrite { bytes[$0.lowerBound] == 0x20 ? Array(bytes[$0]) : [0x20] + bytes[$0] }
        }
    }

    private mutating func rewrite(_ piece: (Range<Int>) -> [UInt8]) {
        var written: [UInt8] = []
        written.reserveCapacity(bytes.count + pieces.count)
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(pieces.count)
        for range in pieces {
            let start = written.count
            written += piece(range)
            ranges.append(start..<written.count)
        }
        bytes = written
        pieces = ranges
    }

    private mutating func split(
        _ pattern: PatternAutomaton,
        _ behavior: PreTokenizer.Behavior,
        _ inverted: Bool
    ) {
        var cut: [Range<Int>] = []
        cut.reserveCapacity(pieces.count + bytes.count / 4)
        for piece in pieces {
            var joiner = PieceJoiner(behavior, first: cut.count)
            var end = piece.lowerBound
            pattern.matches(in: bytes, piece) { match in
                if end < match.lowerBound { joiner.add(end..<match.lowerBound, inverted, to: &cut) }
                joiner.add(match, !inverted, to: &cut)
                end = match.upperBound
            }
            if end < piece.upperBound { joiner.add(end..<piece.upperBound, inverted, to: &cut) }
        }
        pieces = cut
    }
}

/// Joins matches and what is between them to pieces as a behaviour says.
private struct PieceJoiner {
    private let behavior: PreTokenizer.Behavior
    /// Where in the list the pieces of this stretch begin.
    private let first: Int
    private var wasMatch = false

    init(_ behavior: PreTokenizer.Behavior, first: Int) {
        self.behavior = behavior
        self.first = first
    }

    mutating func add(_ range: Range<Int>, _ isMatch: Bool, to pieces: inout [Range<Int>]) {
        defer { wasMatch = isMatch }
        let last = pieces.count > first ? pieces.count - 1 : nil
        func join(_ index: Int) { pieces[index] = pieces[index].lowerBound..<range.upperBound }
        switch behavior {
        case .isolated: break
        case .removed: if isMatch { return }
        case .contiguous:
            if let last, isMatch == wasMatch { return join(last) }
        case .mergedWithPrevious:
            if let last, isMatch, !wasMatch { return join(last) }
        case .mergedWithNext:
            // Of several matches in a row the last one goes with what follows.
            if let last, !isMatch, wasMatch { return join(last) }
        }
        pieces.append(range)
    }
}
