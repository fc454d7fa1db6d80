import Digest
import Testing
import Wire

@testable import Rounds

@Suite("The client's machine")
struct ClientMachineTests {
    private let plan = RunPlan.test(heartbeatMs: 1_000)

    private func online() -> ClientMachine {
        var machine = ClientMachine(plan: plan.client("alpha"))
        _ = machine.handle(.started, at: 0)
        _ = machine.handle(.connected, at: 1)
        _ = machine.handle(.received(.welcome(plan.welcome(session: 1))), at: 2)
        return machine
    }

    @Test("it connects, and gives up in time")
    func start() {
        var machine = ClientMachine(plan: plan.client("alpha"))
        var hello = plan.hello("alpha")
        hello.fingerprint = plan.client("alpha").fingerprint

        #expect(machine.handle(.started, at: 10) == [.connect, .setTimer(5_010)])
        #expect(machine.handle(.connected, at: 20) == [.send(.hello(hello))])
        #expect(machine.link == .awaitingWelcome)
        #expect(
            machine.handle(.tick, at: 5_010) == [
                .hangUp, .note(.retrying(reason: "no welcome within 5000 ms", afterMs: 100)),
                .setTimer(5_110),
            ]
        )
    }

    @Test("the trainer is prepared once, whatever the link does")
    func prepareOnce() {
        var machine = online()
        _ = machine.handle(.disconnected(reason: "broken"), at: 3)
        _ = machine.handle(.tick, at: 103)
        _ = machine.handle(.connected, at: 104)

        let again = machine.handle(.received(.welcome(plan.welcome(session: 2))), at: 105)

        #expect(again.first == .note(.welcomed(session: 2)))
        #expect(!again.contains { if case .prepare = $0 { true } else { false } })
        #expect(machine.handle(.prepared, at: 200).contains(.send(.fetchRound(FetchRound(after: -1)))))
    }

    @Test("results of work that is not under way change nothing")
    func strayResults() {
        var machine = online()
        _ = machine.handle(.prepared, at: 3)

        for event in [
            ClientEvent.prepared, .adapted(round: 0, steps: 0..<2), .absorbed(round: 0, step: 2), .connected,
            .responded(round: 0, step: 2, digest: digest("r")), .packed(round: 0, digest: digest("u")),
            .downloaded(.adapter(round: 0)), .connectFailed(reason: "stray"),
        ] where event != .connectFailed(reason: "stray") {
            #expect(machine.handle(event, at: 4) == [], "\(event)")
        }
        #expect(machine.link == .awaitingRound)
    }

    @Test("an acknowledgement of something else, or a blob of another kind, is a violation")
    func violations() {
        for message in [
            CoordinatorMessage.roundStart(RoundStart(round: 0, manifest: manifest(.batch, digest("b")))),
            .accepted(Accepted(transfer: digest("u"))),
        ] {
            var machine = online()
            _ = machine.handle(.prepared, at: 3)
            let actions = machine.handle(.received(message), at: 4)
            guard case .finish(.failed(nil, _)) = actions.last else {
                Issue.record("\(message) gave \(actions)")
                continue
            }
        }
    }

    @Test("saved before said: an update is offered only after its record is saved")
    func savedFirst() throws {
        var machine = ClientMachine(
            plan: plan.client("alpha"),
            restoring: ClientRecord(place: .phase(round: 0, index: 2))
        )
        _ = machine.handle(.started, at: 0)
        _ = machine.handle(.connected, at: 1)
        _ = machine.handle(.received(.welcome(plan.welcome(session: 1))), at: 2)
        #expect(machine.handle(.prepared, at: 3).contains(.packUpdate(round: 0)))

        let actions = machine.handle(.packed(round: 0, digest: digest("u")), at: 4)

        let save = try #require(actions.firstIndex(of: .save(machine.record)))
        let offer = try #require(actions.firstIndex(of: .offer(.update(round: 0))))
        #expect(save < offer)
        #expect(machine.record.place == .trained(round: 0, digest: digest("u")))
    }

    @Test("a client that has heard of the end keeps it, and does not call a coordinator that is gone")
    func finishedOnce() throws {
        var machine = ClientMachine(plan: plan.client("alpha"))
        let finished = Finished(rounds: 2, adapter: digest("a"))
        _ = machine.handle(.started, at: 0)
        _ = machine.handle(.connected, at: 1)
        _ = machine.handle(.received(.welcome(plan.welcome(session: 1))), at: 2)
        _ = machine.handle(.prepared, at: 3)
        let asking = machine.handle(.received(.finished(finished)), at: 4)
        let start = RoundStart(round: 2, manifest: manifest(.adapter, digest("a")))
        _ = machine.handle(.received(.roundStart(start)), at: 5)
        let actions = machine.handle(.downloaded(.adapter(round: 2)), at: 6)

        var restarted = ClientMachine(plan: plan.client("alpha"), restoring: machine.record)

        #expect(asking.first == .send(.fetchRound(FetchRound(after: 2))))
        #expect(actions.prefix(2) == [.keepResult(finished), .save(machine.record)])
        #expect(restarted.handle(.started, at: 0) == [.finish(.completed(finished))])
    }

    @Test("a client that has heard of the end of fewer rounds asks for the one after them")
    func moreRounds() throws {
        var longer = plan.client("alpha")
        longer.rounds = 3
        let record = ClientRecord(
            terms: RunTerms(plan.welcome(session: 1)),
            place: .finished(rounds: 2, adapter: digest("a"))
        )
        var machine = ClientMachine(plan: longer, restoring: record)
        var welcome = plan.welcome(session: 2)
        welcome.rounds = 3

        #expect(machine.handle(.started, at: 0).contains(.connect))
        _ = machine.handle(.connected, at: 1)
        let actions = machine.handle(.received(.welcome(welcome)), at: 2)

        #expect(actions.contains(.prepare(welcome)), "more rounds are no other run")
        #expect(machine.handle(.prepared, at: 3).contains(.send(.fetchRound(FetchRound(after: 1)))))
    }

    /// A client that has heard of the end of a run of two rounds.
    private func toldTheEnd() -> ClientMachine {
        var machine = online()
        _ = machine.handle(.prepared, at: 3)
        _ = machine.handle(.received(.finished(Finished(rounds: 2, adapter: digest("a")))), at: 4)
        return machine
    }

    @Test("a client whose coordinator is lost before the final adapter is here asks for the end again")
    func resultLater() throws {
        var machine = toldTheEnd()

        _ = machine.handle(.disconnected(reason: "gone"), at: 5)
        _ = machine.handle(.tick, at: 100_000)
        _ = machine.handle(.connected, at: 100_001)
        let asking = machine.handle(.received(.welcome(plan.welcome(session: 2))), at: 100_002)

        #expect(asking.contains(.send(.fetchRound(FetchRound(after: 1)))))
        #expect(machine.record.place == .between(after: -1))
    }

    @Test("a coordinator that does not give the final adapter away ends the client without it")
    func noResult() throws {
        var machine = toldTheEnd()

        let rejected = Rejected(code: .futureRound, message: "no", transfer: nil)
        let actions = machine.handle(.received(.rejected(rejected)), at: 5)

        #expect(actions.first == .note(.withoutResult(reason: "FUTURE_ROUND: no")))
        #expect(actions.last == .finish(.completed(Finished(rounds: 2, adapter: digest("a")))))
    }
}
