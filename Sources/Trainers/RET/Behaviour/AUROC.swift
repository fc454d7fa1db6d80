/// The area under the receiver operating characteristic: how often, of a row of label 1 and one of label 0, the
/// first has the higher score.
package enum AUROC {
    /// The share of the pairs of a row of label 1 and one of label 0 in which the first has the higher score;
    /// an equal score counts half. Nil where a label does not occur.
    ///
    /// O(N log N).
    ///
    /// - Parameters:
    ///   - scores: Finite numbers.
    ///   - labels: As many.
    package static func of(scores: [Double], labels: [Bool]) -> Double? {
        precondition(scores.count == labels.count, "AUROC: \(scores.count) scores, \(labels.count) labels")
        let positives = labels.count { $0 }
        let negatives = labels.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        var wins = 0.0
        var below = 0
        var start = 0
        while start < order.count {
            var end = start
            var (ones, zeros) = (0, 0)
            while end < order.count, scores[order[end]] == scores[order[start]] {
                if labels[order[end]] { ones += 1 } else { zeros += 1 }
                end += 1
            }
            wins += Double(ones) * (Double(below) + Double(zeros) / 2)
            below += zeros
            start = end
        }
        return wins / (Double(positives) * Double(negatives))
    }
}
