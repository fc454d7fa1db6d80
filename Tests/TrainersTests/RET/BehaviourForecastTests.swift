import Contract
import Randomness
import Tensors
import Testing

@testable import Trainers

@Suite("A behaviour is foretold from the beginnings of trajectories")
struct BehaviourForecastTests {
    /// Where a label can be read.
    private enum Sign { case answer, second, prompt, length, nowhere }

    /// Trajectories of 4 prompt tokens and about 40 others that hop between two places; by label 1 one place has more
    /// of the answer, of its second half only, of the prompt only; or the answer is longer.
    private static func set(_ sign: Sign, count: Int = 60, labels: (Int) -> Int? = { $0 % 2 })
        -> TrajectorySet
    {
        var stream = RandomStream(seed: 5, "forecast", "\(sign)")
        var states: [Float] = []
        let trajectories = (0..<count).map { place in
            let label = labels(place)
            let length = 4 + (sign == .length ? 30 + 10 * (label ?? 0) + stream.below(4) : 40)
            for index in 0..<length {
                let speaks =
                    switch sign {
                    case .answer: index >= 4
                    case .second: index >= 24
                    case .prompt: index < 4
                    case .length, .nowhere: false
                    }
                let share = speaks ? (label == 1 ? 0.9 : 0.1) : 0.5
                let side: Float = stream.uniform() < share ? 1 : -1
                for column in 0..<4 { states.append((column < 2 ? side : 0) + 0.1 * Float(stream.uniform())) }
            }
            return Trajectory(
                id: "\(place)",
                topic: "",
                tokens: [Int32](repeating: 1, count: length),
                promptCount: 4,
                rows: 0..<length,
                label: label
            )
        }
        return TrajectorySet(
            source: PhaseStates.source(4),
            trajectories: trajectories,
            states: Half.bits(states)
        )
    }

    private static func forecast(_ set: TrajectorySet, draws: Int = 200) throws -> BehaviourForecast {
        let shape = MacrostateShape(windows: [2], hidden: [8], outputs: 3, predictorHidden: [8])
        let net = MacrostateNet(shape: shape, statistics: try StateStatistics(of: set.all), seed: 2)
        var macrostates = Macrostates(
            source: set.source,
            shape: shape,
            net: net.weights,
            centroids: Centroids(width: 3, values: [0, 0, 0])
        )
        try macrostates.fit(set.all, groups: 2, seed: 3)
        return try BehaviourForecast(
            macrostates,
            of: set,
            behaviour: "b",
            fractions: [0.25, 1],
            debounce: 1,
            draws: draws
        )
    }

    @Test("what the answer shows from its start on is foretold by all that look at it, and by nothing else")
    func answer() throws {
        let forecast = try Self.forecast(Self.set(.answer))

        for kind in [BehaviourForecast.Kind.groups, .meanState, .principal, .stateGroups] {
            for result in try #require(forecast[kind]).results {
                #expect(result.auroc > 0.95, "\(kind)")
                let interval = try #require(result.interval)
                #expect(interval.low <= result.auroc && result.auroc <= interval.high)
                #expect((result.aheadOfMeanState == nil) == (kind == .meanState))
            }
        }
        #expect(forecast[.length]?.results.map(\.auroc) == [0.5, 0.5])
        #expect(try #require(forecast[.prompt]).results.allSatisfy { abs($0.auroc - 0.5) < 0.25 })
        #expect(forecast.methods.map(\.features) == [2 + 4, 4, 3, 2 + 4, 4, 1])
        #expect((forecast.ones, forecast.zeros, forecast.unknown) == (30, 30, 0))
    }

    @Test("what comes later is not seen by a prefix")
    func causal() throws {
        let results = try #require(Self.forecast(Self.set(.second))[.groups]).results

        #expect(abs(results[0].auroc - 0.5) < 0.25 && results[1].auroc > 0.95)
    }

    @Test("the prompt and the length are told apart from the answer")
    func controls() throws {
        let prompt = try Self.forecast(Self.set(.prompt))
        #expect(try #require(prompt[.prompt]).results.allSatisfy { $0.auroc > 0.9 })
        #expect(try #require(prompt[.stateGroups]).results.allSatisfy { $0.auroc < 0.75 })

        #expect(try #require(Self.forecast(Self.set(.length))[.length]).results[1].auroc == 1)
    }

    @Test("labels that mean nothing are not foretold, though the features are as many as the trajectories")
    func noLeak() throws {
        var stream = RandomStream(seed: 9, "noise")
        let rows = LabelledRows(
            features: (0..<60).map { _ in (0..<60).map { _ in stream.uniform() } },
            labels: (0..<60).map { $0 % 3 == 0 },
            prompts: Array(0..<60)
        )
        let found = try CrossPrediction(rows, draws: 200, seed: 1)

        #expect(abs(found.auroc - 0.5) < 0.2)
        let interval = try #require(found.interval)
        #expect(interval.low < 0.5 && interval.high > 0.5)
        #expect(try #require(found.difference(from: found, draws: 50, seed: 1)) == Interval(low: 0, high: 0))
    }

    @Test("labels of one kind, too few and none are refused by what was found; unknown ones are left out")
    func refusals() throws {
        func error(_ labels: @escaping (Int) -> Int?) -> String {
            do {
                _ = try Self.forecast(Self.set(.answer, count: 20, labels: labels), draws: 10)
                return ""
            } catch { return "\(error)" }
        }
        #expect(error { _ in 1 } == "the labels: found only the label 1 (20 times), expected both 0 and 1")
        let few = error { $0 < 4 ? 0 : 1 }
        #expect(few == "the labels: found 4 prompts with the label 0, expected at least 5")
        #expect(error { _ in nil }.hasPrefix("found no labels on 20 trajectories"))

        let some = Self.set(.answer, count: 30, labels: { $0 % 3 == 2 ? nil : $0 % 3 })
        let forecast = try Self.forecast(some, draws: 10)
        #expect((forecast.ones, forecast.zeros, forecast.unknown) == (10, 10, 10))
    }
}
