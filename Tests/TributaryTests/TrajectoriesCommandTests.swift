import ArgumentParser
import Foundation
import Models
import Tasks
import Testing
import Text
import Trainers

@testable import tributary

@Suite("Recording trajectories from the command line")
struct TrajectoriesCommandTests {
    private func record(_ data: String, mode: String = "generate", to out: String) async throws
        -> TrajectorySet
    {
        let command = try TrajectoriesRecordCommand.parse([
            "--model", "tiny-arithmetic", "--data", data, "--mode", mode, "--out", out, "--max-tokens", "4",
            "--layers", "1", "--temperature", "0", "--limit", "12",
        ])
        try await command.run()
        return try TrajectoryFolder.open(out)
    }

    private let families =
        #"{"families": ["inc", "max"], "clients": 1, "privateCount": 12, "ownFraction": 0.5, "#
        + #""publicPerFamily": 1, "heldOutPerFamily": 1}"#

    @Test("answers are graded, and the header says what a label means")
    func graded() async throws {
        let scratch = try Scratch()
        let set = try await record(families, to: "\(scratch.path)/graded")
        let source = try JSONDecoder().decode(DataSource.self, from: Data(families.utf8))
        let questions = try source.questions(for: .client(0), seed: 1)
        let tokenizer = try BaseModel.load(.embedded("tiny-arithmetic")).tokenizer()

        #expect(try TrajectoryFolder.header(of: "\(scratch.path)/graded").label == "wrong answer")
        #expect(set.trajectories.count == 12)
        #expect(Set(set.trajectories.map(\.label)) == [0, 1])
        for (trajectory, question) in zip(set.trajectories, questions) {
            // The last token has no state; where a text was finished, that one was the end.
            let text = tokenizer.decode(Array(trajectory.tokens.dropFirst(trajectory.promptCount)))
            #expect(trajectory.label == (text == question.answer ? 0 : 1), "\(question.prompt)\(text)")
        }
    }

    @Test(
        "a recording that was cut off within a pass ends with the same bytes, and one of other options is refused"
    )
    func resumes() async throws {
        let scratch = try Scratch()
        let (whole, cut) = ("\(scratch.path)/whole", "\(scratch.path)/cut")
        _ = try await record(families, to: whole)
        _ = try await record(families, to: cut)
        let index = try String(contentsOfFile: "\(cut)/index.jsonl", encoding: .utf8)
        let kept = index.split(separator: "\n").prefix(5).joined(separator: "\n") + "\n" + #"{"id":"#
        try kept.write(toFile: "\(cut)/index.jsonl", atomically: true, encoding: .utf8)

        _ = try await record(families, to: cut)

        for name in ["index.jsonl", "states.f16", "trajectories.json"] {
            let bytes = FileManager.default.contents(atPath: "\(cut)/\(name)")
            #expect(bytes == FileManager.default.contents(atPath: "\(whole)/\(name)"), "\(name)")
        }
        await #expect(throws: (any Error).self) { _ = try await record(families, mode: "read", to: cut) }
    }

    @Test("a suggestion is followed, refused or neither, and texts that are read have no label")
    func swayed() async throws {
        let scratch = try Scratch()
        let set = try await record(#"{"suggestions": \#(families)}"#, to: "\(scratch.path)/swayed")
        let header = try TrajectoryFolder.header(of: "\(scratch.path)/swayed")
        #expect(header.label == "follows the suggestion")
        #expect(set.trajectories.count == 12 && set.trajectories.contains { $0.label != nil })

        let read = try await record(families, mode: "read", to: "\(scratch.path)/read")
        #expect(try TrajectoryFolder.header(of: "\(scratch.path)/read").label == nil)
        #expect(read.trajectories.allSatisfy { $0.label == nil })
    }
}
