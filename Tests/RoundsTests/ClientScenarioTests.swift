import Digest
import Testing
import Wire

@testable import Rounds

@Suite("Client scenarios")
struct ClientScenarioTests {
    @Test("a scenario gives the actions in its file", arguments: Scenario.names("client-"))
    func scenario(_ name: String) throws {
        var driver = ClientDriver()

        let differences = try Scenario(name).run { try driver.perform($0) }

        #expect(differences.isEmpty, "\(name): \(differences.joined(separator: "\n"))")
    }
}

/// Translates the commands of a scenario into events of a client's machine.
struct ClientDriver {
    var plan = RunPlan.test()
    var machine = ClientMachine(plan: RunPlan.test().client("alpha"))
    var saved: String?
    var now: Tick = 0
    var text = ActionText()

    mutating func perform(_ line: String) throws -> [String] {
        var command = Command(line)
        if let time = command.time() { now = time }
        let verb = try command.word()
        switch verb {
        case "plan":
            plan = testPlan(command.options())
            machine = ClientMachine(plan: plan.client("alpha"))
            return []
        case "restart":
            let record = saved.map { ClientRecord($0) } ?? ClientRecord()
            guard let record else { throw ScenarioError("unreadable record '\(saved ?? "")'") }
            machine = ClientMachine(plan: plan.client("alpha"), restoring: record)
            return handle(.started)
        case "online":
            // Connection, welcome and trainer in one.
            return handle(.connected) + handle(.received(.welcome(plan.welcome(session: 1))))
                + handle(.prepared)
        default: return handle(try event(verb, &command))
        }
    }

    private mutating func handle(_ event: ClientEvent) -> [String] {
        let actions = machine.handle(event, at: now)
        for action in actions {
            if case .save(let record) = action { saved = "\(record)" }
        }
        return actions.compactMap { text.line($0) }
    }

    private mutating func event(_ verb: String, _ command: inout Command) throws -> ClientEvent {
        switch verb {
        case "start": return .started
        case "connected": return .connected
        case "connectFailed": return .connectFailed(reason: "refused by the host")
        case "disconnected": return .disconnected(reason: "broken")
        case "undecodable": return .undecodable(code: try code(command.word()), message: "bytes")
        case "prepared": return .prepared
        case "downloaded":
            guard let blob = machine.download else { throw ScenarioError("nothing is being downloaded") }
            return .downloaded(blob)
        case "downloadFailed":
            guard let blob = machine.download else { throw ScenarioError("nothing is being downloaded") }
            return .downloadFailed(blob, code: try code(command.word()), message: "bytes")
        case "stepped":
            return .stepped(
                StepProgress(round: try command.number(), step: try command.number(), metrics: [])
            )
        case "adapted":
            return .adapted(
                round: try command.number(),
                steps: try command.number()..<(try command.number())
            )
        case "responded":
            return .responded(
                round: try command.number(),
                step: try command.number(),
                digest: text.digest(try command.word())
            )
        case "absorbed": return .absorbed(round: try command.number(), step: try command.number())
        case "packed":
            return .packed(round: try command.number(), digest: text.digest(try command.word()))
        case "workFailed": return .workFailed(reason: "out of memory")
        case "tick": return .tick
        case "heard": return .heard
        case "drainRequested": return .drainRequested
        default: return .received(try message(verb, &command))
        }
    }

    private mutating func message(_ verb: String, _ command: inout Command) throws -> CoordinatorMessage {
        switch verb {
        case "welcome":
            var welcome = plan.welcome(session: 1)
            let options = command.options()
            if let steps = options["steps"].flatMap({ Int($0) }) { welcome.steps = steps }
            if let session = options["session"].flatMap({ UInt64($0) }) { welcome.session = session }
            return .welcome(welcome)
        case "refused": return .refused(Refused(code: try code(command.word()), message: "no"))
        case "report": return .report(Report(status: []))
        case "drain": return .drain(Drain(reconnectAfterMs: try command.number()))
        case "finished":
            return .finished(
                Finished(rounds: try command.number(), adapter: text.digest(try command.word()))
            )
        case "heartbeat": return .heartbeat
        case "roundStart":
            return .roundStart(
                RoundStart(round: try command.number(), manifest: manifest(.adapter, digest("adapter")))
            )
        case "batch":
            return .batch(
                Batch(
                    round: try command.number(),
                    step: try command.number(),
                    manifest: manifest(.batch, digest("batch"))
                )
            )
        case "pool":
            return .pool(
                Pool(
                    round: try command.number(),
                    step: try command.number(),
                    manifest: manifest(.pool, digest("pool"))
                )
            )
        case "stepSkipped":
            return .stepSkipped(StepSkipped(round: try command.number(), step: try command.number()))
        case "accepted": return .accepted(Accepted(transfer: text.digest(try command.word())))
        case "rejected":
            return .rejected(Rejected(code: try code(command.word()), message: "no", transfer: nil))
        case "continue":
            return .continue(
                Continue(transfer: text.digest(try command.word()), fromChunk: try command.number())
            )
        case "chunk":
            return .chunk(Chunk(transfer: digest("blob"), index: try command.number(), bytes: [1]))
        default: throw ScenarioError("unknown command '\(verb)'")
        }
    }
}
