import Contract
import Models
import Randomness
import Tensors
import Testing
import TrainersTestSupport

@testable import Trainers

@Suite("Steering towards a group of macrostates")
struct SteeringTests {
    private func macrostates() throws -> (Macrostates, PhaseStates) {
        let states = PhaseStates(width: 16, trajectories: 30)
        let net = try states.trained(steps: 300)
        var macrostates = Macrostates(
            source: states.set.source,
            shape: PhaseStates.shape,
            net: net.weights,
            centroids: Centroids(width: 6, values: [Float](repeating: 0, count: 24))
        )
        try macrostates.fit(states.set.all, groups: 4, seed: 1)
        return (macrostates, states)
    }

    @Test("a fit finds the groups again, and directions that point from the others to each")
    func directions() throws {
        let (macrostates, states) = try macrostates()
        let directions = try #require(macrostates.directions)
        let net = try macrostates.makeNet()
        let z = try net.encode(states.set.all)
        let labels = macrostates.centroids.assign(z)
        let all = try states.set.states(0..<states.set.rowCount)

        for group in 0..<4 {
            let v = Array(directions.meanDifference[group * 16..<(group + 1) * 16])
            #expect(abs(v.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
            func mean(_ isIn: (Int32) -> Bool) -> Float {
                let rows = labels.indices.filter { isIn(labels[$0]) }
                let sum = rows.reduce(Float(0)) { total, row in
                    total + zip(all[row * 16..<(row + 1) * 16], v).reduce(0) { $0 + $1.0 * $1.1 }
                }
                return sum / Float(rows.count)
            }
            #expect(mean { $0 == Int32(group) } > mean { $0 != Int32(group) })
        }
        #expect(macrostates.groups.allSatisfy { $0.recall ?? 0 > 0.5 })
        #expect(directions.medianNorm > 0)
    }

    @Test("the encoder's gradient is the finite difference of the distance to the centre")
    func gradient() throws {
        let (macrostates, _) = try macrostates()
        let net = try macrostates.makeNet()
        let centre = Array(macrostates.centroids.values[6..<12])
        var stream = RandomStream(seed: 3, "window")
        let window = (0..<5 * 16).map { _ in Float(stream.uniform() * 4 - 2) }
        let found = EncoderGradient(net: net, centre: centre)([window])
        func closeness(_ states: [Float]) throws -> Double {
            let trajectory = Trajectory(
                id: "w",
                topic: "",
                tokens: [0, 0, 0, 0, 0],
                promptCount: 0,
                rows: 0..<5
            )
            // The states are rounded to half precision: only steps larger than that can be seen.
            let set = TrajectorySet(
                source: macrostates.source,
                trajectories: [trajectory],
                states: Half.bits(states)
            )
            let z = try net.encode(trajectory, of: set)[(4 * 6)...]
            return zip(z, centre).reduce(0.0) { $0 - Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        }
        var slopes: [Double] = []
        for column in 0..<16 {
            var (up, down) = (window, window)
            up[4 * 16 + column] += 0.0625
            down[4 * 16 + column] -= 0.0625
            slopes.append(try closeness(up) - closeness(down))
        }
        let norm = slopes.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let cosine = zip(slopes, found).reduce(0.0) { $0 + $1.0 / norm * Double($1.1) }

        #expect(cosine > 0.98)
    }

    @Test("a group that independent fits do not find again is refused, unless one insists")
    func recall() throws {
        var (macrostates, _) = try macrostates()
        macrostates.groups[2].recall = 0.3
        macrostates.groups[2].name = "check"

        let fault = #expect(throws: TrajectoryFault.self) {
            _ = try Steering(macrostates, group: 2, strength: 0.4, method: .futureGroup)
        }

        #expect(fault?.reason.contains("check is no target to steer to: independent fits find 30 %") == true)
        _ = try Steering(macrostates, group: 2, strength: 0.4, method: .futureGroup, ignoresRecall: true)
        _ = try Steering(macrostates, group: 1, strength: 0.4, method: .encoderGradient)
    }

    @Test("without directions, and over several layers, there is no steering")
    func refusals() throws {
        var (macrostates, _) = try macrostates()
        macrostates.directions = nil
        let none = #expect(throws: TrajectoryFault.self) {
            _ = try Steering(macrostates, group: 0, strength: 1, method: .meanDifference)
        }
        #expect(none?.reason.contains("macrostates fit") == true)
        var (several, _) = try self.macrostates()
        several.source = StateSource(model: "m", name: "n", layers: [1, 2], width: 8)
        let layers = #expect(throws: TrajectoryFault.self) {
            _ = try Steering(several, group: 0, strength: 1, method: .meanDifference)
        }
        #expect(layers?.reason.contains("layers [1, 2]") == true)
    }

    @Test(
        "new tokens' states move by strength times the median length, prompts stay",
        arguments: SteeringMethod.allCases
    )
    func moves(method: SteeringMethod) throws {
        let base = try BaseModel.load(.directory(try SharedModel.get().path))
        let decoder = LanguageDecoder(base)
        let recorder = try TrajectoryRecorder(decoder, of: base, layers: [1])
        var stream = RandomStream(seed: 1, "texts")
        let texts = (0..<20).map { index in
            TrajectoryRecorder.Given(
                id: "\(index)",
                topic: "",
                tokens: [1] + (0..<12).map { _ in Int32(3 + stream.below(20)) }
            )
        }
        let set = TrajectorySet(
            source: recorder.source,
            recordings: recorder.read(texts, promptCounts: texts.map { _ in 1 })
        )
        let shape = MacrostateShape(windows: [2], hidden: [8], outputs: 4, predictorHidden: [8])
        let net = MacrostateNet(shape: shape, statistics: try StateStatistics(of: set.all), seed: 1)
        var macrostates = Macrostates(
            source: set.source,
            shape: shape,
            net: net.weights,
            centroids: Centroids(width: 4, values: [0, 0, 0, 0])
        )
        try macrostates.fit(set.all, groups: 3, lag: 2, seed: 1)
        let steering = try Steering(macrostates, group: 1, strength: 0.5, method: method, ignoresRecall: true)
        func states(_ hook: SamplingHook?) -> [Float] {
            let settings = SamplingSettings(maxTokens: 2)
            let given = [TrajectoryRecorder.Given(id: "p", topic: "", tokens: [1, 4, 5])]
            return Half.values(
                recorder.generate(given, settings: settings, steering: hook) {
                    RandomStream(seed: 1, "x", $0)
                }[0].states
            )
        }
        let (plain, steered) = (states(nil), states(steering.hook()))
        let width = set.width

        #expect(plain[..<(3 * width)] == steered[..<(3 * width)])
        let moved = zip(plain[(3 * width)..<(4 * width)], steered[(3 * width)..<(4 * width)]).map { $1 - $0 }
        let length = moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let expected = 0.5 * (try #require(macrostates.directions).medianNorm)
        #expect(abs(length - expected) < 0.02 * expected)
    }

    @Test("groups are found by number or by name, and others are listed")
    func names() throws {
        var (macrostates, _) = try macrostates()
        macrostates.groups[3].name = "Check"

        #expect(try macrostates.group("3") == 3)
        #expect(try macrostates.group("check") == 3)
        let fault = #expect(throws: TrajectoryFault.self) { _ = try macrostates.group("chek") }
        #expect(fault?.reason == "found no group 'chek', expected one of 0, 1, 2, 3 'Check'")
    }
}
