/// The merge rules that a vocabulary of scored pieces implies: two neighbours become one where their text
/// is a piece, that of the highest score first.
enum PieceMerges {
    /// Scores that imply some rules, if any do: those of pieces whose rules stand between one another are
    /// equal.
    ///
    /// Special tokens and bytes have 0; pieces to which no rule leads follow in the order of their ids.
    static func scores(for merger: BytePairMerger, _ types: [Int32]) -> [Double] {
        let results = merger.rules.map { Int($0.result) }
        var last = [Int](repeating: -1, count: types.count)
        for (index, result) in results.enumerated() { last[result] = index }
        var scores = [Double](repeating: 0, count: types.count)
        var (group, end) = (0, -1)
        for (index, result) in results.enumerated() {
            if index > end { group += 1 }
            end = max(end, last[result])
            scores[result] = Double(-group)
        }
        for id in types.indices where last[id] < 0 && usable(types[id]) {
            group += 1
            scores[id] = Double(-group)
        }
        return scores
    }

    private static func usable(_ type: Int32) -> Bool {
        type == GGUFVocabulary.TokenType.normal.rawValue
            || type == GGUFVocabulary.TokenType.userDefined.rawValue
    }

    /// The rules, in the order in which the reference writes them into a `tokenizer.json`.
    static func merger(_ tokens: TokenTable, _ scores: [Double], _ types: [Int32]) -> BytePairMerger {
        struct Rule {
            let left: Int32
            let right: Int32
            let result: Int32
            let leftLength: Int
            let rightLength: Int
        }
        let usable = types.map(usable)
        var rules: [Rule] = []
        for id in 0..<tokens.count where usable[id] {
            let range = tokens.range(of: id)
            let starts = range.filter { tokens.bytes[$0] & 0xC0 != 0x80 }
            var local: [Rule] = []
            for (index, start) in starts.enumerated().dropFirst() {
                guard let left = tokens.id(of: tokens.bytes, range.lowerBound..<start), usable[Int(left)],
                    let right = tokens.id(of: tokens.bytes, start..<range.upperBound), usable[Int(right)]
                else { continue }
                local.append(
                    Rule(
                        left: left,
                        right: right,
                        result: Int32(id),
                        leftLength: index,
                        rightLength: starts.count - index
                    )
                )
            }
            rules += local.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
        }
        func order(_ rule: Rule) -> (Double, Int, Int) {
            (-scores[Int(rule.result)], -rule.leftLength, -rule.rightLength)
        }
        let sorted = rules.enumerated().sorted { first, second in
            let (one, other) = (order(first.element), order(second.element))
            return one == other ? first.offset < second.offset : one < other
        }
        var merger = BytePairMerger(capacity: rules.count)
        var rank: UInt32 = 0
        var score: Double?
        for (_, rule) in sorted {
            // Pieces of one score go from left to right.
            if let score, score != scores[Int(rule.result)] { rank += 1 }
            score = scores[Int(rule.result)]
            merger.append(left: rule.left, right: rule.right, result: rule.result, rank: rank)
        }
        return merger
    }
}
