import Contract
import Testing

@testable import Report

@Suite("Training curves and many topics")
struct TrainingTests {
    private func curves(steps: Int, clients: [String] = ["inc", "dec"]) -> TrainingCurves {
        var curves = TrainingCurves(steps: steps)
        for step in 1...steps {
            for client in clients {
                curves.add(
                    step: step,
                    of: client,
                    isPublic: step % 3 == 0,
                    metrics: [
                        "reward": Double(step), "own": .nan, "grad_norm": 1 / Double(step),
                        "seconds/waiting": 0.25,
                    ]
                )
            }
        }
        return curves
    }

    @Test(
        "a line has at most sixty points, each the mean of its steps, and private and public steps are apart"
    )
    func bins() {
        let curves = curves(steps: 600)

        let points = curves.points("reward", of: "inc", isPublic: false)

        #expect(curves.width == 10 && points.count == 60)
        // Of the first ten steps 3, 6 and 9 are public.
        #expect(points[0].x == 37.0 / 7 && points[0].y == 37.0 / 7)
        #expect(curves.points("reward", of: "inc", isPublic: true)[0].y == 6)
        #expect(curves.figures(isPublic: false) == ["reward", "grad_norm"])
        #expect(curves.seconds["dec"] == ["waiting": 150] && curves.steps["dec"] == 600)
    }

    @Test("however much is added, clients and figures beyond a limit are left out")
    func bounded() {
        var curves = TrainingCurves(steps: 10)
        for index in 0..<(TrainingCurves.linesMax + 100) {
            curves.add(step: 1, of: "c\(index)", isPublic: false, metrics: ["reward": 1, "loss": 1])
        }

        #expect(curves.steps.count == TrainingCurves.linesMax)
        #expect(curves.figures(isPublic: false) == ["reward", "loss"])
        #expect(curves.points("reward", of: "c5000", isPublic: false).isEmpty)
    }

    @Test("a run's page has a curve of each figure by step and client, and where the time went")
    func page() {
        let html = ReportPage(sampleSummary(), curves: curves(steps: 90)).html()

        for text in ["Training, step by step", "reward by step", "Where the time went", ">inc<", ">dec<"] {
            let found = html.contains(text)
            #expect(found, "\(text)")
        }
        #expect(!ReportPage(sampleSummary()).html().contains("Training, step by step"))
    }

    private func manyTopics(_ count: Int) -> RunSummary {
        var summary = sampleSummary()
        let names = (1...count).map { "high_school_statistics_and_probability_\($0)" }
        func score(_ value: (Int) -> Double) -> Score {
            Score(
                overall: 0.5,
                bySlice: Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, value($0)) }),
                slice: "topic"
            )
        }
        summary.scores = MethodScores(base: score { _ in 0.2 }, federated: score { 0.2 + Double($0) / 1000 })
        return summary
    }

    @Test("of many topics the page says which it shows, and all are a click away")
    func topics() {
        let html = ReportPage(manyTopics(57)).html()

        #expect(html.contains("20 of 57: those that changed the most from the base."))
        #expect(html.contains("<summary>All 57</summary>"))
        #expect(!ReportPage(manyTopics(30)).html().contains(" of 30: those"))
    }

    @Test("labels have as many digits as tell small values apart")
    func labels() {
        let text = MeasureText(passAt1)

        #expect([0.2, 0.4, 0.001].map(text.labels(of: [0.2, 0.4])) == ["20", "40", "0"])
        #expect([0.001, 0.002, 0].map(text.labels(of: [0.001, 0.002, 0])) == ["0.1", "0.2", "0.0"])
        #expect([0.0001, 0.0004].map(text.labels(of: [0.0001, 0.0004])) == ["0.01", "0.04"])
        #expect([0.5, 0.5].map(text.labels(of: [0.5, 0.5])) == ["50", "50"])
        #expect([0.0000001].map(text.labels(of: [0.0000001])) == ["0.000"])
    }

    @Test("names of topics that are numbers are not thinned out like the ticks of an axis")
    func numericNames() {
        let chart = BarChart(
            frame: ChartFrame(id: "a", title: "a", description: "a"),
            xName: "group",
            yName: "share",
            series: [("share", .plain)],
            groups: (0..<15).map { BarChart.Group(name: "\($0 + 100)", values: [0.1]) }
        )

        let image = chart.svg() ?? ""

        for index in 0..<15 { #expect(image.contains(">\(index + 100)<")) }
    }

    @Test("a client's page is well formed and has its rounds")
    func clientPage() {
        let history = (1...12).map { ClientRound(round: $0, steps: 6, metrics: ["reward": 0.1]) }
        let summary = ClientSummary(
            federation: "clinics",
            client: "north",
            trainer: "rlvr",
            seed: 1,
            rounds: 12,
            steps: 72,
            stepsTaken: 72,
            examples: 900,
            seconds: ["sampling": 30, "training": 100, "waiting": 4],
            adapterDigest: nil,
            history: history,
            settings: [Setting("model", "tiny <one>")]
        )

        let html = ClientPage(summary, curves: curves(steps: 72, clients: ["north"])).html()

        #expect(html.contains("Eight of 12 rounds") && html.contains("tiny &lt;one&gt;"))
        #expect(html.contains("there is no final adapter yet") && html.contains("Steps taken"))
    }
}
