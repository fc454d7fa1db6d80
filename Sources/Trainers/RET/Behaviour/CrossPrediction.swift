package import Contract
internal import Randomness

/// Prediction of a behaviour where there are too few trajectories to keep some for testing: each is scored by a probe
/// that was fitted on the other folds of prompts.
package struct CrossPrediction: Sendable, Equatable {
    /// The log-odds of each row, by the probe that did not see its prompt.
    package let scores: [Double]
    /// Which fold each row is in.
    package let folds: [Int]
    /// Whether the behaviour followed.
    package let labels: [Bool]
    /// Which prompt each row is of.
    package let prompts: [Int]
    /// How well the scores order rows of a fold. Pairs of rows of two folds are left out: their scores are of two
    /// probes.
    package let auroc: Double
    /// Where that may lie, by the bootstrap over prompts. The probes are not fitted anew, so it is a little narrow.
    package let interval: Interval?

    /// Fits a probe for each fold, with its strength found on the others, and scores the fold.
    ///
    /// - Parameters:
    ///   - rows: The rows, at least two prompts of each label outside of every fold.
    ///   - draws: How many resamples the interval takes.
    ///   - seed: Decides folds and resamples, the same for all kinds of features.
    /// - Throws: `BehaviourError` if labels are all the same or too few, or lists do not fit together.
    package init(_ rows: LabelledRows, draws: Int = 1000, seed: UInt64) throws(BehaviourError) {
        try rows.validate()
        guard let first = rows.labels.first, rows.labels.contains(!first) else {
            throw .oneClass(where: "the labels", label: rows.labels.first ?? false, count: rows.labels.count)
        }
        let labels = rows.labels
        let folds = try LogisticProbe.folds(
            labels: rows.labels,
            prompts: rows.prompts,
            stream: RandomStream(seed: seed, "behaviour", "cross")
        )
        prompts = rows.prompts
        var scores = [Double](repeating: 0, count: rows.labels.count)
        for fold in Set(folds).sorted() {
            let others = rows.rows(folds.indices.filter { folds[$0] != fold })
            let probe = try LogisticProbe.fitChoosing(
                features: others.features,
                labels: others.labels,
                prompts: others.prompts,
                stream: RandomStream(seed: seed, "behaviour", "cross-folds", fold)
            )
            for row in folds.indices where folds[row] == fold {
                scores[row] = probe.score(rows.features[row])
            }
        }
        guard let auroc = Self.auroc(rows: labels.indices, scores, labels, folds) else {
            throw .tooFew(where: "each fold", label: true, prompts: 0, needed: 1)
        }
        (self.scores, self.folds, self.labels, self.auroc) = (scores, folds, labels, auroc)
        let found = scores
        interval = Bootstrap.interval(
            prompts: prompts,
            draws: draws,
            stream: RandomStream(seed: seed, "behaviour", "bootstrap")
        ) { Self.auroc(rows: $0, found, labels, folds) }
    }

    /// The interval of this AUROC minus another's of the same rows and folds, resampled together.
    package func difference(
        from other: CrossPrediction,
        draws: Int = 1000,
        seed: UInt64
    ) -> Interval? {
        precondition(folds == other.folds && labels == other.labels, "CrossPrediction: other rows")
        return Bootstrap.interval(
            prompts: prompts,
            draws: draws,
            stream: RandomStream(seed: seed, "behaviour", "bootstrap")
        ) { rows in
            guard let mine = Self.auroc(rows: rows, scores, labels, folds),
                let theirs = Self.auroc(rows: rows, other.scores, labels, folds)
            else { return nil }
            return mine - theirs
        }
    }

    /// Over all pairs of two rows of one fold, one of each label: how often the row of label 1 has the higher score.
    private static func auroc(
        rows: some Sequence<Int>,
        _ scores: [Double],
        _ labels: [Bool],
        _ folds: [Int]
    ) -> Double? {
        var parts = [[Int]](repeating: [], count: (folds.max() ?? 0) + 1)
        for row in rows { parts[folds[row]].append(row) }
        var (wins, pairs) = (0.0, 0.0)
        for part in parts {
            let own = part.map { labels[$0] }
            guard let auroc = AUROC.of(scores: part.map { scores[$0] }, labels: own) else { continue }
            let ones = own.count { $0 }
            let weight = Double(ones * (own.count - ones))
            wins += auroc * weight
            pairs += weight
        }
        return pairs > 0 ? wins / pairs : nil
    }
}
