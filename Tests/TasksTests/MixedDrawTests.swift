import Contract
import Foundation
import Testing
import Topology

@testable import Tasks

@Suite struct MixedDrawTests {
    private let recipe = MixedDraw(families: [.inc, .dec, .max, .sort], clients: 4)

    @Test("private sets, the public set and the held-out set are pairwise disjoint")
    func disjoint() throws {
        let sets =
            try (0..<4).map { try recipe.privateQuestions(client: $0, seed: 7) }
            + [recipe.publicQuestions(seed: 7), recipe.heldOutQuestions(seed: 7)]

        #expect(sets.dropLast(2).map(\.count) == [400, 400, 400, 400])
        #expect(sets[4].count == 256)
        #expect((600...800).contains(sets[5].count))
        let all = sets.flatMap { $0.map(\.prompt) }
        #expect(Set(all).count == all.count)
        #expect(sets[5].allSatisfy { HeldOutRule.holdsOut($0.prompt) })
        #expect(!sets.dropLast().joined().contains { HeldOutRule.holdsOut($0.prompt) })
    }

    @Test("a client has its own family's fraction and the rest spread evenly")
    func shares() throws {
        let questions = try recipe.privateQuestions(client: 2, seed: 1)

        let counts = ["inc", "dec", "max", "sort"].map { topic in questions.count { $0.topic == topic } }
        #expect(counts[2] == 380)
        #expect(counts.reduce(0, +) == 400)
        #expect(counts.allSatisfy { $0 >= 6 })
        var pure = recipe
        pure.ownFraction = 1
        let own = try pure.privateQuestions(client: 2, seed: 1)
        #expect(own.allSatisfy { $0.topic == "max" })
    }

    @Test("with more clients than families, the owners of one family share it without overlap")
    func sharedFamily() throws {
        let draw = MixedDraw(families: [.max, .sort], clients: 5, privateCount: 101, ownFraction: 0.9)

        let prompts = try (0..<5).flatMap { try draw.privateQuestions(client: $0, seed: 1).map(\.prompt) }

        #expect(prompts.count == 505)
        #expect(Set(prompts).count == 505)
    }

    @Test("the same seed draws the same sets, another seed others")
    func determinism() throws {
        #expect(try recipe.publicQuestions(seed: 1) == recipe.publicQuestions(seed: 1))
        #expect(try recipe.publicQuestions(seed: 1) != recipe.publicQuestions(seed: 2))
    }

    @Test("a family that has too few problems is an error with the numbers")
    func exhausted() throws {
        var draw = recipe
        draw.privateCount = 900

        let error = #expect(throws: DrawError.self) { try draw.privateQuestions(client: 0, seed: 1) }

        guard case .exhausted(.inc, 919, let available) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect((600..<700).contains(available))
    }

    @Test("fields that make no sense are refused by name")
    func invalid() {
        func expect(_ field: String, _ edit: (inout MixedDraw) -> Void) {
            var draw = recipe
            edit(&draw)
            let error = #expect(throws: DrawError.self) { try draw.publicQuestions(seed: 1) }
            guard case .invalid(field, _, _) = error else {
                Issue.record("\(field): \(String(describing: error))")
                return
            }
        }
        expect("families") { $0.families = [] }
        expect("families") { $0.families = [.inc, .inc] }
        expect("clients") { $0.clients = 0 }
        expect("ownFraction") { $0.ownFraction = .nan }
        expect("publicPerFamily") { $0.publicPerFamily = -1 }
        #expect(throws: DrawError.self) { try recipe.privateQuestions(client: 4, seed: 1) }
    }

    @Test("a key that a source does not have is refused by its name and line")
    func unknownKeys() throws {
        let texts = [
            #"""
            {"families": ["inc"], "clients": 1, "privateCount": 10, "ownFraction": 0.5,
             "publicPerFamily": 4, "heldOutPerFamily": 5, "privteCount": 3}
            """#,
            #"{"path": "q.jsonl", "privteCount": 3}"#,
        ]
        for text in texts {
            let data = try Mapping(yaml: text)
            let error = #expect(throws: ConfigurationError.self) { try data.decode(DataSource.self) }
            #expect(error?.problems.map(\.key) == ["privteCount"])
            #expect(error?.problems.first?.line == text.split(separator: "\n").count)
        }
    }

    @Test("a source is read by its keys, and written as it is read")
    func coding() throws {
        func source(_ text: String) throws -> DataSource {
            try JSONDecoder().decode(DataSource.self, from: Data(text.utf8))
        }
        let draw = try source(
            #"""
            {"families": ["inc", "sort"], "clients": 2, "privateCount": 10, "ownFraction": 0.5,
             "publicPerFamily": 4, "heldOutPerFamily": 5}
            """#
        )
        #expect(
            draw
                == .synthetic(
                    MixedDraw(
                        families: [.inc, .sort],
                        clients: 2,
                        privateCount: 10,
                        ownFraction: 0.5,
                        publicPerFamily: 4,
                        heldOutPerFamily: 5
                    )
                )
        )
        #expect(try draw.questions(for: .client(1), seed: 1).count == 10)
        #expect(try draw.questions(for: .publicSet, seed: 1).count == 8)
        #expect(try draw.questions(for: .heldOut, seed: 1).count == 10)
        let file = try source(
            #"""
            {"path": "a.jsonl", "layout": "gsm8k", "reserve": true,
             "division": {"partition": {"rule": "dirichlet", "alpha": 0.3}, "clients": 3}}
            """#
        )
        #expect(
            file
                == .file(
                    FileSource(
                        path: "a.jsonl",
                        layout: .gsm8k,
                        reserve: true,
                        division: .init(partition: .dirichlet(alpha: 0.3), clients: 3)
                    )
                )
        )
        for both in [draw, file] {
            #expect(try JSONDecoder().decode(DataSource.self, from: JSONEncoder().encode(both)) == both)
        }
        #expect(throws: DecodingError.self) { try source("{}") }
        #expect(throws: DecodingError.self) {
            try source(#"{"path": "a", "families": ["inc"], "clients": 1}"#)
        }
    }
}
