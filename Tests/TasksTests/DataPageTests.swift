import Contract
import Foundation
import Testing
import Topology

@testable import Tasks

@Suite("topologies/DATA.md")
struct DataPageTests {
    static let page =
        (try? String(contentsOf: root.appending(path: "topologies/DATA.md"), encoding: .utf8)) ?? ""

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The fenced blocks of a language, with the word behind it and the text before the last arrow above.
    static func blocks(_ language: String) -> [(word: String, body: String)] {
        page.components(separatedBy: "\n```\(language)").dropFirst().compactMap { part in
            guard let end = part.range(of: "\n```") else { return nil }
            let lines = part[..<end.lowerBound].split(separator: "\n", maxSplits: 1)
            guard lines.count == 2 else { return nil }
            return (lines[0].trimmingCharacters(in: .whitespaces), String(lines[1]))
        }
    }

    @Test("every example record is read as the layout that the page says, also where nothing names it")
    func examples() throws {
        let examples = Self.blocks("json ").filter { $0.word != "fields" }
        for (word, body) in examples {
            let layout = try #require(RecordLayout(rawValue: word), "the page says '\(word)'")
            for given in [layout, .auto] {
                let questions = try QuestionFile.parse(Array(body.utf8), name: "f", layout: given)
                #expect(questions.count == 1 && !questions[0].prompt.isEmpty)
                let conversations = try ConversationFile.parse(Array(body.utf8), name: "f", layout: given)
                #expect(conversations.count == 1)
            }
        }
        let shown = Set(examples.map(\.word))
        let layouts = Set(RecordLayout.allCases.map(\.rawValue)).subtracting(["auto", "medmcqaFromZero"])
        #expect(shown == layouts, "the page has an example of every layout")
    }

    @Test("answers and kinds are those that the page names")
    func answers() throws {
        var found: [String] = []
        for (word, body) in Self.blocks("json ") where word != "fields" {
            let question = try QuestionFile.parse(Array(body.utf8), name: "f")[0]
            found.append("\(question.answer), \(question.kind.rawValue)")
        }
        let stated = Self.page.split(separator: "\n").flatMap { line -> [String] in
            guard let arrow = line.range(of: "→ `") else { return [] }
            return line[arrow.lowerBound...].dropFirst(2).split(separator: "·").map {
                $0.replacing("`", with: "").trimmingCharacters(in: .whitespaces)
            }
        }

        #expect(stated.count == 12)
        for answer in stated { #expect(found.contains(answer), "\(answer) is none of \(found)") }
    }

    @Test("the example of `fields` is read with the mapping beside it")
    func fields() throws {
        let mapping = try #require(Self.blocks("yaml ").first { $0.word == "fields" })
        let record = try #require(Self.blocks("json ").first { $0.word == "fields" })
        let source = try Mapping(yaml: mapping.body).decode(FileSource.self)

        let question = try QuestionFile.parse(Array(record.body.utf8), name: "f", fields: source.fields)[0]

        #expect(question.prompt == "How many days has a week?")
        #expect(question.answer == "7" && question.kind == .numeric && question.topic == "time")
    }

    @Test("the example of `division` is a data mapping, and the table has every key of one")
    func keys() throws {
        let mapping = try #require(Self.blocks("yaml ").first { $0.word == "division" })
        let source = try Mapping(yaml: mapping.body).decode(FileSource.self)
        #expect(source.division?.clients == 3 && source.reserve == true)

        let all = FileSource(
            path: "p",
            layout: .auto,
            fields: FieldNames(),
            topics: [],
            limit: 1,
            instruction: "i",
            reserve: true,
            division: source.division
        )
        let written = try Mapping(json: Array(JSONEncoder().encode(all))).members.map(\.key)
        let table = try #require(
            Self.page.components(separatedBy: "## Keys of a data mapping with a file\n").last?
                .components(separatedBy: "\n## ").first
        )
        for key in written { #expect(table.contains("| `\(key)` |"), "\(key)") }
    }
}
