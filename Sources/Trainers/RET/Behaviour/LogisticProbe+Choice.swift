package import Randomness

/// How strongly weights are to be penalised, found on the training rows alone.
extension LogisticProbe {
    /// The strengths that are tried.
    package static let strengths: [Double] = [1, 10, 100, 1000]
    /// Into how many parts prompts are split; fewer where there are fewer prompts of a label.
    package static let folds = 5

    /// Fits a probe with the strength whose mean AUROC over held-out folds is highest, the strongest of
    /// equals.
    ///
    /// Rows of a prompt stay in one fold. Folds without both labels say nothing and are left out of the mean.
    ///
    /// - Parameters:
    ///   - features: `[N, D]`.
    ///   - labels: As many.
    ///   - prompts: Which prompt each row is of, as many.
    ///   - stream: Decides the folds.
    /// - Throws: `BehaviourError` if labels are all the same, fewer than two prompts have one of them, lists
    ///   differ in length, or a feature is not finite.
    package static func fitChoosing(
        features: [[Double]],
        labels: [Bool],
        prompts: [Int],
        stream: RandomStream
    ) throws(BehaviourError) -> LogisticProbe {
        let rows = try StandardisedRows(features, labels: labels)
        let folds = try folds(labels: labels, prompts: prompts, stream: stream)
        var sums = [Double](repeating: 0, count: strengths.count)
        for fold in Set(folds).sorted() {
            let (inside, outside) = (
                labels.indices.filter { folds[$0] != fold }, labels.indices.filter { folds[$0] == fold }
            )
            let held = outside.map { labels[$0] }
            guard held.contains(true), held.contains(false) else { continue }
            let part = try StandardisedRows(
                inside.map { features[$0] },
                labels: inside.map { labels[$0] }
            )
            var weights = part.start
            // From the strongest on, each search begins where the one before ended.
            for (index, strength) in strengths.enumerated().reversed() {
                weights = part.minimise(strength: strength, from: weights)
                let probe = part.probe(weights, strength: strength)
                sums[index] += AUROC.of(scores: outside.map { probe.score(features[$0]) }, labels: held) ?? 0
            }
        }
        let best = sums.max() ?? 0
        let index = sums.lastIndex { $0 >= best - 1e-12 } ?? 0
        let strength = strengths[index]
        return rows.probe(rows.minimise(strength: strength, from: rows.start), strength: strength)
    }

    /// The fold of each row, from 0: prompts of each label are shuffled and dealt out in turn, so that folds
    /// have both labels where they can. A prompt of rows with both labels goes with the more frequent.
    ///
    /// - Throws: `BehaviourError` if fewer than two prompts have a label.
    static func folds(
        labels: [Bool],
        prompts: [Int],
        stream: RandomStream
    ) throws(BehaviourError) -> [Int] {
        guard prompts.count == labels.count else {
            throw .unequal(where: "the training prompts", found: prompts.count, expected: labels.count)
        }
        var excess: [Int: Int] = [:]
        for (prompt, label) in zip(prompts, labels) { excess[prompt, default: 0] += label ? 1 : -1 }
        var (ones, zeros) = (
            excess.keys.filter { excess[$0, default: 0] > 0 }.sorted(),
            excess.keys.filter { excess[$0, default: 0] <= 0 }.sorted()
        )
        for (label, list) in [(true, ones), (false, zeros)] where list.count < 2 {
            throw .tooFew(where: "the training labels", label: label, prompts: list.count, needed: 2)
        }
        var stream = stream
        stream.shuffle(&ones)
        stream.shuffle(&zeros)
        let count = min(folds, ones.count, zeros.count)
        var fold: [Int: Int] = [:]
        for (index, prompt) in ones.enumerated() { fold[prompt] = index % count }
        // From the other end, so that the folds' sizes differ by one at most.
        for (index, prompt) in zeros.enumerated() { fold[prompt] = count - 1 - index % count }
        return prompts.map { fold[$0, default: 0] }
    }
}
