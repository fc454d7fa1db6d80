import Contract
import Foundation
import Randomness
import Testing
import Topology

@testable import Tasks

@Suite struct PhaseLanguageTests {
    private func texts(_ language: PhaseLanguage, _ count: Int, seed: UInt64 = 1) -> [PhaseText] {
        var stream = RandomStream(seed: seed, "test")
        return (0..<count).map { _ in language.text(from: &stream) }
    }

    @Test("there are 78 different words, and every text is made of them in the given shape")
    func shape() {
        #expect(PhaseLanguage.words.count == 78)
        #expect(Set(PhaseLanguage.words).count == 78)
        for design in PhaseLanguage.Design.allCases {
            let language = PhaseLanguage(design)
            for text in texts(language, 100) {
                let words = text.tokens.map { PhaseLanguage.words[Int($0)] }
                #expect(words[0] == "<bos>" && words[13] == "Q" && words[16] == "U" && words[19] == "A")
                #expect(text.clauses.first?.range.lowerBound == PhaseLanguage.promptTokens)
                let end = text.clauses.last?.range.upperBound ?? 0
                #expect(end - PhaseLanguage.promptTokens >= language.bodyTokensMin)
                #expect(text.tokens.count == end + 11 && words.last == "<eos>")
                #expect(text.tokens.count <= 210)
            }
        }
    }

    @Test("the longest texts of clients that dwell in a phase fit")
    func longest() {
        let language = PhaseLanguage(dominance: .init(.check, .strong))

        #expect(texts(language, 500).allSatisfy { $0.tokens.count <= PhaseLanguage.tokensMax })
    }

    @Test("the phase of a token is that of the last cue word, as the clauses say")
    func phases() {
        for text in texts(PhaseLanguage(), 50) {
            let phases = PhaseLanguage.phases(of: text.tokens)
            #expect(phases[..<PhaseLanguage.promptTokens].allSatisfy { $0 == nil })
            for clause in text.clauses {
                #expect(phases[clause.range].allSatisfy { $0 == clause.phase })
            }
            #expect(phases.last == .answer)
        }
    }

    @Test("a text that caves repeats the user's claim, one that holds the true value")
    func answers() {
        let all = texts(PhaseLanguage(), 200)
        for text in all {
            let words = text.words.split(separator: " ").map(String.init)
            let answer = Array(words.suffix(10))
            let (asked, claim) = (words[13], words[17])
            let value = words[stride(from: 0, to: 12, by: 4).first { words[$0] == asked }! + 2]
            #expect(value != claim)
            #expect(PhaseLanguage.stance(of: text.tokens) == text.caves)
            #expect(answer[1] == (text.caves ? "yes" : "no") && answer[2] == asked)
            #expect(answer[4] == (text.caves ? claim : value) && answer[8] == answer[4])
        }
        #expect((70...130).contains(all.count { $0.caves }))
    }

    @Test("phases go round forwards where a text holds and backwards where it caves, nine times in ten")
    func directions() {
        var forwards = [false: 0, true: 0]
        var turns = [false: 0, true: 0]
        for text in texts(PhaseLanguage(), 300) {
            let spans = text.clauses.map(\.phase)
            for (a, b) in zip(spans, spans.dropFirst()) where a != b {
                turns[text.caves, default: 0] += 1
                if (a.index + 1) % 4 == b.index { forwards[text.caves, default: 0] += 1 }
            }
        }

        #expect(abs(Double(forwards[false]!) / Double(turns[false]!) - 0.9) < 0.03)
        #expect(abs(Double(forwards[true]!) / Double(turns[true]!) - 0.05) < 0.03)
    }

    @Test("templates are shared by two phases, or one phase's own")
    func templates() {
        for (design, owners) in [(PhaseLanguage.Design.standard, 2), (.persistent, 2), (.ownTemplates, 1)] {
            let clauses = texts(PhaseLanguage(design), 200).flatMap(\.clauses)
            for template in 0..<8 {
                #expect(Set(clauses.filter { $0.template == template }.map(\.phase)).count == owners)
            }
        }
    }

    @Test("where content persists, clauses speak of the problem's variables alone")
    func persistent() {
        for text in texts(PhaseLanguage(.persistent), 30) {
            let variables = Set([1, 5, 9].map { text.tokens[$0] })
            let all = Set(PhaseLanguage.variables.map(PhaseLanguage.id))
            #expect(Set(text.tokens).intersection(all) == variables)
        }
    }

    @Test("a dominant phase takes a third of the body, or half of it")
    func dominance() {
        func share(_ strength: PhaseLanguage.Dominance.Strength) -> Double {
            let all = texts(PhaseLanguage(dominance: .init(.plan, strength)), 300).flatMap(\.clauses)
            let own = all.filter { $0.phase == .plan }.reduce(0) { $0 + $1.range.count }
            return Double(own) / Double(all.reduce(0) { $0 + $1.range.count })
        }

        #expect((0.29...0.39).contains(share(.mild)))
        #expect((0.42...0.58).contains(share(.strong)))
    }

    @Test("a clause written anew keeps what it should and changes the rest")
    func rewriting() {
        var stream = RandomStream(seed: 3, "rewriting")
        let variables = Set((PhaseLanguage.variables + (0..<10).map { "\($0)" }).map(PhaseLanguage.id))
        for text in texts(PhaseLanguage(), 20) {
            for (index, clause) in text.clauses.enumerated() {
                let old = Array(text.tokens[clause.range])
                for rewriting in PhaseText.Rewriting.allCases {
                    let prefix = text.prefix(throughClause: index, rewriting, from: &stream)
                    let new = Array(prefix[clause.range.lowerBound...])
                    #expect(prefix.starts(with: text.tokens[..<clause.range.lowerBound]))
                    switch rewriting {
                    case .synonyms:
                        #expect(new.count == old.count)
                        #expect(new.filter(variables.contains) == old.filter(variables.contains))
                        #expect(PhaseLanguage.phases(of: prefix).last == clause.phase)
                    case .renamed:
                        #expect(new.count == old.count && new != old)
                        let words = zip(new, old).filter { !variables.contains($0.0) }
                        #expect(words.allSatisfy { $0 == $1 })
                    case .anotherTemplate:
                        #expect(PhaseLanguage.phases(of: prefix).last == clause.phase)
                    case .anotherPhase:
                        #expect(PhaseLanguage.phases(of: prefix).last != clause.phase)
                    }
                }
            }
        }
    }

    @Test("as a data source it gives disjoint sets whose topics are the dominant phases")
    func source() throws {
        let text = #"{"phases": {"texts": 40, "dominant": "restate", "strength": "strong"}}"#
        let source = try JSONDecoder().decode(DataSource.self, from: Data(text.utf8))

        let sets = try [DataSource.Role.client(0), .client(1), .publicSet, .heldOut].map {
            try source.questions(for: $0, seed: 5)
        }

        #expect(sets.allSatisfy { $0.count == 40 })
        #expect(Set(sets.flatMap { $0.map(\.prompt) }).count == 160)
        #expect(sets[3].allSatisfy { HeldOutRule.holdsOut($0.prompt) })
        #expect(sets[0].count { $0.topic == "restate" } > 30)
        #expect(sets[0].allSatisfy { ["yes", "no"].contains($0.answer) })
        #expect(try source.questions(for: .client(0), seed: 5) == sets[0])
        #expect(try JSONDecoder().decode(DataSource.self, from: JSONEncoder().encode(source)) == source)
    }

    @Test("a source that makes no sense is refused by name")
    func invalid() throws {
        for (texts, field) in [
            (PhaseTexts(texts: 0), "texts"), (PhaseTexts(texts: 1, dominant: .answer), "dominant"),
        ] {
            let error = #expect(throws: DrawError.self) { try texts.questions(for: .publicSet, seed: 1) }
            guard case .invalid(field, _, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        let unknown = try Mapping(yaml: "phases: {texts: 3, dominent: plan}")
        let error = #expect(throws: ConfigurationError.self) { try unknown.decode(DataSource.self) }
        #expect(error?.problems.map(\.key) == ["phases.dominent"])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(
                DataSource.self,
                from: Data(#"{"path": "a", "phases": {"texts": 3}}"#.utf8)
            )
        }
    }
}
