/// Finds the known word that a mistyped one most likely stands for.
package enum NearestKey {
    /// The candidate within two edits (a third of the letters at most) that needs the fewest, or nil.
    package static func suggestion(for word: String, among candidates: [String]) -> String? {
        let limit = min(2, max(1, word.count / 3))
        let ranked = candidates.sorted().map { (candidate: $0, edits: distance(word, $0)) }
        guard let best = ranked.min(by: { $0.edits < $1.edits }), best.edits <= limit else {
            return candidates.sorted().first { $0.lowercased() == word.lowercased() }
        }
        return best.candidate
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that make one word of the other.
    package static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left), Array(right))
        var rows = [Array(0...b.count)]
        for i in 1..<(a.count + 1) {
            var row = [i]
            for j in 1..<(b.count + 1) {
                let substitution = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                var edits = min(rows[i - 1][j] + 1, row[j - 1] + 1, substitution)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    edits = min(edits, rows[i - 2][j - 2] + 1)
                }
                row.append(edits)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
