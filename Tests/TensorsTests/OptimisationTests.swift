import Testing

@testable import Tensors

@Suite("Optimisation helpers") struct OptimisationTests {
    @Test("the schedule warms up, falls as a cosine, and stays at its floor")
    func schedule() {
        let schedule = LearningRateSchedule(warmUpSteps: 4, totalSteps: 14, floor: 0.1)
        #expect((0..<4).map(schedule.factor(step:)) == [0.25, 0.5, 0.75, 1])
        #expect(schedule.factor(step: 4) == 1)
        #expect(abs(schedule.factor(step: 9) - 0.55) < 1e-12)
        #expect(abs(schedule.factor(step: 14) - 0.1) < 1e-12)
        #expect(schedule.factor(step: 1000) == schedule.factor(step: 14))
        #expect(LearningRateSchedule(warmUpSteps: 0, totalSteps: 0, floor: 1).factor(step: 0) == 1)
    }

    @Test("a norm within the bound, or one that is not finite, leaves the gradients alone")
    func clipping() {
        let x = parameter([4], "x")
        _ = x.gradient?.update(fromContentsOf: [3, 0, 4, 0])
        #expect(clipGradientNorm([x], max: 6) == 5)
        #expect(x.gradient.map(Array.init) == [3, 0, 4, 0])
        x.gradient?[1] = .infinity
        #expect(clipGradientNorm([x], max: 6) == .infinity)
        #expect(x.gradient.map(Array.init) == [3, .infinity, 4, 0])
    }

    @Test("products pass their self-test and name their kernels")
    func compute() throws {
        try Compute.selfTest()
        #expect(Compute.description.contains("kernels \(Compute.kernels), "))
    }
}
