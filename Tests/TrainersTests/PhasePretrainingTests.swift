import Models
import Tasks
import Testing
import Trainers

@Suite("Pretraining on the phase language")
struct PhasePretrainingTests {
    private var short: PhasePretraining {
        var recipe = PhasePretraining()
        recipe.shortStepsMax = 6
        recipe.fullSteps = 2
        recipe.textsPerStep = 4
        recipe.warmUpSteps = 2
        return recipe
    }

    @Test("the sizes are the recipe's")
    func sizes() {
        #expect(PhasePretraining.small.parameterCount == 151_360)
        #expect((500_000...1_000_000).contains(PhasePretraining.large.parameterCount))
    }

    @Test("the loss falls, the stance starts as a guess over all words, and progress is told of every step")
    func learns() throws {
        var all: [PhasePretraining.Progress] = []

        _ = try short.run(seed: 1) { all.append($0) }

        #expect(all.map(\.step) == Array(0..<8))
        #expect(all.map(\.isShort) == [true, true, true, true, true, true, false, false])
        #expect(abs(all[0].loss - 4.36) < 0.4)
        #expect(all[5].loss < all[0].loss - 0.5)
        #expect(abs(all[0].stanceLoss - 4.36) < 0.6)
    }

    @Test("short texts are left when the stance is learned")
    func leaves() throws {
        var recipe = short
        recipe.stanceGoal = 1
        var kinds: [Bool] = []

        _ = try recipe.run(seed: 1) { kinds.append($0.isShort) }

        #expect(kinds == [false, false])
    }

    @Test("the same seed gives the same weights, another one others")
    func deterministic() throws {
        var recipe = short
        recipe.shortStepsMax = 2
        let first = try recipe.run(seed: 1) { _ in }.arrays()

        #expect(try recipe.run(seed: 1) { _ in }.arrays() == first)
        #expect(try recipe.run(seed: 2) { _ in }.arrays() != first)
    }
}
