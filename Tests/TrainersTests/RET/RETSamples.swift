import Randomness
import Tensors

@testable import Trainers

/// States whose phases are known: h_t = A[phase] + B[token] + noise, phases that stay for 20 tokens on the mean.
struct PhaseStates {
    let set: TrajectorySet
    /// The phase of each state, by trajectory.
    let phases: [[Int32]]

    init(width: Int = 16, phases count: Int = 4, trajectories: Int = 60, length: Int = 80, seed: UInt64 = 3) {
        var stream = RandomStream(seed: seed, "phase-states")
        func normal() -> Float { Float((0..<12).reduce(-6.0) { sum, _ in sum + stream.uniform() }) }
        let tokens = 12
        let a = (0..<count * width).map { _ in normal() }
        let b = (0..<tokens * width).map { _ in 0.8 * normal() }
        var (states, list, truth) = ([Float](), [Trajectory](), [[Int32]]())
        for index in 0..<trajectories {
            var (phase, own, ids) = (stream.below(count), [Int32](), [Int32]())
            for _ in 0..<length {
                if stream.uniform() < 0.05 { phase = (phase + 1 + stream.below(count - 1)) % count }
                // A token is of the phase in four cases of five.
                let token = stream.uniform() < 0.8 ? phase * 3 + stream.below(3) : stream.below(tokens)
                own.append(Int32(phase))
                ids.append(Int32(token))
                for column in 0..<width {
                    states.append(a[phase * width + column] + b[token * width + column] + 0.5 * normal())
                }
            }
            truth.append(own)
            list.append(
                Trajectory(
                    id: "text-\(index)",
                    topic: "t\(index % 2)",
                    tokens: ids,
                    promptCount: 0,
                    rows: 0..<length
                )
            )
        }
        set = TrajectorySet(source: Self.source(width), trajectories: list, states: Half.bits(states))
        phases = truth
    }

    static func source(_ width: Int) -> StateSource {
        StateSource(model: "0123456789abcdef", name: "none", layers: [2], width: width)
    }

    static let shape = MacrostateShape(windows: [4], hidden: [24], outputs: 6, predictorHidden: [16])

    /// A net trained for some steps.
    func trained(
        _ learning: MacrostateLearning = MacrostateLearning(),
        steps: Int,
        seed: UInt64 = 1
    ) throws -> MacrostateNet {
        let net = MacrostateNet(shape: Self.shape, statistics: try StateStatistics(of: set.all), seed: seed)
        var learner = try MacrostateLearner(
            net: net,
            learning: learning,
            subset: set.all,
            seed: seed,
            path: "test"
        )
        for step in 0..<steps { _ = try learner.step(step) }
        return net
    }
}
