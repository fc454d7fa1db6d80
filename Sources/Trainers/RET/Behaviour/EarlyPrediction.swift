package import Contract
internal import Randomness

/// Rows of features with the behaviour that followed.
package struct LabelledRows: Sendable, Equatable {
    /// `[N, D]`, a row for each trajectory.
    package var features: [[Double]]
    /// Whether the behaviour followed, as many.
    package var labels: [Bool]
    /// Which prompt each row is of, as many.
    package var prompts: [Int]

    /// Gathers rows.
    package init(features: [[Double]], labels: [Bool], prompts: [Int]) {
        self.features = features
        self.labels = labels
        self.prompts = prompts
    }

    /// The rows at these places.
    package func rows(_ places: [Int]) -> LabelledRows {
        LabelledRows(
            features: places.map { features[$0] },
            labels: places.map { labels[$0] },
            prompts: places.map { prompts[$0] }
        )
    }
}

/// Prediction of a behaviour from the beginning of a trajectory (note 2.5 on arXiv 2605.09294), the same for
/// every kind of feature.
package struct EarlyPrediction: Sendable, Equatable {
    /// The probe that was fitted.
    package let probe: LogisticProbe
    /// Its log-odds of the held-out rows.
    package let scores: [Double]
    /// How well they order the held-out rows.
    package let auroc: Double
    /// Where that may lie, by the bootstrap over prompts; nil where too few resamples have both labels.
    package let interval: Interval?

    /// Fits a probe on some rows, with its strength found on them, and judges it on others.
    ///
    /// - Parameters:
    ///   - train: The rows to learn from.
    ///   - test: The rows to judge by; their prompts must not be among those of `train`.
    ///   - draws: How many resamples the interval takes.
    ///   - seed: Decides folds and resamples, the same for all kinds of features.
    /// - Throws: `BehaviourError` if either has one label only, or what was given does not fit together.
    package static func evaluate(
        train: LabelledRows,
        test: LabelledRows,
        draws: Int = 1000,
        seed: UInt64
    ) throws(BehaviourError) -> EarlyPrediction {
        try test.validate()
        let probe = try LogisticProbe.fitChoosing(
            features: train.features,
            labels: train.labels,
            prompts: train.prompts,
            stream: RandomStream(seed: seed, "behaviour", "folds")
        )
        if let row = test.features.firstIndex(where: { $0.count != probe.weights.count }) {
            throw .unequal(
                where: "features of held-out row \(row + 1)",
                found: test.features[row].count,
                expected: probe.weights.count
            )
        }
        let scores = test.features.map(probe.score)
        let labels = test.labels
        guard let auroc = AUROC.of(scores: scores, labels: labels) else {
            throw .oneClass(
                where: "the held-out labels",
                label: labels.first ?? false,
                count: labels.count
            )
        }
        let interval = Bootstrap.interval(
            prompts: test.prompts,
            draws: draws,
            stream: RandomStream(seed: seed, "behaviour", "bootstrap")
        ) { rows in
            AUROC.of(scores: rows.map { scores[$0] }, labels: rows.map { labels[$0] })
        }
        return EarlyPrediction(probe: probe, scores: scores, auroc: auroc, interval: interval)
    }

    /// The interval of the difference of two predictions' AUROC on the same held-out rows, resampled
    /// together.
    ///
    /// - Parameters:
    ///   - other: What is subtracted.
    ///   - test: The rows that both were judged by.
    ///   - draws: How many resamples are taken.
    ///   - seed: Decides the resamples.
    package func difference(
        from other: EarlyPrediction,
        test: LabelledRows,
        draws: Int = 1000,
        seed: UInt64
    ) -> Interval? {
        let labels = test.labels
        return Bootstrap.interval(
            prompts: test.prompts,
            draws: draws,
            stream: RandomStream(seed: seed, "behaviour", "bootstrap")
        ) { rows in
            let drawn = rows.map { labels[$0] }
            guard let mine = AUROC.of(scores: rows.map { scores[$0] }, labels: drawn),
                let theirs = AUROC.of(scores: rows.map { other.scores[$0] }, labels: drawn)
            else { return nil }
            return mine - theirs
        }
    }

    /// AUROC when only some prompts have labels, one for each draw of them.
    ///
    /// Every kind of feature gets the same prompts for the same seed, so that differences are paired. A draw
    /// has at least two prompts of each label; one that has not is drawn anew.
    ///
    /// - Parameters:
    ///   - prompts: How many prompts have labels.
    ///   - repetitions: How many draws are taken.
    /// - Throws: `BehaviourError` as `evaluate`, or if there are fewer prompts.
    package static func fewLabels(
        prompts: Int,
        repetitions: Int,
        train: LabelledRows,
        test: LabelledRows,
        seed: UInt64
    ) throws(BehaviourError) -> [Double] {
        let names = Set(train.prompts).sorted()
        guard prompts <= names.count else {
            throw .unequal(where: "prompts with labels", found: names.count, expected: prompts)
        }
        // All of them must allow it, or no draw will.
        _ = try LogisticProbe.folds(
            labels: train.labels,
            prompts: train.prompts,
            stream: RandomStream(seed: seed, "behaviour", "folds")
        )
        var found: [Double] = []
        for repetition in 0..<repetitions {
            var stream = RandomStream(seed: seed, "behaviour", "labels", prompts, repetition)
            let places = try draw(prompts, of: names, train, &stream)
            let part = train.rows(places)
            found.append(try evaluate(train: part, test: test, draws: 0, seed: seed).auroc)
        }
        return found
    }

    private static func draw(
        _ count: Int,
        of names: [Int],
        _ train: LabelledRows,
        _ stream: inout RandomStream
    ) throws(BehaviourError) -> [Int] {
        var failure: BehaviourError?
        for _ in 0..<1000 {
            let chosen = Set(stream.choose(count, from: names))
            let places = train.prompts.indices.filter { chosen.contains(train.prompts[$0]) }
            do {
                _ = try LogisticProbe.folds(
                    labels: places.map { train.labels[$0] },
                    prompts: places.map { train.prompts[$0] },
                    stream: stream
                )
                return places
            } catch {
                failure = error
            }
        }
        throw failure ?? .tooFew(where: "the training labels", label: true, prompts: 0, needed: 2)
    }
}

extension LabelledRows {
    /// Checks that there are as many labels and prompts as rows, and that features are finite.
    func validate() throws(BehaviourError) {
        for (name, count) in [("labels", labels.count), ("prompts", prompts.count)]
        where count != features.count {
            throw .unequal(where: "held-out \(name)", found: count, expected: features.count)
        }
        if let row = features.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
            throw .notFinite(where: "the held-out features", row: row)
        }
    }
}
