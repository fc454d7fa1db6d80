import Contract
import Foundation
import Randomness
import Tensors
import Testing

@testable import Trainers

@Suite("Macrostates are learnt as RET's notes say")
struct MacrostateLearningTests {
    private struct Golden: Decodable {
        struct Step: Decodable {
            let now, later: [Float]
            let prediction, spread: Double
            let gradients, after: [String: [Float]]
        }
        struct Pair: Decodable {
            let a, b: [Int32]
            let nmi, adjustedRand: Double
        }
        let initial: [String: [Float]]
        let steps: [Step]
        let agreement: [Pair]

        static func read() throws -> Golden {
            let url = try #require(Bundle.module.url(forResource: "ret", withExtension: "json"))
            return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
        }
    }

    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test("losses, gradients, Adam's steps and the target's moves are PyTorch's")
    func golden() throws {
        let golden = try Golden.read()
        let shape = MacrostateShape(windows: [2], hidden: [5], outputs: 4, predictorHidden: [6])
        let net = MacrostateNet(
            shape: shape,
            statistics: StateStatistics(mean: [0, 0, 0], deviation: [1, 1, 1]),
            seed: 1
        )
        try net.load(
            AdapterWeights(
                net.weights.arrays.map { array in
                    var array = array
                    if let values = golden.initial[array.name] { array.values = values }
                    return array
                }
            )
        )
        var learning = MacrostateLearning()
        learning.learningRate = 1e-2
        learning.targetDecay = 0.9
        learning.varianceWeight = 0.5
        learning.batchSize = 8
        let states = PhaseStates(width: 3, trajectories: 2, length: 20)
        var learner = try MacrostateLearner(
            net: net,
            learning: learning,
            subset: states.set.all,
            seed: 1,
            path: "golden"
        )
        for (index, step) in golden.steps.enumerated() {
            let later = Tensor(shape: [8, 6], values: step.later)
            let done = try learner.update(index, now: Tensor(shape: [8, 6], values: step.now)) { _ in
                net.apply(net.target, to: later, tape: Tape(recording: false))
            }

            #expect(abs(done.loss - step.prediction) < 1e-5)
            #expect(abs(done.spreadLoss - step.spread) < 1e-5)
            for (name, layers) in [("encoder", net.encoder), ("predictor", net.predictor)] {
                for (place, layer) in layers.enumerated() {
                    for (part, tensor) in [("weight", layer.weight), ("bias", layer.bias)] {
                        let expected = try #require(step.gradients["\(name).\(place).\(part)"])
                        #expect(
                            difference(Array(try #require(tensor.gradient)), expected) < 1e-5,
                            "\(name) \(part)"
                        )
                    }
                }
            }
            for array in net.weights.arrays where !array.name.hasPrefix("states") {
                #expect(
                    difference(array.values, try #require(step.after[array.name])) < 2e-5,
                    "\(array.name)"
                )
            }
        }
    }

    @Test("the gradients of both losses are their finite differences", arguments: [false, true])
    func gradients(centres: Bool) {
        var stream = RandomStream(seed: 5, "losses")
        let (rows, width) = (5, 3)
        func values() -> [Float] { (0..<rows * width).map { _ in Float(stream.uniform() * 2 - 1) } }
        let (p, y) = (values(), values())
        let value = MacrostateObjective.prediction(p, y, width: width, centres: centres)
        let spread = MacrostateObjective.spread(p, width: width)
        let step: Float = 1e-2
        for index in p.indices {
            func moved(_ values: [Float], _ by: Float) -> [Float] {
                var values = values
                values[index] += by
                return values
            }
            func slope(_ loss: (Float) -> Double) -> Double { (loss(step) - loss(-step)) / Double(2 * step) }
            let byP = slope {
                MacrostateObjective.prediction(moved(p, $0), y, width: width, centres: centres).loss
            }
            let byY = slope {
                MacrostateObjective.prediction(p, moved(y, $0), width: width, centres: centres).loss
            }
            let byZ = slope { MacrostateObjective.spread(moved(p, $0), width: width).loss }
            #expect(abs(byP - Double(value.prediction[index])) < 2e-3)
            #expect(abs(byY - Double(value.target[index])) < 2e-3)
            #expect(abs(byZ - Double(spread.gradient[index])) < 2e-3)
        }
    }

    @Test("no gradient reaches the target: it only follows the encoder, by its decay")
    func targetFollows() throws {
        let states = PhaseStates(trajectories: 10)
        var learning = MacrostateLearning()
        learning.targetDecay = 0.5
        let net = try states.trained(learning, steps: 1)
        let fresh = MacrostateNet(shape: PhaseStates.shape, statistics: net.statistics, seed: 1)

        for (slow, (fast, before)) in zip(net.target, zip(net.encoder, fresh.encoder)) {
            #expect(slow.weight.gradient == nil && !slow.weight.isTrainable)
            let mean = zip(fast.weight.values, before.weight.values).map { 0.5 * ($0 + $1) }
            #expect(difference(slow.weight.toArray(), mean) < 1e-6)
        }
    }

    @Test("what comes later never changes a macrostate, and what a window holds does")
    func causal() throws {
        let states = PhaseStates(trajectories: 1, length: 30)
        let net = try PhaseStates(trajectories: 10).trained(steps: 20)
        let width = states.set.width
        var bits = Half.bits(try states.set.states(0..<30))
        let before = try net.encode(states.set.trajectories[0], of: states.set)
        for column in 0..<width { bits[20 * width + column] = Half.bits([9])[0] }
        let changed = TrajectorySet(
            source: states.set.source,
            trajectories: states.set.trajectories,
            states: bits
        )

        let after = try net.encode(changed.trajectories[0], of: changed)

        let m = PhaseStates.shape.outputs
        #expect(before[..<(20 * m)] == after[..<(20 * m)])
        // The window of 4 lets go of it after 24.
        for row in 20..<24 { #expect(before[row * m..<(row + 1) * m] != after[row * m..<(row + 1) * m]) }
        #expect(before[(24 * m)...] == after[(24 * m)...])
    }

    @Test("a state read alone gives the bits that it gives within its text")
    func sameBitsAlone() throws {
        let states = PhaseStates(trajectories: 2, length: 40)
        let net = try states.trained(steps: 5)
        let second = states.set.trajectories[1]
        let whole = try net.encode(second, of: states.set)

        let alone = try net.encode(
            rows: second.rows.lowerBound + 7..<second.rows.lowerBound + 8,
            start: second.rows.lowerBound,
            of: states.set
        )

        #expect(difference(alone, Array(whole[7 * 6..<8 * 6])) < 1e-6)
    }

    @Test("the groups learnt are the phases, and without a stop-gradient everything collapses")
    func learns() throws {
        let states = PhaseStates(trajectories: 40)
        let truth = states.phases.flatMap { $0 }
        var learning = MacrostateLearning()
        learning.learningRate = 3e-3
        let net = try states.trained(learning, steps: 300)
        var careless = learning
        careless.stopsGradient = false
        careless.targetDecay = 0
        careless.centresTarget = false
        let collapsed = try states.trained(careless, steps: 300)

        let z = try net.encode(states.set.all)
        var stream = RandomStream(seed: 1, "fit")
        let groups = KMeans.fit(z, width: 6, groups: 4, stream: &stream).assign(z)

        #expect(Agreement.nmi(groups, truth) > 0.7)
        #expect(Spread(of: z, width: 6).effectiveRank > 1.8)
        let flat = Spread(of: try collapsed.encode(states.set.all), width: 6)
        #expect(flat.effectiveRank < 2)
        #expect(CollapseLimits().objection(to: flat)?.contains("collapsed") == true)
        #expect(CollapseLimits().objection(to: Spread(of: z, width: 6)) == nil)
    }

    @Test("the same seed learns the same bits, another one others")
    func deterministic() throws {
        let states = PhaseStates(trajectories: 10)

        #expect(try states.trained(steps: 10).weights == states.trained(steps: 10).weights)
        #expect(try states.trained(steps: 10).weights != states.trained(steps: 10, seed: 2).weights)
    }

    @Test("trajectories no longer than the horizon are refused with both numbers")
    func tooShort() throws {
        let states = PhaseStates(trajectories: 3, length: 12)
        let net = MacrostateNet(
            shape: PhaseStates.shape,
            statistics: try StateStatistics(of: states.set.all),
            seed: 1
        )

        let fault = #expect(throws: TrajectoryFault.self) {
            _ = try MacrostateLearner(
                net: net,
                learning: MacrostateLearning(),
                subset: states.set.all,
                seed: 1,
                path: "short"
            )
        }
        #expect(
            fault?.reason.contains("12 states") == true && fault?.reason.contains("horizon of 12") == true
        )
    }

    @Test("NMI and the adjusted Rand index are scikit-learn's")
    func agreement() throws {
        for pair in try Golden.read().agreement {
            #expect(abs(Agreement.nmi(pair.a, pair.b) - pair.nmi) < 1e-9)
            #expect(abs(Agreement.adjustedRand(pair.a, pair.b) - pair.adjustedRand) < 1e-9)
        }
        #expect(Agreement.nmi([1, 1, 1], [0, 1, 2]) == 0)
        #expect(Agreement.adjustedRand([2, 2, 3, 3], [7, 7, 5, 5]) == 1)
    }

    @Test("positions are binned by sixteen, and finer where texts are short")
    func positions() {
        #expect(PositionBins.labels([3, 2]) == [0, 1, 2, 0, 1])
        #expect(PositionBins.width(longest: 40) == 5)
        #expect(PositionBins.labels([400]).max() == 24)
    }

    @Test("groups do not change when all macrostates are turned and moved")
    func rotation() throws {
        let states = PhaseStates(trajectories: 20)
        let z = try states.trained(steps: 100).encode(states.set.all)
        let (cosine, sine) = (Float(0.6), Float(0.8))
        var turned = z
        for row in 0..<z.count / 6 {
            let (x, y) = (z[row * 6], z[row * 6 + 3])
            turned[row * 6] = cosine * x - sine * y + 1
            turned[row * 6 + 3] = sine * x + cosine * y
        }
        func groups(_ points: [Float]) -> [Int32] {
            var stream = RandomStream(seed: 9, "turn")
            return KMeans.fit(points, width: 6, groups: 4, stream: &stream).assign(points)
        }

        #expect(Agreement.adjustedRand(groups(z), groups(turned)) > 0.99)
        let aligned = Procrustes(turned, to: z, width: 6)
        #expect(aligned.similarity > 0.999)
        #expect(aligned.unturned < 0.95)
    }

    @Test("the stability rule finds the number of clusters")
    func stability() {
        var stream = RandomStream(seed: 2, "clusters")
        // Corners of a simplex: fewer groups must join two that are no nearer than any others.
        let centres = (0..<5).map { corner in (0..<5).map { Float($0 == corner ? 10 : 0) } }
        let trajectories = (0..<20).map { _ in
            (0..<50).flatMap { _ in centres[stream.below(5)].map { $0 + Float(stream.uniform()) } }
        }

        let rule = GroupCount(trajectories, width: 5, range: 4...8, seed: 1)

        #expect(rule.chosen == 5)
        #expect(rule.stability.count == 5)
    }

    @Test("transitions, stays and consistency are counted within trajectories alone")
    func dynamics() {
        let dynamics = GroupDynamics([[0, 0, 1, 1], [1, 0]], groups: 3)

        #expect(dynamics.occupancy == [3, 3, 0])
        #expect(dynamics.transitions == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 0]])
        #expect(dynamics.dwell == [1.5, 1.5, 0])
        #expect(dynamics.temporalConsistency == 0.5)
        #expect(dynamics.chanceConsistency == 0.5)
    }

    @Test("a macrostate that is foretold from itself alone has no closure gap, a random projection has one")
    func closure() throws {
        let states = PhaseStates(trajectories: 40)
        let (train, heldOut) = states.set.split(heldOutOneIn: 4)
        let learnt = try Closure(
            states.trained(steps: 400),
            train: train,
            heldOut: heldOut,
            horizon: 4,
            seed: 1
        )
        let fresh = MacrostateNet(
            shape: PhaseStates.shape,
            statistics: try StateStatistics(of: states.set.all),
            seed: 5
        )
        let random = try Closure(fresh, train: train, heldOut: heldOut, horizon: 4, seed: 1)

        #expect(learnt.ridge > 0.3 && learnt.net > 0.3)
        #expect(learnt.ridgeGap < 0.1)
        #expect(random.ridgeGap > learnt.ridgeGap)
    }
}
