import ArgumentParser
import Foundation
import Report
import Testing
import Trainers

@testable import tributary

@Suite("Early prediction from the command line")
struct MacrostatesPredictTests {
    @Test("recorded answers are foretold, the table is of what is in the file, and the page shows the curves")
    func predicts() async throws {
        let scratch = try Scratch()
        let (texts, states) = ("\(scratch.path)/texts", "\(scratch.path)/states")
        let data =
            #"{"families": ["inc", "max"], "clients": 1, "privateCount": 40, "ownFraction": 0.5, "#
            + #""publicPerFamily": 1, "heldOutPerFamily": 1}"#
        try await TrajectoriesRecordCommand.parse([
            "--model", "tiny-arithmetic", "--data", data, "--mode", "generate", "--out", texts,
            "--max-tokens", "4", "--layers", "1", "--temperature", "0",
        ]).run()
        try await MacrostatesLearnCommand.parse([
            texts, "--out", states, "--steps", "40", "--horizon", "1", "--windows", "2", "--hidden", "8",
            "--outputs", "4", "--groups", "3",
        ]).run()
        let out = "\(scratch.path)/prediction.json"
        try await MacrostatesPredictCommand.parse([
            states, "--trajectories", texts, "--fractions", ".5,1", "--out", out,
        ]).run()

        let bytes = try #require(FileManager.default.contents(atPath: out))
        let forecast = try JSONDecoder().decode(BehaviourForecast.self, from: bytes)
        #expect(forecast.behaviour == "wrong answer" && forecast.fractions == [0.5, 1])
        #expect(forecast.methods.map(\.kind) == BehaviourForecast.Kind.allCases)
        let labels = try TrajectoryFolder.open(texts).trajectories.map(\.label)
        #expect((forecast.ones, forecast.zeros) == (labels.count { $0 == 1 }, labels.count { $0 == 0 }))
        let text = forecast.text
        #expect(text.contains("50 %") && text.contains("RET groups minus mean hidden state: 50 %"))
        for method in forecast.methods {
            let line = try #require(
                text.split(separator: "\n").first { $0.hasPrefix(method.kind.rawValue + " ") }
            )
            #expect(line.contains(ProgressDisplay.fixed(method.results[0].auroc, 2)))
        }
        #expect(forecast.figures.count == 2)

        let page = "\(scratch.path)/page.html"
        try await MacrostatesShowCommand.parse([
            states, "--trajectories", texts, "--model", "tiny-arithmetic", "--out", page, "--skip-closure",
        ]).run()
        let html = try scratch.read("page.html")
        #expect(html.contains("Early prediction: wrong answer") && html.contains("% of the answer seen"))
    }

    @Test("parts that are no parts are refused", arguments: ["", "0", ".5,.2", "1.5", ".1,x"])
    func parts(text: String) {
        #expect(throws: (any Error).self) {
            try MacrostatesPredictCommand.parse(["m", "--trajectories", "t", "--fractions", text])
        }
    }
}
