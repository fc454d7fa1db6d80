import Digest
import Testing
import Wire

@testable import Rounds

@Suite("The coordinator's machine")
struct CoordinatorMachineTests {
    private let one = ConnectionID(1)
    private let two = ConnectionID(2)

    /// A machine whose clients alpha and beta are admitted on connections 1 and 2.
    private func running(_ plan: RunPlan) -> CoordinatorMachine {
        var machine = CoordinatorMachine(plan: plan)
        _ = machine.handle(.started, at: 0)
        for (id, client) in zip([one, two], plan.clients) {
            _ = machine.handle(.connected(id, certifiedName: client), at: 0)
            _ = machine.handle(.received(id, .hello(plan.hello(client))), at: 0)
        }
        return machine
    }

    @Test("with everybody shut out, five thousand public steps are closed without a deep stack")
    func manySteps() {
        let plan = RunPlan.test(rounds: 1, steps: 10_000, localPerPublic: 1)
        var machine = running(plan)
        var actions = machine.handle(.expelled(client: "alpha", code: .badResponse, message: "no"), at: 1)
        actions += machine.handle(.expelled(client: "beta", code: .badResponse, message: "no"), at: 2)

        let pooled = actions.count { if case .record(.pooled) = $0 { true } else { false } }
        #expect(pooled == 5_000)
        #expect(actions.contains(.aggregate(round: 0, clients: [])))
    }

    @Test("a welcome carries the plan, and is sent after the session is durable")
    func welcome() {
        let plan = RunPlan.test()
        var machine = CoordinatorMachine(plan: plan)
        _ = machine.handle(.started, at: 0)
        _ = machine.handle(.connected(one, certifiedName: "alpha"), at: 5)

        let actions = machine.handle(.received(one, .hello(plan.hello("alpha"))), at: 6)

        #expect(
            actions == [
                .record(.sessionsReserved(through: 1000)),
                .note(.admitted(client: "alpha", session: 1)),
                .send(.welcome(plan.welcome(session: 1)), to: one),
            ]
        )
    }

    @Test("an update is durable before it is acknowledged, and closes the round after that")
    func acceptance() {
        let plan = RunPlan.test(rounds: 1, steps: 1, localPerPublic: 0, quorum: 2)
        var machine = running(plan)
        for (id, name) in [(one, "ua"), (two, "ub")] {
            let offer = OfferUpdate(
                round: 0,
                manifest: manifest(.update, digest(name)),
                examples: 4,
                metrics: []
            )
            _ = machine.handle(.received(id, .offerUpdate(offer)), at: 10)
        }
        let first = Transfer(
            connection: one,
            client: "alpha",
            place: .update(round: 0),
            digest: digest("ua"),
            examples: 4
        )
        let second = Transfer(
            connection: two,
            client: "beta",
            place: .update(round: 0),
            digest: digest("ub"),
            examples: 4
        )

        #expect(
            machine.handle(.transferStored(second), at: 20) == [
                .record(.updateAccepted(round: 0, client: "beta", digest: digest("ub"), examples: 4)),
                .send(.accepted(Accepted(transfer: digest("ub"))), to: two),
            ]
        )
        #expect(
            machine.handle(.transferStored(first), at: 30) == [
                .record(.updateAccepted(round: 0, client: "alpha", digest: digest("ua"), examples: 4)),
                .send(.accepted(Accepted(transfer: digest("ua"))), to: one),
                .record(.roundClosed(round: 0, clients: ["alpha", "beta"])),
                .aggregate(round: 0, clients: ["alpha", "beta"]),
            ]
        )
    }

    @Test("a result that nobody asked for, or that comes twice, changes nothing")
    func strayResults() {
        var machine = running(.test())
        let before = machine.record

        for event in [
            CoordinatorEvent.pooled(round: 0, step: 2), .aggregated(round: 0, adapter: digest("x")),
            .evaluated(round: 0), .checkpointed(round: 0), .aggregated(round: 7, adapter: digest("x")),
            .disconnected(ConnectionID(99)), .received(ConnectionID(99), .heartbeat),
        ] {
            #expect(machine.handle(event, at: 10) == [], "\(event)")
        }
        #expect(machine.record == before)
    }

    @Test("work that cannot be done ends the run with its reason, and nothing follows")
    func workFailed() {
        var machine = running(.test())

        let actions = machine.handle(.workFailed(reason: "disk full"), at: 10)

        #expect(actions.last == .finish(.failed(reason: "disk full")))
        #expect(actions.contains(.close(one)) && actions.contains(.close(two)))
        #expect(machine.handle(.tick, at: 1_000_000) == [])
        #expect(machine.handle(.started, at: 1_000_000) == [])
    }

    @Test("a chunk out of order ends the connection, and the update may come over another")
    func badChunk() {
        let plan = RunPlan.test(rounds: 1, steps: 1, localPerPublic: 0)
        var machine = running(plan)
        let offer = OfferUpdate(round: 0, manifest: manifest(.update, digest("u")), examples: 1, metrics: [])
        let receive = machine.handle(.received(one, .offerUpdate(offer)), at: 10)
        guard case .receive(let transfer, _)? = receive.first else {
            Issue.record("the update is not received: \(receive)")
            return
        }

        let actions = machine.handle(.transferFailed(transfer, code: .badChunk, message: "chunk 2"), at: 11)

        #expect(
            actions == [
                .note(.violated(client: "alpha", code: .badChunk, message: "chunk 2")),
                .send(.refused(Refused(code: .badChunk, message: "chunk 2")), to: one), .close(one),
            ]
        )
        #expect(machine.record.refusals.isEmpty)
        let again = ConnectionID(3)
        _ = machine.handle(.connected(again, certifiedName: "alpha"), at: 12)
        _ = machine.handle(.received(again, .hello(plan.hello("alpha"))), at: 12)
        let second = machine.handle(.received(again, .offerUpdate(offer)), at: 13)
        guard case .receive? = second.first else {
            Issue.record("the update is not received again: \(second)")
            return
        }
    }

    @Test("an adapter in place of a vetoed one is the record's, and late results change nothing")
    func vetoedOnce() {
        var machine = running(.test(rounds: 1, steps: 1, localPerPublic: 0))
        for (id, client) in [(one, "alpha"), (two, "beta")] {
            let place = Transfer.Place.update(round: 0)
            let transfer = Transfer(connection: id, client: client, place: place, digest: digest(client))
            _ = machine.handle(.transferStored(transfer), at: 10)
        }
        #expect(
            machine.handle(.aggregated(round: 0, adapter: digest("merged")), at: 11).last
                == .evaluate(round: 0, clients: ["alpha", "beta"])
        )

        let actions = machine.handle(.vetoed(round: 0, adapter: digest("initial")), at: 12)

        #expect(
            actions == [
                .record(.vetoed(round: 0, adapter: digest("initial"))), .checkpoint(round: 0),
            ]
        )
        for event in [
            CoordinatorEvent.vetoed(round: 0, adapter: digest("other")), .evaluated(round: 0),
            .aggregated(round: 0, adapter: digest("merged")),
        ] {
            #expect(machine.handle(event, at: 13) == [], "\(event)")
        }
        #expect(machine.record.adapter == digest("initial"))
        #expect(machine.record.vetoed == [0])
    }

    @Test("time does not go back")
    func monotoneTime() {
        var machine = CoordinatorMachine(plan: .test())
        _ = machine.handle(.started, at: 500)

        #expect(machine.handle(.tick, at: 100) == [])
        #expect(machine.now == 500)
    }

    @Test("two thousand clients go through a round")
    func manyClients() {
        let names = (0..<2_000).map { "client-\($0)" }
        let plan = RunPlan.test(clients: names, rounds: 1, quorum: 2_000)
        var machine = CoordinatorMachine(plan: plan)
        var last = machine.handle(.started, at: 0)
        func each(_ message: (Int) -> ClientMessage) {
            for index in names.indices {
                last = machine.handle(.received(ConnectionID(index), message(index)), at: 1)
            }
        }
        for (index, name) in names.enumerated() {
            _ = machine.handle(.connected(ConnectionID(index), certifiedName: name), at: 0)
        }
        each { .hello(plan.hello(names[$0])) }
        each { _ in .fetchRound(FetchRound(after: -1)) }
        let contribution = digest("contribution")
        let responses = OfferResponses(round: 0, step: 2, manifest: manifest(.responses, contribution))
        each { _ in .offerResponses(responses) }
        for (index, name) in names.enumerated() {
            let place = Transfer.Place.responses(round: 0, step: 2)
            let transfer = Transfer(
                connection: ConnectionID(index),
                client: name,
                place: place,
                digest: contribution
            )
            last = machine.handle(.transferStored(transfer), at: 2)
        }
        #expect(last.last == .computePool(round: 0, step: 2, clients: plan.clients))
        each { _ in .fetchPool(FetchPool(round: 0, step: 2)) }

        #expect(machine.handle(.pooled(round: 0, step: 2), at: 3).count == 2_001)
    }
}
