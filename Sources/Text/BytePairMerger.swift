/// The merge rules of a byte-pair vocabulary (Sennrich, Haddow and Birch, 2016) and their application.
struct BytePairMerger: Sendable {
    /// The rank of each mergeable pair, keyed by both ids.
    private var ranks: [UInt64: UInt32] = [:]
    /// What the pair of each rank becomes.
    private var results: [Int32] = []

    /// Makes room for a number of rules.
    init(capacity: Int) {
        ranks.reserveCapacity(capacity)
        results.reserveCapacity(capacity)
    }

    /// Adds the rule of the next rank.
    mutating func append(left: Int32, right: Int32, result: Int32) {
        ranks[BytePairMerger.key(left, right)] = UInt32(results.count)
        results.append(result)
    }

    /// Merges symbols until no rule applies: always the pair of lowest rank, and of equal ones the first.
    ///
    /// The symbols form a linked list and the candidate pairs a heap, so n symbols take O(n log n).
    func merge(_ symbols: [Int32]) -> [Int32] {
        guard symbols.count > 1 else { return symbols }
        var symbols = symbols
        var next = (1...symbols.count).map { Int32($0) }
        var previous = (-1..<symbols.count - 1).map { Int32($0) }
        var heap = MinimumHeap()
        for index in 0..<symbols.count - 1 {
            if let rank = rank(symbols[index], symbols[index + 1]) { heap.push(rank, index) }
        }
        while let (rank, index) = heap.pop() {
            let right = Int(next[index])
            // A candidate is stale when a neighbour has merged since; its own pair is looked up anew.
            guard symbols[index] >= 0, right < symbols.count,
                self.rank(symbols[index], symbols[right]) == rank
            else { continue }
            symbols[index] = results[Int(rank)]
            symbols[right] = -1
            let after = Int(next[right])
            next[index] = Int32(after)
            if after < symbols.count {
                previous[after] = Int32(index)
                if let rank = self.rank(symbols[index], symbols[after]) { heap.push(rank, index) }
            }
            let before = Int(previous[index])
            if before >= 0, let rank = self.rank(symbols[before], symbols[index]) { heap.push(rank, before) }
        }
        return symbols.filter { $0 >= 0 }
    }

    private func rank(_ left: Int32, _ right: Int32) -> UInt32? {
        ranks[BytePairMerger.key(left, right)]
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
