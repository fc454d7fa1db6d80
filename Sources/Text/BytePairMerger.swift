/// The merge rules of a byte-pair vocabulary (Sennrich, Haddow and Birch, 2016) and their application.
///
/// A rule says with which rank two neighbours become one, and what. Ranks follow the order of a file's
/// rules, or the
/// scores of SentencePiece's pieces (Kudo and Richardson, 2018), where rules may share one.
struct BytePairMerger: Sendable {
    /// Both ids of each rule, by open addressing; -1 where there is none.
    private var keys: [UInt64]
    /// Rank and result of the rule at the same place.
    private var values: [UInt64]
    /// The keys in the order they came, which is that of their ranks.
    private(set) var pairs: [UInt64] = []

    private static let none = UInt64.max
    /// Up to here the lowest rank is looked for one after the other.
    private static let shortMax = 48

    /// The rules in that order; a pair that came twice goes by its last rule.
    var rules: [(left: Int32, right: Int32, result: Int32, rank: UInt32)] {
        pairs.map { pair in
            let left = Int32(truncatingIfNeeded: pair >> 32)
            let right = Int32(truncatingIfNeeded: pair)
            let rule = rule(left, right)
            return (left, right, Int32(truncatingIfNeeded: rule), UInt32(rule >> 32))
        }
    }

    /// Makes room for a number of rules.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        keys = [UInt64](repeating: BytePairMerger.none, count: size)
        values = [UInt64](repeating: BytePairMerger.none, count: size)
        pairs.reserveCapacity(capacity)
    }

    /// Adds a rule, which takes the place of an earlier one about the same pair.
    ///
    /// - Parameters:
    ///   - left: The first of the pair.
    ///   - right: The second of the pair.
    ///   - result: What they become.
    ///   - rank: Which rule goes first; the number of rules before this one if not given.
    mutating func append(left: Int32, right: Int32, result: Int32, rank: UInt32? = nil) {
        if (pairs.count + 1) * 2 > keys.count { grow() }
        let key = BytePairMerger.key(left, right)
        let slot = slot(of: key)
        keys[slot] = key
        values[slot] = UInt64(rank ?? UInt32(pairs.count)) << 32 | UInt64(UInt32(bitPattern: result))
        pairs.append(key)
    }

    /// Merges symbols until no rule applies: always the pair of lowest rank, and of equal ones the first.
    ///
    /// Long rows form a linked list with the candidate pairs in a heap, so n symbols take O(n log n).
    func merge(_ symbols: [Int32]) -> [Int32] {
        guard symbols.count > 1 else { return symbols }
        return symbols.count <= BytePairMerger.shortMax ? mergeShort(symbols) : mergeLong(symbols)
    }

    private func mergeShort(_ given: [Int32]) -> [Int32] {
        var symbols = given
        var rules = [UInt64](repeating: BytePairMerger.none, count: symbols.count - 1)
        for index in rules.indices { rules[index] = rule(symbols[index], symbols[index + 1]) }
        while true {
            var best = 0
            var lowest = BytePairMerger.none
            // Equal ranks of different results are told apart by place alone.
            for index in rules.indices where rules[index] >> 32 < lowest >> 32 {
                lowest = rules[index]
                best = index
            }
            guard lowest != BytePairMerger.none else { return symbols }
            symbols[best] = Int32(bitPattern: UInt32(truncatingIfNeeded: lowest))
            symbols.remove(at: best + 1)
            rules.remove(at: best)
            if best < rules.count { rules[best] = rule(symbols[best], symbols[best + 1]) }
            if best > 0 { rules[best - 1] = rule(symbols[best - 1], symbols[best]) }
        }
    }

    private func mergeLong(_ given: [Int32]) -> [Int32] {
        var symbols = given
        var next = (1...symbols.count).map { Int32($0) }
        var previous = (-1..<symbols.count - 1).map { Int32($0) }
        var heap = MinimumHeap()
        func push(_ index: Int, _ right: Int) {
            let rule = rule(symbols[index], symbols[right])
            if rule != BytePairMerger.none { heap.push(UInt32(rule >> 32), index) }
        }
        for index in 0..<symbols.count - 1 { push(index, index + 1) }
        while let (rank, index) = heap.pop() {
            let right = Int(next[index])
            // A candidate is stale when a neighbour has merged since; its own pair is looked up anew.
            guard symbols[index] >= 0, right < symbols.count else { continue }
            let rule = rule(symbols[index], symbols[right])
            guard rule != BytePairMerger.none, UInt32(rule >> 32) == rank else { continue }
            symbols[index] = Int32(bitPattern: UInt32(truncatingIfNeeded: rule))
            symbols[right] = -1
            let after = Int(next[right])
            next[index] = Int32(after)
            if after < symbols.count {
                previous[after] = Int32(index)
                push(index, after)
            }
            let before = Int(previous[index])
            if before >= 0 { push(before, index) }
        }
        return symbols.filter { $0 >= 0 }
    }

    /// Rank and result of a pair's rule in one word.
    private func rule(_ left: Int32, _ right: Int32) -> UInt64 {
        values[slot(of: BytePairMerger.key(left, right))]
    }

    private func slot(of key: UInt64) -> Int {
        let mask = keys.count - 1
        let mixed = (key ^ key >> 31) &* 0x9E37_79B9_7F4A_7C15
        var slot = Int(truncatingIfNeeded: mixed >> 24) & mask
        while keys[slot] != key, keys[slot] != BytePairMerger.none { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        var larger = BytePairMerger(capacity: keys.count)
        for slot in keys.indices where keys[slot] != BytePairMerger.none {
            let place = larger.slot(of: keys[slot])
            larger.keys[place] = keys[slot]
            larger.values[place] = values[slot]
        }
        (keys, values) = (larger.keys, larger.values)
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}

/// A binary heap of (rank, position) pairs packed into one word each, least first.
private struct MinimumHeap {
    private var words: [UInt64] = []

    mutating func push(_ rank: UInt32, _ position: Int) {
        var index = words.count
        let word = UInt64(rank) << 32 | UInt64(UInt32(position))
        words.append(word)
        while index > 0 {
            let parent = (index - 1) / 2
            guard words[parent] > word else { break }
            words[index] = words[parent]
            index = parent
        }
        words[index] = word
    }

    mutating func pop() -> (rank: UInt32, position: Int)? {
        guard let least = words.first, let last = words.popLast() else { return nil }
        if !words.isEmpty { sink(last) }
        return (UInt32(least >> 32), Int(UInt32(truncatingIfNeeded: least)))
    }

    /// Puts a word in the place of the root and restores the order.
    private mutating func sink(_ word: UInt64) {
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < words.count else { break }
            if child + 1 < words.count, words[child + 1] < words[child] { child += 1 }
            guard words[child] < word else { break }
            words[index] = words[child]
            index = child
        }
        words[index] = word
    }
}
