import Testing
import Wire

@testable import Rounds

@Suite("Records")
struct RecordTests {
    static let facts: [CoordinatorFact] = [
        .sessionsReserved(through: 1000),
        .sessionsReserved(through: 2000),
        .roundBegan(round: 0),
        .responsesAccepted(round: 0, step: 2, client: "alpha", digest: digest("ra")),
        .responsesRefused(round: 0, step: 2, client: "beta", code: .badResponse),
        .stepClosed(round: 0, step: 2, clients: ["alpha"]),
        .pooled(round: 0, step: 2),
        .stepClosed(round: 0, step: 5, clients: []),
        .pooled(round: 0, step: 5),
        .updateAccepted(round: 0, client: "alpha", digest: digest("ua"), examples: 12),
        .updateRefused(round: 0, client: "beta", code: .notFinite),
        .roundClosed(round: 0, clients: ["alpha"]),
        .updateLate(round: 0, client: "gamma"),
        .aggregated(round: 0, adapter: digest("next")),
        .evaluated(round: 0),
        .roundCompleted(round: 0),
        .quarantined(client: "beta", code: .normTooLarge), .informed(client: "alpha"),
        .roundBegan(round: 1),
        .roundClosed(round: 1, clients: []),
        .aggregated(round: 1, adapter: digest("poisoned")),
        .vetoed(round: 1, adapter: digest("next")),
        .memberAdded(round: 2, client: "delta"),
    ]

    @Test("every fact is read back from its line")
    func factLines() {
        for fact in Self.facts { #expect(CoordinatorFact("\(fact)") == fact, "\(fact)") }
        #expect("\(Self.facts[5])" == "stepClosed 0 2 alpha")
        #expect("\(Self.facts[7])" == "stepClosed 0 5 -")
    }

    @Test("a damaged line is no fact")
    func damagedLines() {
        for fact in Self.facts {
            let words = "\(fact)".split(separator: " ")
            #expect(CoordinatorFact(words.dropLast().joined(separator: " ")) == nil, "\(fact)")
            #expect(CoordinatorFact("\(fact) more") == nil)
            #expect(CoordinatorFact("x\(fact)") == nil)
        }
        #expect(CoordinatorFact("") == nil)
        #expect(CoordinatorFact("roundBegan -1") == nil)
        #expect(CoordinatorFact("updateRefused 0 beta NO_SUCH_CODE") == nil)
    }

    @Test("the record is the sum of its facts")
    func sum() throws {
        let record = try CoordinatorRecord(replaying: Self.facts)

        #expect(record.sessionsReserved == 2000)
        #expect(record.completedRounds == 1)
        #expect(record.current?.round == 1)
        #expect(record.previous?.updates.keys.sorted() == ["alpha"])
        #expect(record.adapter == digest("next"))
        #expect(record.refusals == ["beta": 2])
        #expect(record.quarantined == ["beta": .normTooLarge])
        #expect(record.lateUpdates == 1)
        #expect(record.vetoed == [1])
        #expect(!record.takesPart("delta", in: 1) && record.takesPart("delta", in: 2))
        #expect(record.current?.isEvaluated == true)
    }

    @Test("facts that cannot follow are refused: twice, out of order, or of another round")
    func faults() {
        for fact in Self.facts {
            switch fact {
            case .quarantined, .informed, .updateLate, .memberAdded, .responsesRefused, .updateRefused,
                .pooled:
                continue
            case .sessionsReserved, .roundBegan, .responsesAccepted, .stepClosed, .updateAccepted,
                .roundClosed,
                .aggregated, .evaluated, .vetoed, .roundCompleted:
                #expect(throws: RecordFault.self) {
                    let index = Self.facts.firstIndex(of: fact) ?? 0
                    _ = try CoordinatorRecord(replaying: Self.facts[...index] + [fact])
                }
            }
        }
        #expect(throws: RecordFault(fact: .roundCompleted(round: 0))) {
            _ = try CoordinatorRecord(replaying: [.roundBegan(round: 0), .roundCompleted(round: 0)])
        }
        #expect(throws: RecordFault.self) { _ = try CoordinatorRecord(replaying: [.roundBegan(round: 1)]) }
        #expect(throws: RecordFault.self) {
            _ = try CoordinatorRecord(replaying: Self.facts + [.memberAdded(round: 0, client: "epsilon")])
        }
        let vetoed = CoordinatorFact.vetoed(round: 0, adapter: digest("initial"))
        for count in [3, 12, 15, 16] {
            #expect(throws: RecordFault(fact: vetoed), "after \(count) facts") {
                _ = try CoordinatorRecord(replaying: Self.facts.prefix(count) + [vetoed])
            }
        }
        #expect(throws: RecordFault.self) {
            _ = try CoordinatorRecord(
                replaying: Self.facts.prefix(12)
                    + [.updateAccepted(round: 0, client: "gamma", digest: digest("ug"), examples: 1)]
            )
        }
    }

    @Test("a client's record is read back from its line")
    func clientLines() {
        let terms = RunTerms(RunPlan.test().welcome(session: 3))
        let places: [ClientRecord.Place] = [
            .between(after: -1), .between(after: 4), .phase(round: 2, index: 1),
            .responded(round: 2, index: 1, digest: digest("r")), .trained(round: 7, digest: digest("u")),
            .finished(rounds: 8, adapter: digest("a")),
        ]
        for place in places {
            for terms in [nil, terms] {
                let record = ClientRecord(terms: terms, place: place)
                #expect(ClientRecord("\(record)") == record)
                #expect(ClientRecord("\(record) more") == nil)
                #expect(ClientRecord("\("\(record)".dropLast(2))") != record)
            }
        }
        #expect(ClientRecord("") == nil)
        #expect("\(ClientRecord())" == "- between 0")
    }
}
