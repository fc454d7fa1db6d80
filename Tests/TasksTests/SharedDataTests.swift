import Foundation
import Testing

@testable import Tasks

/// The published data sets, kept beside the repository and not in it.
private let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../../shared/data"
)

@Suite(
    .enabled(
        if: FileManager.default.fileExists(atPath: folder.path()),
        "put the published data sets into ../shared/data"
    )
)
struct SharedDataTests {
    private func read(_ path: String, _ layout: RecordLayout = .auto) throws -> [Question] {
        try QuestionFile.read(path: folder.appending(path: path).path(), layout: layout)
    }

    @Test(
        "every row of the published sets is read",
        arguments: [
            ("gsm8k/test.jsonl", 1319, AnswerKind.numeric), ("svamp/SVAMP.json", 1000, .numeric),
            ("mawps/test.jsonl", 2065, .numeric), ("medmcqa/validation_single.jsonl", 2816, .choice),
            ("medqa/test.jsonl", 1273, .choice), ("medqa/dev.jsonl", 1272, .choice),
            ("pubmedqa/ori_pqal.json", 1000, .choice), ("mmlu-medical/dev.jsonl", 45, .choice),
            ("truthfulqa/truthfulqa.jsonl", 817, .choice), ("aqua/test.jsonl", 254, .choice),
        ]
    )
    func rows(path: String, count: Int, kind: AnswerKind) throws {
        let questions = try read(path)

        #expect(questions.count == count)
        #expect(questions.allSatisfy { $0.kind == kind })
        #expect(questions.allSatisfy { Verifier.verify(response: $0.answer, question: $0) })
    }

    @Test(
        "a wrong answer can be suggested to every question of the published sets",
        arguments: ["svamp/SVAMP.json", "truthfulqa/truthfulqa.jsonl", "aqua/test.jsonl"]
    )
    func suggestions(path: String) throws {
        let questions = try read(path)
        let planted = try Sycophancy.plant(in: questions, seed: 1)

        #expect(planted.count == questions.count)
        #expect(planted.allSatisfy { $0.label(of: $0.suggestion) == 1 })
        #expect(planted.allSatisfy { $0.label(of: $0.question.answer) == 0 })
    }

    @Test("TruthfulQA's right answers stand anywhere among the options")
    func order() throws {
        let answers = try read("truthfulqa/truthfulqa.jsonl").map(\.answer)

        #expect((150...270).contains(answers.count { $0 == "A" }))
        #expect(Set(answers).count > 6)
    }

    @Test("the sets' own solutions are verified as right")
    func solutions() throws {
        for (path, field) in [("gsm8k/test.jsonl", "answer"), ("math/test.jsonl", "solution")] {
            let questions = try read(path)
            let rows = try Data(contentsOf: folder.appending(path: path)).split(separator: UInt8(ascii: "\n"))
            var wrong: [String] = []
            for (question, row) in zip(questions, rows) {
                let object = try JSONSerialization.jsonObject(with: row) as? [String: Any]
                let solution = try #require(object?[field] as? String)
                if !Verifier.verify(response: solution, question: question) { wrong.append(question.id) }
            }
            #expect(questions.count == rows.count)
            #expect(wrong.isEmpty, "\(path)")
        }
    }
}
