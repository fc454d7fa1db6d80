import Foundation
import Models
import Randomness
import Tasks
import Testing
import Trainers

@testable import tributary

@Suite("The study of RET")
struct RETStudyTests {
    @Test("experiments have names of their own")
    func names() {
        let names = ReproduceRETCommand.all(PhaseWorlds(folder: "")).map { $0.name }

        #expect(Set(names).count == names.count)
        #expect(names.first == "phases")
    }

    @Test("a causal mean looks at the last rows of its completion alone")
    func causalMean() {
        let x = Rows(width: 1, values: [1, 2, 3, 10, 20, 30, 40])

        #expect(Baselines.causalMean(x, 2, [0..<3, 3..<7]).values == [1, 1.5, 2.5, 10, 15, 25, 35])
        #expect(Baselines.causalMean(x, .max, [0..<3, 3..<7]).values == [1, 1.5, 2, 10, 15, 20, 25])
        #expect(Baselines.centred(x, [0..<3, 3..<7]).values == [0, 0.5, 1, 0, 5, 10, 15])
    }

    @Test("slow features find what changes slowly under what changes fast and is larger")
    func slowFeatures() {
        var stream = RandomStream(seed: 1, "slow")
        var values: [Float] = []
        var slow: [Double] = []
        for row in 0..<400 {
            let (s, noise) = (row / 40 % 2 == 0 ? 1.0 : -1.0, 4 * (stream.uniform() - 0.5))
            slow.append(s)
            values += [Float(s + noise), Float(s - noise)]
        }
        let x = Rows(width: 2, values: values)

        let y = Baselines.slow(x, 1, train: [0..<400])

        let agreement = zip(y.values, slow).reduce(0.0) { $0 + Double($1.0) * $1.1 } / 400
        #expect(y.width == 1)
        #expect(abs(agreement) > 0.99)
    }

    @Test("principal components keep the direction of most variance")
    func principal() {
        var stream = RandomStream(seed: 2, "principal")
        var values: [Float] = []
        for _ in 0..<300 {
            let (a, b) = (10 * (stream.uniform() - 0.5), stream.uniform() - 0.5)
            values += [Float(a), Float(b), Float(a)]
        }

        let y = Baselines.principal(Rows(width: 3, values: values), 1, train: Array(0..<300))

        let sum = (0..<300).reduce(0.0) { $0 + Double(y.values[$1] * values[3 * $1]) }
        let norm = (0..<300).reduce(0.0) { $0 + Double(values[3 * $1] * values[3 * $1]) }
        #expect(abs(abs(sum / norm) - 2.0.squareRoot()) < 0.02)
    }

    @Test("a sample knows phase, stance and body of what a model wrote")
    func sample() throws {
        var stream = RandomStream(seed: 3, "texts")
        let texts = (0..<3).map { _ in PhaseLanguage().text(from: &stream) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "ret-study-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var recipe = PhasePretraining()
        recipe.shortStepsMax = 1
        recipe.fullSteps = 1
        recipe.textsPerStep = 1
        try recipe.run(seed: 1) { _ in }.write(toDirectory: folder)
        let model = try BaseModel.load(.directory(folder))

        let sample = PhaseSample(
            LanguageDecoder(model),
            model,
            texts.map { (Array($0.tokens.prefix(20)), Array($0.tokens.dropFirst(20).dropLast())) }
        )

        #expect(sample.caves == texts.map(\.caves))
        #expect(sample.rows.map(\.count) == texts.map { $0.tokens.count - 21 })
        #expect(sample.bodyRows == texts.map { ($0.clauses.last?.range.upperBound ?? 0) - 20 })
        #expect(sample.phases.allSatisfy { (0..<5).contains($0) })
        #expect(sample.sets[2]?.rowCount == sample.tokens.count)
        #expect(sample.promptMeans[3]?.count == 3 * 64)
    }
}
