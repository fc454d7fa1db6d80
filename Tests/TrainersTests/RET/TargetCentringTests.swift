import Contract
import Randomness
import Tensors
import Testing

@testable import Trainers

@Suite("Targets without what stays the same through a trajectory")
struct TargetCentringTests {
    private func numbers(_ count: Int, _ name: String) -> [Float] {
        var stream = RandomStream(seed: 1, name)
        return (0..<count).map { _ in Float(2 * stream.uniform() - 1) }
    }

    @Test("what is added to all targets of a part of the batch changes nothing, elsewhere it does")
    func constants() {
        let (p, y) = (numbers(8 * 3, "p"), numbers(8 * 3, "y"))
        var moved = y
        for index in 0..<4 * 3 { moved[index] += [5, -2, 1][index % 3] }

        func loss(_ y: [Float], within part: Int?) -> Double {
            MacrostateObjective.prediction(p, y, width: 3, centres: true, within: part).loss
        }

        #expect(abs(loss(y, within: 4) - loss(moved, within: 4)) < 1e-5)
        #expect(abs(loss(y, within: nil) - loss(moved, within: nil)) > 0.01)
        #expect(loss(y, within: 8) == loss(y, within: nil))
    }

    @Test("the gradient by the targets agrees with differences")
    func gradient() {
        let (p, y) = (numbers(4 * 2, "p"), numbers(4 * 2, "y"))
        let value = MacrostateObjective.prediction(p, y, width: 2, centres: true, within: 2)
        for index in y.indices {
            var (up, down) = (y, y)
            up[index] += 1e-3
            down[index] -= 1e-3
            let high = MacrostateObjective.prediction(p, up, width: 2, centres: true, within: 2).loss
            let low = MacrostateObjective.prediction(p, down, width: 2, centres: true, within: 2).loss
            #expect(abs((high - low) / 2e-3 - Double(value.target[index])) < 1e-2)
        }
    }

    @Test("states that differ between trajectories alone foretell nothing, and those that change do")
    func learns() throws {
        // Two coordinates stay the same through a trajectory, two go round in a circle of 8 tokens.
        var stream = RandomStream(seed: 2, "states")
        let trajectories = (0..<40).map { index in
            Trajectory(
                id: "\(index)",
                topic: "",
                tokens: [Int32](repeating: 0, count: 48),
                promptCount: 0,
                rows: 0..<48
            )
        }
        let circle: [(Float, Float)] = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
        var states: [Float] = []
        var phases: [Int32] = []
        for _ in trajectories {
            let own = (Float(10 * stream.uniform()), Float(10 * stream.uniform()))
            let start = stream.below(8)
            for token in 0..<48 {
                let (x, y) = circle[(start + token) % 8]
                states += [own.0, own.1, x, y]
                phases.append(Int32((start + token) % 8 / 4))
            }
        }
        let set = TrajectorySet(
            source: StateSource(model: "", name: "", layers: [1], width: 4),
            trajectories: trajectories,
            states: Half.bits(states)
        )
        func score(_ pairs: Int) throws -> Double {
            var learning = MacrostateLearning()
            learning.horizon = .init(from: 1, to: 2)
            learning.batchSize = 64
            learning.pairsPerTrajectory = pairs
            let net = MacrostateNet(
                shape: MacrostateShape(windows: [2], hidden: [16], outputs: 4, predictorHidden: [16]),
                statistics: try StateStatistics(of: set.all),
                seed: 3
            )
            var learner = try MacrostateLearner(
                net: net,
                learning: learning,
                subset: set.all,
                seed: 3,
                path: "test"
            )
            for step in 0..<600 { _ = try learner.step(step) }
            let z = try net.encode(set.all)
            var starts = RandomStream(seed: 3, "k-means")
            let groups = KMeans.fit(z, width: 4, groups: 2, stream: &starts).assign(z)
            return Agreement.nmi(groups, phases)
        }

        let (within, among) = (try score(16), try score(1))
        #expect(within > 10 * among + 0.1, "\(within) and \(among)")
    }

    @Test("pairs of a trajectory must divide the batch")
    func validates() {
        var learning = MacrostateLearning()
        learning.pairsPerTrajectory = 3
        #expect(throws: SettingsFault.self) { try learning.validate("learning") }
    }
}
