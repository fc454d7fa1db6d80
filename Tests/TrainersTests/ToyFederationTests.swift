import Aggregation
import Contract
import Testing
import TrainersTestSupport

@Suite("Toy federations learn")
struct ToyFederationTests {
    private func run(_ entry: TrainerEntry, _ settings: String = "", rule: any PoolRule = BalancedRule())
        throws
        -> InProcessFederation.Record
    {
        let schedule = Schedule(stepsPerRound: 12, localPerPublic: 2)
        let clients = try ["a", "b", "c"].map { name in
            (name: name, trainer: try entry.makeTrainer(Array(settings.utf8), ToyTrainers.client(name)))
        }
        var federation = try InProcessFederation(
            clients: clients,
            judge: try entry.makeJudge(Array(settings.utf8), ToyTrainers.coordinator(schedule: schedule)),
            schedule: schedule,
            poolRule: rule,
            seed: 11
        )
        return try federation.run(rounds: 4)
    }

    @Test("vectors come closer to the target than they were")
    func vectors() throws {
        let record = try run(ToyTrainers.vector)

        #expect(record.evaluations[4].value > record.evaluations[0].value + 0.2)
        #expect(record.groups == 4 * 4 * 3 * 2)
    }

    @Test("walkers arrive more often than before")
    func actions() throws {
        let record = try run(ToyTrainers.action)

        #expect(record.evaluations[4].value > record.evaluations[0].value + 0.5)
        #expect(record.swaps > 0)
        #expect(record.silentAfter <= record.silentBefore)
    }

    @Test("merged centroids bring vectors closer, and counters add up over clients and rounds")
    func merges() throws {
        let record = try run(ToyTrainers.vector, #"{"merges": true}"#)

        #expect(record.evaluations[4].value < record.evaluations[0].value - 0.2)
        #expect(record.swaps == 0)
        #expect(record.evaluations[4].metrics["samples"] == 96.0)
        #expect(record.reports.contains { $0.metrics["merged/responses"] == 12 })
    }

    @Test("walkers with critics of their own arrive more often than before")
    func critics() throws {
        let record = try run(ToyTrainers.action, #"{"critic": true}"#)

        #expect(record.evaluations[4].value > record.evaluations[0].value + 0.3)
    }

    @Test("the same federation twice ends with the same adapter")
    func repeats() throws {
        let first = try run(ToyTrainers.action)
        let second = try run(ToyTrainers.action)

        #expect(first.evaluations == second.evaluations)
        #expect(first.exchanged == second.exchanged)
    }
}
