import Foundation
import Randomness
import Testing

@testable import Trainers

/// `Golden/objectives.json`, made by `Golden/make_goldens.py` with PyTorch autograd.
struct ObjectiveGolden: Decodable {
    struct Policy: Decodable {
        var lengths: [Int], normaliser: Int, clipLow: Double, clipHigh: Double
        var old: [Float], new: [Float], advantages: [Double]
        var loss: Double, gradient: [Float], heldLow: Int, heldHigh: Int
    }
    struct KL: Decodable {
        var lengths: [Int], normaliser: Int, beta: Double, reference: [Float], new: [Float]
        var loss: Double, gradient: [Float], meanKL: Double
    }
    struct Supervised: Decodable {
        var new: [Float], normaliser: Int, loss: Double, gradient: [Float]
    }
    struct Proximal: Decodable {
        var parameter: [Float], anchor: [Float], mu: Double, loss: Double, gradient: [Float]
    }
    struct Advantages: Decodable {
        var rewards: [Double], mean: Double, deviation: Double, normalised: [Double], plain: [Double]
    }
    var policy: [Policy], kl: [KL], supervised: [Supervised], proximal: [Proximal], advantages: [Advantages]

    static func load() throws -> ObjectiveGolden {
        let url = try #require(Bundle.module.url(forResource: "objectives", withExtension: "json"))
        return try JSONDecoder().decode(ObjectiveGolden.self, from: Data(contentsOf: url))
    }
}

private func isClose(_ found: Float, _ expected: Float) -> Bool {
    abs(found - expected) <= 1e-6 + 1e-5 * abs(expected)
}

/// The gradient of a term by central differences in Double precision of the loss.
private func differences(at point: [Float], _ loss: ([Float]) -> Double) -> [Float] {
    let step: Float = 1 / 1024
    return point.indices.map { index in
        var up = point
        var down = point
        up[index] += step
        down[index] -= step
        return Float((loss(up) - loss(down)) / Double(up[index] - down[index]))
    }
}

@Suite("The objective's terms")
struct ObjectiveTests {
    @Test("the policy-ratio term has PyTorch's value, gradient and count of held tokens")
    func policyGolden() throws {
        for golden in try ObjectiveGolden.load().policy {
            let result = PolicyRatioTerm.evaluate(
                logProbs: golden.new,
                old: golden.old,
                advantages: golden.advantages,
                responses: ResponseLengths(golden.lengths, normaliser: golden.normaliser),
                clipLow: golden.clipLow,
                clipHigh: golden.clipHigh
            )

            #expect(abs(result.value.loss - golden.loss) < 1e-6)
            #expect(zip(result.value.gradient, golden.gradient).allSatisfy(isClose))
            #expect(result.clippedLow == golden.heldLow)
            #expect(result.clippedHigh == golden.heldHigh)
        }
    }

    @Test("the KL term has PyTorch's value, gradient and mean estimate")
    func klGolden() throws {
        for golden in try ObjectiveGolden.load().kl {
            let result = ReferenceKLTerm.evaluate(
                logProbs: golden.new,
                reference: golden.reference,
                responses: ResponseLengths(golden.lengths, normaliser: golden.normaliser),
                weight: golden.beta
            )

            #expect(abs(result.value.loss - golden.loss) < 1e-6)
            #expect(abs(result.meanKL - golden.meanKL) < 1e-6)
            #expect(zip(result.value.gradient, golden.gradient).allSatisfy(isClose))
        }
    }

    @Test("the supervised term has PyTorch's value and gradient")
    func supervisedGolden() throws {
        for golden in try ObjectiveGolden.load().supervised {
            let value = SupervisedTerm.evaluate(logProbs: golden.new, normaliser: golden.normaliser)

            #expect(abs(value.loss - golden.loss) < 1e-6)
            #expect(zip(value.gradient, golden.gradient).allSatisfy(isClose))
        }
    }

    @Test("the proximal term has PyTorch's value and adds PyTorch's gradient")
    func proximalGolden() throws {
        for golden in try ObjectiveGolden.load().proximal {
            var parameter = golden.parameter
            var gradient = [Float](repeating: 1, count: parameter.count)
            let loss = parameter.withUnsafeMutableBufferPointer { parameter in
                gradient.withUnsafeMutableBufferPointer { gradient in
                    ProximalTerm.add(
                        parameter: parameter,
                        anchor: golden.anchor,
                        gradient: gradient,
                        mu: golden.mu
                    )
                }
            }

            #expect(abs(loss - golden.loss) < 1e-6)
            #expect(zip(gradient, golden.gradient).allSatisfy { isClose($0 - 1, $1) || isClose($0, $1 + 1) })
        }
    }

    @Test("advantages are PyTorch's, with and without the division")
    func advantageGolden() throws {
        for golden in try ObjectiveGolden.load().advantages {
            let normalised = GroupAdvantage.evaluate(rewards: golden.rewards, normalise: true)
            let plain = GroupAdvantage.evaluate(rewards: golden.rewards, normalise: false)

            #expect(abs(normalised.mean - golden.mean) < 1e-12)
            #expect(abs(normalised.deviation - golden.deviation) < 1e-12)
            #expect(zip(normalised.advantages, golden.normalised).allSatisfy { abs($0 - $1) < 1e-9 })
            #expect(zip(plain.advantages, golden.plain).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }

    @Test("every token term's gradient is its finite difference")
    func finiteDifferences() {
        var stream = RandomStream(seed: 5, "differences")
        let lengths = ResponseLengths([2, 3, 1], normaliser: 5)
        let old = (0..<6).map { _ in Float(-2 * stream.uniform()) }
        // Far enough from the clip's corners, where there is no gradient to compare with.
        let point = zip(old, [0.05, -0.4, 0.35, -0.1, 0.5, -0.05] as [Float]).map(+)
        let policy = { (logProbs: [Float]) in
            PolicyRatioTerm.evaluate(
                logProbs: logProbs,
                old: old,
                advantages: [1.2, -0.7, 0.4],
                responses: lengths,
                clipLow: 0.2,
                clipHigh: 0.28
            ).value
        }
        let divergence = { (logProbs: [Float]) in
            ReferenceKLTerm.evaluate(logProbs: logProbs, reference: old, responses: lengths, weight: 0.3)
                .value
        }
        let supervised = { (logProbs: [Float]) in SupervisedTerm.evaluate(logProbs: logProbs, normaliser: 6) }

        for term in [policy, divergence, supervised] {
            let expected = differences(at: point) { term($0).loss }
            #expect(zip(term(point).gradient, expected).allSatisfy { abs($0 - $1) < 2e-4 })
        }
    }

    @Test("with ρ = 1 the policy term's gradient is −A/(n|y|) for every token")
    func onPolicyGradient() {
        let logProbs: [Float] = [-0.1, -2, -0.3, -4]
        let result = PolicyRatioTerm.evaluate(
            logProbs: logProbs,
            old: logProbs,
            advantages: [1, -2],
            responses: ResponseLengths([1, 3], normaliser: 2),
            clipLow: 0.2,
            clipHigh: 0.2
        )

        #expect(
            zip(result.value.gradient, [-0.5, 1.0 / 3, 1.0 / 3, 1.0 / 3]).allSatisfy {
                abs($0 - Float($1)) < 1e-6
            }
        )
        #expect(result.clippedLow == 0 && result.clippedHigh == 0)
    }

    @Test("with c right of K the advantages are √((K−c)/c) and −√(c/(K−c))", arguments: 1..<8)
    func binaryAdvantages(right: Int) {
        let rewards = (0..<8).map { $0 < right ? 1.0 : 0 }
        let (c, k) = (Double(right), 8.0)

        let found = GroupAdvantage.evaluate(rewards: rewards, normalise: true)

        #expect(abs(found.advantages[0] - ((k - c) / c).squareRoot()) < 1e-4)
        #expect(abs(found.advantages[7] + (c / (k - c)).squareRoot()) < 1e-4)
        #expect(!found.isSilent)
    }

    @Test("a group of equal rewards is silent, whatever the reward", arguments: [0, 1, 0.1])
    func silentGroup(reward: Double) {
        let found = GroupAdvantage.evaluate(rewards: Array(repeating: reward, count: 8), normalise: true)

        #expect(found.isSilent)
        #expect(found.advantages == Array(repeating: 0, count: 8))
    }
}
