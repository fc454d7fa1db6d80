/// What the beginning of a trajectory says, as one row of numbers.
///
/// Note 2.5 on arXiv 2605.09294: group occupancy and transition counts without self-transitions carry what
/// predicts a behaviour, a mean macrostate need not; the definitions are our reconstruction.
package enum PrefixFeatures {
    /// How many of `total` tokens a prefix of a fraction has: at least one where there is any.
    package static func count(of total: Int, fraction: Double) -> Int {
        // A fraction such as .29 of 100 must not lose a token to rounding.
        min(total, max(1, Int((fraction * Double(total) + 1e-9).rounded(.down))))
    }

    /// The share of each kind among the ids, `[kinds]`: of groups the occupancy, of tokens a bag of them.
    ///
    /// Ids outside `0 ..< kinds`, such as -1 for a token that was given no group, are not counted; without any
    /// other all shares are 0.
    package static func shares(_ ids: some Sequence<Int32>, kinds: Int) -> [Double] {
        var counts = [Double](repeating: 0, count: kinds)
        for id in ids where id >= 0 && id < kinds { counts[Int(id)] += 1 }
        let total = counts.reduce(0, +)
        return total > 0 ? counts.map { $0 / total } : counts
    }

    /// How often group a is left for group b, `[groups · groups]` at `a · groups + b`; the diagonal is 0.
    ///
    /// Ids outside `0 ..< groups` are passed over as if they were not there.
    ///
    /// - Parameter debounce: A change counts once the new group has lasted that many tokens, seen from the
    ///   token that completes them, so that nothing depends on what comes later; 1 counts every change.
    package static func changes(_ ids: some Sequence<Int32>, groups: Int, debounce: Int = 1) -> [Double] {
        var counts = [Double](repeating: 0, count: groups * groups)
        var settled: Int?
        var candidate = -1
        var length = 0
        for id in ids where id >= 0 && id < groups {
            let group = Int(id)
            length = group == candidate ? length + 1 : 1
            candidate = group
            guard length >= debounce, group != settled else { continue }
            if let settled { counts[settled * groups + group] += 1 }
            settled = group
        }
        return counts
    }

    /// Occupancy and changes, `[groups + groups · groups]`: the default features.
    package static func occupancyAndChanges(
        _ ids: some Collection<Int32>,
        groups: Int,
        debounce: Int = 1
    ) -> [Double] {
        shares(ids, kinds: groups) + changes(ids, groups: groups, debounce: debounce)
    }

    /// The mean of the first `count` rows, `[width]`; zeros without a row.
    ///
    /// - Parameter vectors: `[N, width]`, row after row, with N at least `count`.
    package static func mean(_ vectors: [Float], width: Int, count: Int) -> [Double] {
        precondition(
            count >= 0 && vectors.count >= count * width,
            "PrefixFeatures.mean: \(vectors.count) values are not \(count) rows of \(width)"
        )
        var sums = [Double](repeating: 0, count: width)
        for row in 0..<count {
            for column in 0..<width { sums[column] += Double(vectors[row * width + column]) }
        }
        return count > 0 ? sums.map { $0 / Double(count) } : sums
    }

    /// Row `count - 1`, `[width]`: the state that a prefix ends in; zeros without a row.
    package static func last(_ vectors: [Float], width: Int, count: Int) -> [Double] {
        guard count > 0 else { return [Double](repeating: 0, count: width) }
        return vectors[(count - 1) * width..<count * width].map { Double($0) }
    }
}
