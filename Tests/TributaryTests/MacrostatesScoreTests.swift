import ArgumentParser
import Foundation
import Testing
import Trainers

@testable import tributary

@Suite("A judge's forced choice", .serialized)
struct MacrostatesScoreTests {
    private let question = JudgeProcess.Question(name: "n", examples: ["x"], a: "left", b: "right")

    private func answer(_ command: String, seconds: Int = 20) throws -> Bool {
        try JudgeProcess(command: command, secondsMax: seconds).choosesFirst(question)
    }

    @Test("the command gets the question as a line of JSON and its answer counts")
    func asks() throws {
        #expect(try answer("echo a") && !answer("printf ' b'"))
        #expect(
            try answer(
                #"read -r line; case "$line" in *'"a":"left"'*'"name":"n"'*) echo a;; *) echo b;; esac"#
            )
        )
        #expect(try !answer(#"grep -q description && echo a || echo b"#))
    }

    @Test("a command that fails, says something else or takes too long is named")
    func refusals() throws {
        for (command, reason) in [
            ("exit 3", "ended with code 3"), ("echo maybe", "answered 'maybe', expected a or b"),
            ("true", "answered '', expected a or b"), ("no-such-judge 2>/dev/null", "ended with code 127"),
            ("kill -9 $$", "was ended by signal 9"),
        ] {
            let fault = #expect(throws: JudgeFault.self) { try answer(command) }
            #expect(fault?.description == "the judge '\(command)' \(reason)")
        }
        let began = ContinuousClock.now
        let late = #expect(throws: JudgeFault.self) { try answer("sleep 60 & sleep 60", seconds: 1) }
        #expect(late?.reason == "gave no answer within 1 s")
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    @Test("a judge who knows is right, one who says always the same half the time, and the folder keeps it")
    func scores() async throws {
        let scratch = try Scratch()
        let (texts, states) = ("\(scratch.path)/texts", "\(scratch.path)/states")
        let data =
            #"{"families": ["rev", "sort"], "clients": 1, "privateCount": 60, "ownFraction": 0.5, "#
            + #""publicPerFamily": 1, "heldOutPerFamily": 1}"#
        try await TrajectoriesRecordCommand.parse([
            "--model", "tiny-arithmetic", "--data", data, "--out", texts, "--layers", "1",
        ]).run()
        try await MacrostatesLearnCommand.parse([
            texts, "--out", states, "--steps", "20", "--horizon", "1", "--windows", "2", "--hidden", "8",
            "--outputs", "4", "--groups", "2",
        ]).run()
        func score(_ judge: String) async throws -> [Double] {
            try await MacrostatesScoreCommand.parse([
                states, "--trajectories", texts, "--model", "tiny-arithmetic", "--judge", judge, "--all",
                "--pairs", "10",
            ]).run()
            return try MacrostateFolder.read(from: states).groups.compactMap(\.forcedChoice)
        }

        // Whoever always says the same is right in half of the cases.
        #expect(try await score("echo a") == [0.5, 0.5])
        let reader = MacrostateReader(
            macrostates: try MacrostateFolder.read(from: states),
            set: try TrajectoryFolder.open(texts),
            tokenizer: try NamedModel("tiny-arithmetic").tokenizer,
            takesAll: true
        )
        let asked = try reader.judgeQuestions(count: 10, seed: 1)
        #expect(asked.map(\.questions.count) == [10, 10])
        let key = try asked.flatMap(\.questions).filter(\.isFirstRight).map {
            String(decoding: try JudgeProcess.line($0.question), as: UTF8.self)
        }
        try scratch.write(key.joined(), to: "key")
        try scratch.write("read -r line; grep -qxF -e \"$line\" \"$1\" && echo a || echo b", to: "judge.sh")
        #expect(try await score("sh '\(scratch.path)/judge.sh' '\(scratch.path)/key'") == [1, 1])
        await #expect(throws: (any Error).self) { try await score("exit 1") }
        #expect(try MacrostateFolder.read(from: states).groups.map(\.forcedChoice) == [1, 1])
    }
}
