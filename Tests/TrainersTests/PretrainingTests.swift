import Models
import Tasks
import Testing
import Trainers

@Suite("Pretraining")
struct PretrainingTests {
    private var short: Pretraining {
        var recipe = Pretraining.standard
        recipe.steps = 12
        recipe.warmUpSteps = 3
        recipe.sequencesPerFamily = 4
        recipe.problemsPerFamily = 50
        return recipe
    }

    @Test("the presets are the recipe's")
    func presets() {
        #expect(Pretraining.standard.labels == .standard)
        #expect(Pretraining.hard.labels == .hard)
        #expect(Pretraining.standard.steps == 600)
        #expect(Pretraining.standard.sequencesPerFamily * Pretraining.standard.families.count == 192)
        #expect(Pretraining.tinyArithmetic.parameterCount == 224_736)
    }

    @Test("the loss falls, and progress is told of every step")
    func learns() throws {
        var losses: [Double] = []

        _ = try short.run(seed: 1) { losses.append($0.loss) }

        #expect(losses.count == 12)
        #expect(abs(losses[0] - 3.5) < 0.3)
        #expect(losses[11] < losses[0] - 0.8)
    }

    @Test("the same seed gives the same weights, another one others")
    func deterministic() throws {
        let first = try short.run(seed: 1) { _ in }.arrays()

        #expect(try short.run(seed: 1) { _ in }.arrays() == first)
        #expect(try short.run(seed: 2) { _ in }.arrays() != first)
    }

    @Test("what progress throws ends the training")
    func cancels() {
        struct Enough: Error {}
        var count = 0

        #expect(throws: Enough.self) {
            try short.run(seed: 1) { _ in
                count += 1
                if count == 2 { throw Enough() }
            }
        }
        #expect(count == 2)
    }
}
