import Foundation
import Randomness
import Tensors
import Testing

@testable import tributary

@Suite("The models of the study of attention through interactions")
struct HyperAttentionModelTests {
    private static let features: [FeatureModel] = [
        .featureProduct, .linear(heads: 2), .linear(heads: 4), .productCode,
    ]

    @Test("a feature model's outputs are sums over its table")
    func featureTables() {
        let task = FeatureTask.gaussian(seed: 4)
        var stream = RandomStream(seed: 4, "test")
        let tuples = EntityTuples(count: 6, domain: task.domain, length: 5, using: &stream)
        for model in Self.features {
            let net = FeatureNet(model, task, using: &stream)

            let outputs = net.outputs(tuples, on: Tape(recording: false)).doubles

            #expect(outputs.meanSquaredError(to: tuples.aggregate(net.table())) < 1e-9)
        }
    }

    @Test("feature models that are compared have the parameters that the notes count")
    func featureParameters() {
        var stream = RandomStream(seed: 4, "test")
        let counts = { (task: FeatureTask) in
            Self.features.map { FeatureNet($0, task, using: &stream).parameterCount }
        }

        #expect(counts(.predatorPrey) == [420, 420, 840, 600])
        #expect(counts(.gaussian(seed: 1)) == [312, 312, 624, 1332])
    }

    @Test("the best linear heads fit what they can express, and leave coupled features")
    func bestLinearHeads() {
        let coupled = FeatureTask.predatorPrey
        let n = coupled.domain
        let additive = FeatureTask(
            name: "additive",
            sizes: coupled.sizes,
            table: (0..<n * n).map { Double($0 / n / 12) * Double($0 % n) + Double($0 / n % 12) },
            entities: coupled.entities
        )
        var stream = RandomStream(seed: 4, "test")
        let tuples = EntityTuples(count: 1500, domain: n, length: 8, using: &stream)
        let relative = { (task: FeatureTask) in
            let targets = tuples.aggregate(task.table)
            let fitted = tuples.aggregate(task.bestLinearHeads(on: tuples))
            return fitted.meanSquaredError(to: targets) / targets.variance
        }

        #expect(relative(additive) < 1e-8)
        #expect(relative(coupled) > 0.08)
    }

    @Test("a triple model's outputs are sums over its tensor")
    func tripleTensor() {
        var stream = RandomStream(seed: 4, "test")
        let net = TripleNet(domain: 4, rank: 3, using: &stream)
        let tuples = EntityTuples(count: 3, domain: 4, length: 5, using: &stream)
        let tensor = net.tensor()

        let outputs = net.outputs(tuples, on: Tape(recording: false)).doubles

        for (place, output) in outputs.enumerated() {
            let first = place / 5 * 5
            let tuple = tuples.entities[first..<first + 5].map(Int.init)
            let i = Int(tuples.entities[place])
            var sum = 0.0
            for j in tuple { for k in tuple { sum += tensor[(i * 4 + j) * 4 + k] } }
            #expect(abs(output - sum / 5) < 1e-4)
        }
    }

    @Test("HyperAttention learns triples that no model of pairs fits", .timeLimit(.minutes(1)))
    func triples() throws {
        var experiment = ThreeWay(domain: 3, length: 5, testLengths: [5, 9], testTuples: 200)
        experiment.batch = 32

        let pairs = experiment.bestPairwise(seed: 101)
        let run = experiment.train(rank: 6, TapeTraining(steps: 500, rate: 3e-2), seed: 101)

        #expect(try #require(pairs.relativeErrors[5]) > 0.2)
        for length in [5, 9] { #expect(try #require(run.relativeErrors[length]) < 0.05) }
    }

    @Test("least squares finds the coefficients of features that are counted")
    func leastSquares() {
        var fit = SparseLeastSquares(size: 3)
        for row in [[0], [1, 2], [2, 2], [0, 1], [1, 1, 2]] {
            fit.add(row, target: row.reduce(0) { $0 + [2.0, -1, 0.5][$1] })
        }

        for (found, expected) in zip(fit.solution(), [2, -1, 0.5]) { #expect(abs(found - expected) < 1e-6) }
    }

    @Test("a sequence's label is the table's entry for its key and its query")
    func trigramLabels() {
        let task = TrigramTask(seed: 9)
        var stream = RandomStream(seed: 9, "test")

        let (symbols, labels) = task.draw(50, using: &stream)

        #expect(symbols.count == 50 * 14 && labels.count == 50)
        for (row, label) in labels.enumerated() {
            let sequence = symbols[row * 14..<(row + 1) * 14].map(Int.init)
            let keys = sequence.filter { (48..<56).contains($0) }
            #expect(keys.count == 1 && (56..<64).contains(sequence[13]))
            #expect(sequence.dropLast().allSatisfy { $0 < 56 })
            #expect(label == task.labels[(keys[0] - 48) * 8 + sequence[13] - 56])
        }
    }

    @Test("additive logits cannot fit a random table, and right logits score without error")
    func additive() {
        let task = TrigramTask(seed: 9)
        let right = task.labels.flatMap { label in (0..<8).map { $0 == label ? 50.0 : 0 } }

        let best = task.bestAdditive()
        let (accuracy, crossEntropy) = TrigramTask.score(right, task.labels)

        #expect(best.accuracy < 0.9 && best.crossEntropy > 0.3 && best.crossEntropy < log(8))
        #expect(accuracy == 1 && crossEntropy < 1e-12)
    }

    @Test("kinds of attention have about as many parameters, and learn", .timeLimit(.minutes(1)))
    func trigramKinds() {
        for kind in SkipTrigram.kinds {
            let run = SkipTrigram().train(kind, TapeTraining(steps: 40, rate: 1e-2), seed: 101)

            #expect((6300...6500).contains(run.parameters), "\(kind.name)")
            #expect(run.crossEntropy < log(8), "\(kind.name)")
        }
    }

    @Test("the exponent of a power of T is found, whatever its factor")
    func exponents() {
        let lengths = [16, 32, 64, 128]

        for exponent in [1.0, 2, 3] {
            let slope = CostAgainstLength.slope(lengths, lengths.map { 3e-7 * pow(Double($0), exponent) })
            #expect(abs(slope - exponent) < 1e-9)
        }
    }

    @Test("an experiment's name is its own")
    func names() {
        #expect(
            Set(ReproduceHyperAttentionCommand.all.map(\.name)).count
                == ReproduceHyperAttentionCommand.all.count
        )
    }
}
