import Contract
import Digest
import Testing
import Wire

@testable import Rounds

@Suite("Coordinator scenarios")
struct CoordinatorScenarioTests {
    @Test("a scenario gives the actions in its file", arguments: Scenario.names("coordinator-"))
    func scenario(_ name: String) throws {
        var driver = CoordinatorDriver()

        let differences = try Scenario(name).run { try driver.perform($0) }

        #expect(differences.isEmpty, "\(name): \(differences.joined(separator: "\n"))")
    }

    @Test("there are scenarios")
    func found() {
        #expect(Scenario.names("coordinator-").count >= 10)
        #expect(Scenario.names("client-").count >= 8)
    }
}

/// Translates the commands of a scenario into events of a coordinator's machine.
struct CoordinatorDriver {
    var plan = RunPlan.test()
    var machine = CoordinatorMachine(plan: .test())
    var facts: [String] = []
    var now: Tick = 0
    var text = ActionText()
    var names: [Int: String] = [:]
    var transfers: [Int: Transfer] = [:]

    mutating func perform(_ line: String) throws -> [String] {
        var command = Command(line)
        if let time = command.time() { now = time }
        let verb = try command.word()
        switch verb {
        case "plan":
            plan = testPlan(command.options())
            machine = CoordinatorMachine(plan: plan)
            return []
        case "restart":
            // What is durable are the lines; everything else is gone.
            let replayed = try facts.map { line in
                guard let fact = CoordinatorFact(line) else { throw ScenarioError("unreadable '\(line)'") }
                return fact
            }
            machine = CoordinatorMachine(plan: plan, restoring: try CoordinatorRecord(replaying: replayed))
            return handle(.started)
        case "join":
            let id = try command.number()
            let client = try command.word()
            names[id] = client
            return handle(.connected(ConnectionID(id), certifiedName: client))
                + handle(.received(ConnectionID(id), .hello(plan.hello(client))))
        default: return handle(try event(verb, &command))
        }
    }

    private mutating func handle(_ event: CoordinatorEvent) -> [String] {
        let actions = machine.handle(event, at: now)
        for action in actions {
            if case .record(let fact) = action { facts.append("\(fact)") }
            if case .receive(let transfer, _) = action { transfers[transfer.connection.number] = transfer }
        }
        return actions.compactMap { text.line($0) }
    }

    private mutating func event(_ verb: String, _ command: inout Command) throws -> CoordinatorEvent {
        switch verb {
        case "start": return .started
        case "tick": return .tick
        case "drain": return .drainRequested(reconnectAfterMs: try command.number())
        case "add":
            let quorum = try command.number()
            let added = try command.word().split(separator: ",").map(String.init)
            // Restarted, the coordinator reads the same topology file.
            plan.add(added)
            plan.quorum = quorum
            return .membersAdded(added, quorum: quorum)
        case "expel":
            return .expelled(client: try command.word(), code: try code(command.word()), message: "expelled")
        case "workFailed": return .workFailed(reason: try command.word())
        case "pooled": return .pooled(round: try command.number(), step: try command.number())
        case "aggregated":
            return .aggregated(round: try command.number(), adapter: text.digest(try command.word()))
        case "evaluated": return .evaluated(round: try command.number())
        case "vetoed":
            return .vetoed(round: try command.number(), adapter: text.digest(try command.word()))
        case "checkpointed": return .checkpointed(round: try command.number())
        default: return try connectionEvent(verb, ConnectionID(try command.number()), &command)
        }
    }

    private mutating func connectionEvent(
        _ verb: String,
        _ id: ConnectionID,
        _ command: inout Command
    ) throws -> CoordinatorEvent {
        switch verb {
        case "connect":
            let client = try command.word()
            names[id.number] = client
            return .connected(id, certifiedName: client)
        case "disconnect": return .disconnected(id)
        case "heard": return .heard(id)
        case "undecodable": return .undecodable(id, code: try code(command.word()), message: "bytes")
        case "stored":
            guard let transfer = transfers[id.number] else { throw ScenarioError("no transfer on \(id)") }
            return .transferStored(transfer)
        case "unsound":
            guard let transfer = transfers[id.number] else { throw ScenarioError("no transfer on \(id)") }
            return .transferFailed(transfer, code: try code(command.word()), message: "unsound")
        default: return .received(id, try message(verb, id, &command))
        }
    }

    private mutating func message(
        _ verb: String,
        _ id: ConnectionID,
        _ command: inout Command
    ) throws -> ClientMessage {
        switch verb {
        case "hello": return .hello(hello(names[id.number] ?? "?", command.options()))
        case "fetchRound": return .fetchRound(FetchRound(after: try command.number()))
        case "fetchBatch":
            return .fetchBatch(FetchBatch(round: try command.number(), step: try command.number()))
        case "fetchPool":
            return .fetchPool(FetchPool(round: try command.number(), step: try command.number()))
        case "offerResponses":
            let round = try command.number()
            let step = try command.number()
            let digest = text.digest(try command.word())
            return .offerResponses(
                OfferResponses(round: round, step: step, manifest: manifest(.responses, digest))
            )
        case "offerUpdate":
            let round = try command.number()
            let digest = text.digest(try command.word())
            return .offerUpdate(
                OfferUpdate(
                    round: round,
                    manifest: manifest(.update, digest),
                    examples: command.optionalNumber() ?? 10,
                    metrics: []
                )
            )
        case "continue":
            let digest = text.digest(try command.word())
            return .continue(Continue(transfer: digest, fromChunk: try command.number()))
        case "chunk":
            let digest = text.digest(try command.word())
            return .chunk(Chunk(transfer: digest, index: try command.number(), bytes: [1]))
        case "progress":
            return .progress(
                StepProgress(round: try command.number(), step: try command.number(), metrics: [])
            )
        case "heartbeat": return .heartbeat
        case "ask": return .ask(Ask(.status))
        case "bye": return .bye(Bye(reason: "done"))
        default: throw ScenarioError("unknown command '\(verb)'")
        }
    }

    private func hello(_ client: String, _ options: [String: String]) -> Hello {
        var hello = plan.hello(options["client"] ?? client)
        if let federation = options["federation"] { hello.federation = federation }
        if let trainer = options["trainer"] { hello.trainer = trainer }
        if let rank = options["rank"] { hello.fingerprint[1].value = rank }
        if let note = options["note"] { hello.fingerprint[2].value = note }
        if let lacks = options["lacks"] { hello.fingerprint.removeAll { $0.name == lacks } }
        if let extra = options["extra"] { hello.fingerprint.insert(FingerprintPart(extra, "1"), at: 0) }
        if let version = options["version"].flatMap({ Int($0) }) { hello.protocolVersion = version }
        return hello
    }
}

func code(_ name: String) throws -> ErrorCode {
    guard let code = ErrorCode.allCases.first(where: { $0.name == name }) else {
        throw ScenarioError("unknown code '\(name)'")
    }
    return code
}
