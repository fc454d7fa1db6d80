import Contract
import Foundation
import Testing

@Suite("Evaluations")
struct EvaluationTests {
    private let measure = Measure(
        key: "return",
        higherIsBetter: true,
        meaning: "the mean return",
        slice: "task"
    )

    @Test("values stand under the measure's key, and the JSON reads back")
    func json() throws {
        let evaluation = Evaluation(
            measure,
            value: -3,
            interval: Interval(low: -4, high: -2),
            slices: [
                SliceEvaluation(name: "walk", items: 2, value: -1, metrics: ["steps": 7]),
                SliceEvaluation(name: "run", items: 3, value: -5, interval: Interval(low: -6, high: -4)),
            ],
            metrics: ["steps": 12]
        )

        let text = try JSONEncoder().encode(evaluation)
        let keys = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])

        #expect(keys["return"] as? Double == -3)
        #expect((keys["slices"] as? [[String: Any]])?.map { $0["name"] as? String } == ["run", "walk"])
        #expect((keys["slices"] as? [[String: Any]])?.map { $0["return"] as? Double } == [-5, -1])
        #expect(try JSONDecoder().decode(Evaluation.self, from: text) == evaluation)
    }

    @Test("whatever is not a number is named")
    func notFinite() {
        let slice = SliceEvaluation(name: "run", items: 1, value: 1)
        var broken = slice
        broken.value = .infinity
        let figure = Figure(
            "Paths",
            .lines(.init(xName: "x", yName: "y", series: [.init("one", x: [0], y: [.nan])]))
        )
        let cases: [(Evaluation, String?)] = [
            (Evaluation(measure, value: 1, slices: [slice], metrics: ["a": 1]), nil),
            (Evaluation(measure, value: .nan), "return"),
            (
                Evaluation(measure, value: 1, interval: Interval(low: 0, high: .infinity)),
                "the interval of return"
            ),
            (Evaluation(measure, value: 1, slices: [broken]), "return of run"),
            (Evaluation(measure, value: 1, metrics: ["b": .nan, "c": 0]), "b"),
            (Evaluation(measure, value: 1, figures: [figure]), "the figure 'Paths'"),
        ]

        for (evaluation, name) in cases { #expect(evaluation.notFinite == name) }
    }

    @Test("less is better where a measure says so")
    func better() {
        let loss = Measure(key: "loss", higherIsBetter: false)

        #expect(measure.isBetter(2, than: 1) && !measure.isBetter(1, than: 1))
        #expect(loss.isBetter(1, than: 2) && !loss.isBetter(2, than: 1))
    }
}
