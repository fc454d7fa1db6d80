import Contract
import Foundation
import Randomness
import Testing

@testable import Trainers

/// `Golden/behaviour.json`, made by `Golden/make_behaviour_goldens.py` with scikit-learn and numpy.
private struct BehaviourGolden: Decodable {
    struct Probe: Decodable {
        var features: [[Double]], labels: [Bool], strength: Double
        var weights: [Double], bias: Double, heldOut: [[Double]], scores: [Double]
    }
    struct Area: Decodable {
        var scores: [Double], labels: [Bool], auroc: Double
    }
    struct Quantile: Decodable {
        var values: [Double], share: Double, value: Double
    }
    var probes: [Probe], areas: [Area], quantiles: [Quantile]

    static func load() throws -> BehaviourGolden {
        let url = try #require(Bundle.module.url(forResource: "behaviour", withExtension: "json"))
        return try JSONDecoder().decode(BehaviourGolden.self, from: Data(contentsOf: url))
    }
}

/// Rows whose first feature leans by `signal` to the label, `width` features in all, two rows a prompt.
private func rows(_ prompts: Int, width: Int = 4, signal: Double, seed: Int) -> LabelledRows {
    var stream = RandomStream(seed: 3, "rows", seed)
    var result = LabelledRows(features: [], labels: [], prompts: [])
    for prompt in 0..<prompts {
        let label = prompt % 2 == 0
        for _ in 0..<2 {
            var row = (0..<width).map { _ in stream.uniform() + stream.uniform() + stream.uniform() - 1.5 }
            row[0] += label ? signal : 0
            result.features.append(row)
            result.labels.append(label)
            result.prompts.append(prompt)
        }
    }
    return result
}

@Suite("Early prediction of a behaviour")
struct BehaviourTests {
    // MARK: - Features

    @Test("a prefix has the fraction of the tokens, rounded down, and at least one")
    func counts() {
        #expect(PrefixFeatures.count(of: 100, fraction: 0.29) == 29)
        #expect(PrefixFeatures.count(of: 10, fraction: 0.25) == 2)
        #expect(PrefixFeatures.count(of: 3, fraction: 0.1) == 1)
        #expect(PrefixFeatures.count(of: 7, fraction: 1) == 7)
        #expect(PrefixFeatures.count(of: 0, fraction: 0.5) == 0)
    }

    @Test("shares sum to one and pass over tokens without a group")
    func shares() {
        #expect(PrefixFeatures.shares([0, 0, -1, 2, 1, 7] as [Int32], kinds: 3) == [0.5, 0.25, 0.25])
        #expect(PrefixFeatures.shares([-1] as [Int32], kinds: 2) == [0, 0])
    }

    @Test("changes are counted from a to b, never from a to itself")
    func changes() {
        let ids: [Int32] = [0, 0, 1, 1, -1, 1, 0, 2, 0]
        // 0→1, 1→0, 0→2, 2→0
        #expect(PrefixFeatures.changes(ids, groups: 3) == [0, 1, 1, 1, 0, 0, 1, 0, 0])
        #expect(PrefixFeatures.occupancyAndChanges(ids, groups: 3).count == 12)
    }

    @Test("a debounced change counts once the new group has lasted, and a flicker never")
    func debounced() {
        let ids: [Int32] = [0, 0, 0, 1, 0, 0, 1, 1, 1, 2, 2, 1, 2, 2, 2]
        let counts = PrefixFeatures.changes(ids, groups: 3, debounce: 3)

        // 0→1 with the third 1, 1→2 with the last 2.
        #expect(counts == [0, 1, 0, 0, 0, 1, 0, 0, 0])
        #expect(
            PrefixFeatures.changes(ids.dropLast(), groups: 3, debounce: 3) == [0, 1, 0, 0, 0, 0, 0, 0, 0]
        )
    }

    @Test("what comes later never changes the features of a prefix", arguments: [1, 2, 3, 5])
    func causal(debounce: Int) {
        var stream = RandomStream(seed: 5, "causal", debounce)
        let ids = (0..<60).map { _ in Int32(stream.below(3)) }
        var before = [Double](repeating: 0, count: 9)
        for end in 1...ids.count {
            let counts = PrefixFeatures.changes(ids[..<end], groups: 3, debounce: debounce)
            // At most one more change for one more token, and none is taken back.
            let added = zip(counts, before).map { $0 - $1 }
            #expect(added.allSatisfy { $0 >= 0 } && added.reduce(0, +) <= 1)
            before = counts
        }
    }

    @Test("the mean and the last state are those of the first rows alone")
    func vectors() {
        let vectors: [Float] = [1, 2, 3, 6, 100, 100]
        #expect(PrefixFeatures.mean(vectors, width: 2, count: 2) == [2, 4])
        #expect(PrefixFeatures.last(vectors, width: 2, count: 2) == [3, 6])
        #expect(PrefixFeatures.mean(vectors, width: 2, count: 0) == [0, 0])
    }

    // MARK: - Against scikit-learn and numpy

    @Test("a probe has scikit-learn's weights, offset and scores")
    func probeGolden() throws {
        let goldens = try BehaviourGolden.load().probes
        #expect(goldens.count >= 6)
        for golden in goldens {
            let probe = try LogisticProbe.fit(
                features: golden.features,
                labels: golden.labels,
                strength: golden.strength
            )
            // Where the penalty is small the minimum is flat.
            let tolerance = golden.strength < 1 ? 1e-4 : 1e-6
            for (found, expected) in zip(probe.weights, golden.weights) {
                #expect(abs(found - expected) < tolerance)
            }
            #expect(abs(probe.bias - golden.bias) < tolerance)
            for (row, expected) in zip(golden.heldOut, golden.scores) {
                #expect(abs(probe.score(row) - expected) < tolerance * 50)
            }
        }
    }

    @Test("AUROC counts ties half, as scikit-learn does")
    func areaGolden() throws {
        for golden in try BehaviourGolden.load().areas {
            let area = try #require(AUROC.of(scores: golden.scores, labels: golden.labels))
            #expect(abs(area - golden.auroc) < 1e-12)
        }
        #expect(AUROC.of(scores: [1, 1, 1], labels: [true, false, false]) == 0.5)
        #expect(AUROC.of(scores: [1, 2], labels: [true, true]) == nil)
    }

    @Test("quantiles are numpy's")
    func quantileGolden() throws {
        for golden in try BehaviourGolden.load().quantiles {
            #expect(abs(Bootstrap.quantile(golden.values, golden.share) - golden.value) < 1e-12)
        }
    }

    // MARK: - Choice and judgement

    @Test("rows of a prompt share a fold, folds are balanced, and the same stream deals the same")
    func folds() throws {
        let train = rows(23, signal: 1, seed: 1)
        let stream = RandomStream(seed: 1, "folds")
        let folds = try LogisticProbe.folds(labels: train.labels, prompts: train.prompts, stream: stream)

        for row in stride(from: 0, to: folds.count, by: 2) { #expect(folds[row] == folds[row + 1]) }
        let sizes = Dictionary(grouping: folds) { $0 }.mapValues(\.count)
        #expect(sizes.count == 5)
        #expect((sizes.values.max() ?? 0) - (sizes.values.min() ?? 0) <= 2)
        for fold in 0..<5 {
            let labels = Set(folds.indices.filter { folds[$0] == fold }.map { train.labels[$0] })
            #expect(labels.count == 2)
        }
        #expect(
            try folds == LogisticProbe.folds(labels: train.labels, prompts: train.prompts, stream: stream)
        )
    }

    @Test("a signal in one of many features is found, and noise is not")
    func found() throws {
        let (train, test) = (rows(50, width: 16, signal: 2, seed: 1), rows(50, width: 16, signal: 2, seed: 2))
        let found = try EarlyPrediction.evaluate(train: train, test: test, draws: 300, seed: 1)
        let interval = try #require(found.interval)

        #expect(found.auroc > 0.85)
        #expect(interval.low < found.auroc && found.auroc < interval.high && interval.low > 0.7)
        #expect(found.probe.weights.indices.max { found.probe.weights[$0] < found.probe.weights[$1] } == 0)

        let noise = try EarlyPrediction.evaluate(
            train: rows(50, width: 16, signal: 0, seed: 3),
            test: rows(50, width: 16, signal: 0, seed: 4),
            draws: 300,
            seed: 1
        )
        let chance = try #require(noise.interval)
        #expect(chance.low < 0.5 && chance.high > 0.5)
    }

    @Test("the same rows and seed give the same prediction to the last bit")
    func deterministic() throws {
        let (train, test) = (rows(20, signal: 1, seed: 1), rows(20, signal: 1, seed: 2))
        let first = try EarlyPrediction.evaluate(train: train, test: test, draws: 100, seed: 9)
        #expect(try EarlyPrediction.evaluate(train: train, test: test, draws: 100, seed: 9) == first)
    }

    @Test("a difference is resampled with both on the same rows")
    func paired() throws {
        let (train, test) = (rows(40, signal: 1, seed: 1), rows(40, signal: 1, seed: 2))
        let good = try EarlyPrediction.evaluate(train: train, test: test, draws: 0, seed: 1)
        var blind = (train, test)
        for row in blind.0.features.indices { blind.0.features[row][0] = 0 }
        let poor = try EarlyPrediction.evaluate(train: blind.0, test: blind.1, draws: 0, seed: 1)
        let same = try #require(good.difference(from: good, test: test, draws: 100, seed: 1))
        let gain = try #require(good.difference(from: poor, test: test, draws: 300, seed: 1))

        #expect(same.low == 0 && same.high == 0)
        #expect(gain.low > 0)
        #expect(good.interval == nil)
    }

    @Test("more labels help, and all kinds of features get the same prompts")
    func labels() throws {
        let (train, test) = (
            rows(60, width: 12, signal: 0.7, seed: 1), rows(80, width: 12, signal: 0.7, seed: 2)
        )
        let few = try EarlyPrediction.fewLabels(
            prompts: 6,
            repetitions: 8,
            train: train,
            test: test,
            seed: 1
        )
        let many = try EarlyPrediction.fewLabels(
            prompts: 60,
            repetitions: 2,
            train: train,
            test: test,
            seed: 1
        )

        #expect(few.count == 8 && Set(few).count > 1)
        #expect(many[0] == many[1])
        #expect(many[0] > few.reduce(0, +) / 8 + 0.03)
    }

    @Test("prompts are resampled, not rows: copies of a prompt's rows do not narrow the interval")
    func clusters() throws {
        let labels = (0..<12).map { $0 % 2 == 0 }
        let scores: [Double] = [3, 1, 2, 4, 5, 0, 1, 2, 6, 3, 2, 1]
        func interval(copies: Int) -> Interval? {
            let rows = (0..<12).flatMap { [Int](repeating: $0, count: copies) }
            return Bootstrap.interval(prompts: rows, draws: 400, stream: RandomStream(seed: 1, "b")) {
                drawn in
                AUROC.of(
                    scores: drawn.map { scores[rows[$0]] },
                    labels: drawn.map { labels[rows[$0]] }
                )
            }
        }
        let once = try #require(interval(copies: 1))
        #expect(interval(copies: 7) == once)
        #expect(once.high - once.low > 0.2)
    }

    // MARK: - Bad input

    @Test("labels of one class, too few prompts and broken rows are refused with what was found")
    func refused() {
        var one = rows(6, signal: 1, seed: 1)
        one.labels = one.labels.map { _ in true }
        let good = rows(6, signal: 1, seed: 2)
        #expect(throws: BehaviourError.oneClass(where: "the training labels", label: true, count: 12)) {
            try EarlyPrediction.evaluate(train: one, test: good, seed: 1)
        }
        #expect(throws: BehaviourError.oneClass(where: "the held-out labels", label: true, count: 12)) {
            try EarlyPrediction.evaluate(train: good, test: one, seed: 1)
        }
        let lonely = rows(3, signal: 1, seed: 1)
        #expect(
            throws: BehaviourError.tooFew(where: "the training labels", label: false, prompts: 1, needed: 2)
        ) {
            try EarlyPrediction.evaluate(train: lonely, test: good, seed: 1)
        }
        var broken = good
        broken.features[4][1] = .nan
        #expect(throws: BehaviourError.notFinite(where: "the features", row: 4)) {
            try EarlyPrediction.evaluate(train: broken, test: good, seed: 1)
        }
        #expect(throws: BehaviourError.notFinite(where: "the held-out features", row: 4)) {
            try EarlyPrediction.evaluate(train: good, test: broken, seed: 1)
        }
        #expect(throws: BehaviourError.unequal(where: "features of held-out row 1", found: 5, expected: 4)) {
            try EarlyPrediction.evaluate(train: good, test: rows(6, width: 5, signal: 1, seed: 1), seed: 1)
        }
        #expect(throws: BehaviourError.unequal(where: "prompts with labels", found: 6, expected: 7)) {
            try EarlyPrediction.fewLabels(prompts: 7, repetitions: 1, train: good, test: good, seed: 1)
        }
        #expect(
            BehaviourError.oneClass(where: "the training labels", label: true, count: 12).description
                == "the training labels: found only the label 1 (12 times), expected both 0 and 1"
        )
    }
}
