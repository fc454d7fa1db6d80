import Digest
import Wire

@testable import Rounds

/// What must hold at every moment of a simulation.
struct SimulationChecks {
    var faults: [String] = []
    var lateUpdates = 0
    var skippedSteps = 0
    private(set) var vetoed: [Int] = []
    private var rounds: [Int] = []
    /// By round and client, the updates that are on disk as accepted.
    private var durable: [Int: [String: SHA256Digest]] = [:]
    private var aggregated: [Int: [String]] = [:]

    mutating func expect(_ condition: Bool, _ message: String) {
        if !condition { faults.append(message) }
    }

    mutating func recorded(_ fact: CoordinatorFact) {
        switch fact {
        case .roundBegan(let round):
            expect(round == (rounds.last ?? -1) + 1, "round \(round) after \(rounds.last ?? -1)")
            rounds.append(round)
        case .updateAccepted(let round, let client, let digest, _):
            expect(durable[round]?[client] == nil, "\(client) counts twice in round \(round)")
            expect(aggregated[round] == nil, "\(client) counts after round \(round) was closed")
            durable[round, default: [:]][client] = digest
        case .roundClosed(let round, let clients): closed(round, with: clients)
        case .vetoed(let round, _):
            expect(round == rounds.last && vetoed.last != round, "a veto of round \(round), not the open one")
            vetoed.append(round)
        case .updateLate: lateUpdates += 1
        case .responsesRefused, .updateRefused, .quarantined:
            expect(false, "an honest client was refused: \(fact)")
        case .sessionsReserved, .responsesAccepted, .stepClosed, .pooled, .aggregated, .evaluated,
            .roundCompleted, .informed, .memberAdded:
            break
        }
    }

    /// The set that is aggregated is the set that was accepted, whenever it is asked for.
    mutating func closed(_ round: Int, with clients: [String]) {
        expect(clients == (durable[round] ?? [:]).keys.sorted(), "round \(round) is closed with \(clients)")
        expect(
            aggregated[round] == nil || aggregated[round] == clients,
            "round \(round) is closed differently"
        )
        aggregated[round] = clients
    }

    mutating func noted(_ note: CoordinatorNote) {
        switch note {
        case .violated, .turnedAway: expect(false, "\(note)")
        case .admitted, .replaced, .left, .ahead, .uninformed, .disconnected, .silent, .late, .leftBehind,
            .belowQuorum, .progress, .membersAdded, .tooLateForMembers:
            break
        }
    }

    mutating func noted(_ note: ClientNote, by client: SimulatedClient) {
        switch note {
        case .accepted(.update(let round)):
            let kept = client.kept[.update(round: round)]
            expect(
                durable[round]?[client.name] == kept && kept != nil,
                "\(client.name) was told of an update in round \(round) that does not count"
            )
        case .notCounted(_, let code, let message):
            expect(code == .late || code == .staleRound, "\(client.name): \(code.name) \(message)")
        case .stepSkipped: skippedSteps += 1
        case .withoutResult(let reason): expect(false, "\(client.name) ended without the result: \(reason)")
        case .accepted, .welcomed, .retrying, .roundBegan, .roundLost: break
        }
    }
}
