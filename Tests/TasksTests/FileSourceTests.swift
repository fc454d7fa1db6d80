import Foundation
import Testing
import Text

@testable import Tasks

@Suite struct FileSourceTests {
    private func withFile(_ body: (String) throws -> Void) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "questions-\(UUID()).jsonl")
        let lines = (0..<200).map {
            #"{"question": "Number \#($0)?", "answer": \#($0), "topic": "t\#($0 % 4)"}"#
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try body(file.path())
    }

    @Test("topics, limit and instruction choose and extend the questions")
    func choice() throws {
        try withFile { path in
            let source = FileSource(
                path: path,
                topics: ["t1", "t3"],
                limit: 30,
                instruction: "Answer with a number only."
            )

            let questions = try source.questions(for: .publicSet, seed: 1)

            #expect(questions.count == 30)
            #expect(Set(questions.map(\.topic)) == ["t1", "t3"])
            #expect(questions.allSatisfy { $0.prompt.hasSuffix("? Answer with a number only.") })
            #expect(questions.compactMap { Int($0.id) } == questions.compactMap { Int($0.id) }.sorted())
            #expect(try source.questions(for: .publicSet, seed: 1) == questions)
            #expect(try source.questions(for: .publicSet, seed: 2) != questions)
        }
    }

    @Test("what is drawn and dealt depends on a file's content, not on its folder or name")
    func anyFolder() throws {
        try withFile { first in
            try withFile { second in
                let drawn = try [first, second].map { path in
                    let source = FileSource(
                        path: path,
                        limit: 20,
                        division: .init(partition: .dirichlet(alpha: 1), clients: 3)
                    )
                    return try source.questions(for: .client(1), seed: 5)
                }
                #expect(drawn[0] == drawn[1])
            }
        }
    }

    @Test("a reserved fifth is seen in testing and nowhere else")
    func reserve() throws {
        try withFile { path in
            let source = FileSource(path: path, instruction: "Go.", reserve: true)

            let kept = try source.questions(for: .heldOut, seed: 1)
            let rest = try source.questions(for: .client(0), seed: 1)

            #expect(kept.count + rest.count == 200)
            #expect((20...60).contains(kept.count))
            #expect(kept.allSatisfy { HeldOutRule.holdsOut(String($0.prompt.dropLast(4))) })
        }
    }

    @Test("clients that share a file get disjoint parts that cover it")
    func division() throws {
        try withFile { path in
            let source = FileSource(path: path, division: .init(partition: .dirichlet(alpha: 1), clients: 3))

            let ids = try (0..<3).flatMap { try source.questions(for: .client($0), seed: 1).map(\.id) }

            #expect(ids.count == 200)
            #expect(Set(ids).count == 200)
            #expect(throws: DataError.self) { try source.questions(for: .client(3), seed: 1) }
        }
    }

    @Test("settings that do not fit the file are refused by name")
    func refused() throws {
        try withFile { path in
            let topics = #expect(throws: DataError.self) {
                try FileSource(path: path, topics: ["t9"]).questions(for: .publicSet, seed: 1)
            }
            #expect(
                topics?.description
                    == "\(path): topics: found 't9', expected topics of the file: t0, t1, t2, t3"
            )
            #expect(throws: DataError.self) {
                try FileSource(path: path, limit: 0).questions(for: .publicSet, seed: 1)
            }
        }
    }

    @Test("conversations are chosen like questions, and every prompt of theirs gets the instruction")
    func conversations() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "chats-\(UUID()).jsonl")
        let lines = (0..<100).map {
            """
            {"topic": "t\($0 % 2)", "messages": [{"role": "user", "content": "Number \($0)?"}, \
            {"role": "assistant", "content": "\($0)"}, {"role": "user", "content": "Sure?"}, \
            {"role": "assistant", "content": "Yes"}]}
            """
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let decoded = try JSONDecoder().decode(
            DataSource.self,
            from: Data(
                #"{"path": "\#(file.path())", "topics": ["t1"], "instruction": "Go.", "reserve": true}"#.utf8
            )
        )

        let kept = try decoded.conversations(for: .heldOut, seed: 1)
        let rest = try decoded.conversations(for: .client(0), seed: 1)
        let two = try FileSource(path: file.path(), limit: 2).conversations(for: .client(0), seed: 1)

        #expect(kept.count + rest.count == 50)
        #expect(!kept.isEmpty)
        #expect(kept.allSatisfy { HeldOutRule.holdsOut(String($0.opening.dropLast(4))) })
        #expect(
            rest.allSatisfy {
                $0.messages.map { $0.content.hasSuffix(" Go.") } == [true, false, true, false]
            }
        )
        #expect(two.count == 2)
        #expect(throws: DataError.self) { try decoded.questions(for: .heldOut, seed: 1) }
    }
}
