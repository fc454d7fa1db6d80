import Contract
import Glibc
import Testing

@testable import Trainers

@Suite("STACCA's objective and credit")
struct CreditTests {
    @Test("the clipped surrogate's gradient is that of finite differences", arguments: [true, false])
    func surrogate(acts: Bool) {
        for advantage: Float in [-1.5, 0.4] {
            for (logit, old): (Float, Float) in [(0.3, 0.2), (-1, 0.5), (1.7, -0.4), (0, 0)] {
                func loss(_ logit: Float) -> Double {
                    Double(
                        ClippedSurrogate(
                            logit: logit,
                            oldLogit: old,
                            acts: acts,
                            advantage: advantage,
                            clip: 0.2,
                            entropyWeight: 0.3
                        ).loss
                    )
                }
                let term = ClippedSurrogate(
                    logit: logit,
                    oldLogit: old,
                    acts: acts,
                    advantage: advantage,
                    clip: 0.2,
                    entropyWeight: 0.3
                )
                let slope = (loss(logit + 1e-2) - loss(logit - 1e-2)) / 2e-2
                #expect(abs(Double(term.gradient) - slope) < 2e-3, "at \(logit) from \(old), A \(advantage)")
            }
        }
    }

    @Test("a ratio beyond the clip pushes no further the same way, and is pulled back the other way")
    func clipped() {
        func term(_ logit: Float, _ advantage: Float) -> ClippedSurrogate {
            ClippedSurrogate(
                logit: logit,
                oldLogit: 0,
                acts: true,
                advantage: advantage,
                clip: 0.2,
                entropyWeight: 0
            )
        }
        #expect(term(2, 1).isClipped && term(2, 1).gradient == 0)
        #expect(!term(2, -1).isClipped && term(2, -1).gradient > 0)
        #expect(term(-2, -1).isClipped && term(-2, -1).gradient == 0)
        #expect(!term(-2, 1).isClipped && term(-2, 1).gradient < 0)
        #expect(abs(term(0, 1).entropy - Float(log(2.0))) < 1e-6)
        #expect(term(0, 1).divergence == 0 && term(1, 1).divergence > 0)
    }

    @Test("local generalised advantages with λ = 1 are the discounted rewards to come, less the value")
    func returns() {
        let rewards: [Float] = [1, 10, 2, 20, 3, 30]
        let values: [Float] = [0.5, 5, 0.25, 2, 4, 1]

        let one = ValueEstimates.advantages(
            rewards: rewards,
            values: values,
            nodes: 2,
            discount: 0.5,
            trace: 1
        )
        let zero = ValueEstimates.advantages(
            rewards: rewards,
            values: values,
            nodes: 2,
            discount: 0.5,
            trace: 0
        )

        // 1 + 2/2 + 3/4 less 0.5, and so on; then one step and the next value.
        let wantedOne: [Float] = [2.25, 22.5, 3.25, 33, -1, 29]
        let wantedZero: [Float] = [0.625, 6, 3.75, 18.5, -1, 29]
        #expect(one == wantedOne)
        #expect(zero == wantedZero)
    }

    @Test("each normalisation does what its name says")
    func normalised() {
        let values: [Float] = [1, 3, -2, 4, 10, -10, 30, 10]
        let times = [0, 0, 0, 0, 1, 1, 1, 1]
        let states = [0, 0, 1, 1, 2, 2, 3, 3]
        func apply(_ kind: AdvantageSettings.Normalisation) -> [Float] {
            var copy = values
            kind.apply(to: &copy, times: times, states: states)
            return copy
        }
        func square(_ values: some Sequence<Float>) -> Float {
            let all = Array(values)
            return all.reduce(0) { $0 + $1 * $1 } / Float(all.count)
        }
        func mean(_ values: some Sequence<Float>) -> Float {
            let all = Array(values)
            return all.reduce(0, +) / Float(all.count)
        }

        #expect(apply(.none) == values)
        #expect(abs(square(apply(.global)) - 1) < 1e-5)
        #expect(apply(.global)[1] / apply(.global)[0] == 3)
        let scaled = apply(.tscale)
        #expect(abs(square(scaled.prefix(4)) - 1) < 1e-5 && abs(square(scaled.suffix(4)) - 1) < 1e-5)
        let half = apply(.half)
        #expect(abs(square(half) - 1) < 1e-5)
        #expect(square(half.prefix(4)) > square(apply(.global).prefix(4)))
        #expect(square(half.prefix(4)) < square(scaled.prefix(4)))
        #expect(abs(mean(apply(.batch))) < 1e-5 && abs(square(apply(.batch)) - 1) < 1e-5)
        #expect(abs(mean(apply(.tstep).prefix(4))) < 1e-5)
        let agent = apply(.agent)
        for start in stride(from: 0, to: 8, by: 2) { #expect(abs(agent[start] + agent[start + 1]) < 1e-5) }
    }

    @Test("the weight of the entropy falls from its start to its end and stays there")
    func entropy() {
        let settings = EntropySettings()

        #expect(settings.weight(after: -5) == 0.25 && settings.weight(after: 0) == 0.25)
        #expect(
            abs(settings.weight(after: 100) - 0.02) < 1e-12 && abs(settings.weight(after: 999) - 0.02) < 1e-12
        )
        let middle = settings.weight(after: 50)
        #expect(abs(middle - (0.25 * 0.02).squareRoot()) < 1e-9)
    }

    @Test("settings out of range are named by their path")
    func settings() {
        var learning = LearningSettings()
        learning.advantage.horizon = 0
        #expect(throws: SettingsFault(key: "advantage.horizon", reason: "found 0, expected 1 … 64")) {
            try learning.validate()
        }
        learning = LearningSettings()
        learning.minibatches = 13
        #expect(
            throws: SettingsFault(
                key: "minibatches",
                reason: "found 13 for 12 episodes, expected at most one for each"
            )
        ) { try learning.validate() }
    }
}
