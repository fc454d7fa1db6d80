/// A regular expression made into an automaton without backtracking: each character of a text takes one step.
///
/// A state is the ordered list of places in the pattern that a backtracking matcher would try one after the
/// other,
/// so the matches are the same as a backtracking matcher's. A place behind a match is never tried and is
/// left out.
/// What a pattern asks of the next character is answered when that is read, one step after the match.
struct PatternAutomaton: Sendable {
    /// The pattern as it was written.
    let pattern: String

    private static let statesMax = 1_024
    private static let placesMax = 8_192
    /// How far a match is looked for behind the last one before places without success are written down.
    private static let memoStart = 64

    private let classes: ScalarClasses
    /// For each state and class the next state, shifted by one, and in the lowest bit whether a match ends
    /// before
    /// that character. The last class is the end of the text. State 0 has no way on.
    private let steps: [UInt16]
    private let stride: Int

    /// Makes the automaton of a pattern.
    ///
    /// - Throws: `PatternFault` for what is not known, patterns that are too large, and those that match
    ///   without
    ///   a character.
    init(_ pattern: String) throws(PatternFault) {
        try self.init(PatternParser.parse(pattern), pattern: pattern)
    }

    /// Makes the automaton of a tree.
    init(_ node: PatternNode, pattern: String) throws(PatternFault) {
        guard !node.isNullable else { throw PatternFault(construct: "a pattern that matches the empty text") }
        var program = PatternProgram(limit: Self.placesMax)
        let start = try program.compile(node)
        guard let classes = ScalarClasses(program.sets) else {
            throw PatternFault(construct: "more than 255 classes of characters")
        }
        let stride = classes.count + 1
        var numbers: [[Int]: Int] = [[]: 0, [start]: 1]
        var states: [[Int]] = [[], [start]]
        var steps = [UInt16](repeating: 0, count: stride)
        var state = 1
        while state < states.count {
            for kind in 0..<stride {
                let step = program.step(from: states[state]) { set, orEnd in
                    kind == classes.count ? orEnd : classes.holds(set, kind)
                }
                var next = numbers[step.places]
                if next == nil {
                    guard states.count < Self.statesMax else {
                        throw PatternFault(construct: "a pattern of more than \(Self.statesMax) states")
                    }
                    next = states.count
                    numbers[step.places] = states.count
                    states.append(step.places)
                }
                steps.append(UInt16(next ?? 0) << 1 | (step.isMatch ? 1 : 0))
            }
            state += 1
        }
        self.pattern = pattern
        self.classes = classes
        self.steps = steps
        self.stride = stride
    }

    /// Calls `found` for each match in a stretch of UTF-8, in order. The stretch is all the pattern sees.
    func matches(in bytes: [UInt8], _ stretch: Range<Int>, found: (Range<Int>) -> Void) {
        var start = stretch.lowerBound
        var memo = Set<UInt64>()
        while start < stretch.upperBound {
            if let end = matchEnd(in: bytes, from: start, to: stretch.upperBound, &memo) {
                found(start..<end)
                start = end
            } else {
                start += UTF8Reading.width(bytes[start])
            }
        }
    }

    private func matchEnd(
        in bytes: [UInt8],
        from start: Int,
        to end: Int,
        _ memo: inout Set<UInt64>
    ) -> Int? {
        var state = 1
        var index = start
        var matched: Int?
        var trail: [UInt64] = []
        while true {
            var kind = stride - 1
            var width = 0
            if index < end {
                let byte = bytes[index]
                if byte < 0x80 {
                    kind = Int(classes.of(ascii: byte))
                    width = 1
                } else {
                    let scalar = UTF8Reading.scalar(bytes, index)
                    kind = Int(classes.of(scalar.value))
                    width = scalar.width
                }
            }
            let step = steps[state * stride + kind]
            if step & 1 == 1 {
                matched = index
                trail.removeAll(keepingCapacity: true)
            }
            state = Int(step >> 1)
            if state == 0 || width == 0 { break }
            index += width
            // A place from which nothing more was found before is not tried again, so that the time grows
            // with the
            // text's length alone whatever the text is.
            if index - (matched ?? start) > Self.memoStart {
                let place = UInt64(index) << 16 | UInt64(state)
                if memo.contains(place) { break }
                trail.append(place)
            }
        }
        if !trail.isEmpty { memo.formUnion(trail) }
        return matched
    }
}

/// Reading characters from UTF-8 that is known to be valid.
enum UTF8Reading {
    /// How many bytes the character takes that begins with a byte.
    static func width(_ byte: UInt8) -> Int {
        byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }

    /// The character at an index; its bytes are there, as the text is valid.
    static func scalar(_ bytes: [UInt8], _ index: Int) -> (value: UInt32, width: Int) {
        let first = UInt32(bytes[index])
        switch first {
        case ..<0x80: return (first, 1)
        case ..<0xE0: return ((first & 0x1F) << 6 | next(bytes, index + 1), 2)
        case ..<0xF0:
            return ((first & 0x0F) << 12 | next(bytes, index + 1) << 6 | next(bytes, index + 2), 3)
        default:
            let head = (first & 0x07) << 18 | next(bytes, index + 1) << 12
            return (head | next(bytes, index + 2) << 6 | next(bytes, index + 3), 4)
        }
    }

    private static func next(_ bytes: [UInt8], _ index: Int) -> UInt32 { UInt32(bytes[index] & 0x3F) }
}

/// A pattern as places with ways between them.
private struct PatternProgram {
    private enum Place {
        case set(Int, next: Int)
        case next(Int, orEnd: Bool, next: Int)
        /// Two ways, the first preferred.
        case fork(Int, Int)
        case match
    }

    /// The sets that places ask about.
    private(set) var sets: [ScalarSet] = []
    private var places: [Place] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Adds a pattern and gives its first place.
    mutating func compile(_ node: PatternNode) throws(PatternFault) -> Int {
        try add(node, before: try add(.match))
    }

    private mutating func add(_ place: Place) throws(PatternFault) -> Int {
        guard places.count < limit else {
            throw PatternFault(construct: "a pattern of more than \(limit) places")
        }
        places.append(place)
        return places.count - 1
    }

    private mutating func index(of set: ScalarSet) -> Int {
        if let index = sets.firstIndex(of: set) { return index }
        sets.append(set)
        return sets.count - 1
    }

    /// Adds a part that goes on at `next`, and gives its first place.
    private mutating func add(_ node: PatternNode, before next: Int) throws(PatternFault) -> Int {
        switch node {
        case .set(let set): return try add(.set(index(of: set), next: next))
        case .next(let set, let orEnd): return try add(.next(index(of: set), orEnd: orEnd, next: next))
        case .sequence(let parts):
            var first = next
            for part in parts.reversed() { first = try add(part, before: first) }
            return first
        case .alternatives(let parts):
            var first: Int?
            for part in parts.reversed() {
                let way = try add(part, before: next)
                if let other = first { first = try add(.fork(way, other)) } else { first = way }
            }
            return first ?? next
        case .repetition(let part, let least, let most, let lazy):
            var first = next
            if let most {
                for _ in least..<most {
                    let way = try add(part, before: first)
                    first = try add(lazy ? .fork(next, way) : .fork(way, next))
                }
            } else {
                let loop = try add(.match)
                let way = try add(part, before: loop)
                places[loop] = lazy ? .fork(next, way) : .fork(way, next)
                first = loop
            }
            for _ in 0..<least { first = try add(part, before: first) }
            return first
        }
    }

    /// The places after a character, in the order of preference, and whether a match ends before it.
    func step(
        from start: [Int],
        holds: (_ set: Int, _ orEnd: Bool) -> Bool
    ) -> (places: [Int], isMatch: Bool) {
        var seen = Set<Int>()
        var waiting = Array(start.reversed())
        var after: [Int] = []
        var afterSeen = Set<Int>()
        while let place = waiting.popLast() {
            guard seen.insert(place).inserted else { continue }
            switch places[place] {
            case .set(let set, let next):
                if holds(set, false), afterSeen.insert(next).inserted { after.append(next) }
            case .next(let set, let orEnd, let next): if holds(set, orEnd) { waiting.append(next) }
            case .fork(let first, let second): waiting += [second, first]
            case .match: return (after, true)
            }
        }
        return (after, false)
    }
}
