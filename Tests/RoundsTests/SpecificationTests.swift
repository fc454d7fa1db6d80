import Foundation
import Testing
import Wire

@testable import Rounds

/// The state tables of `protocol/SPEC.md`, read from the file.
struct StateTable {
    /// By state and message, the cell's text.
    var cells: [String: [String: String]] = [:]
    var messages: [String] = []

    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "protocol/SPEC.md").path()

    /// The table whose header begins with `state` and this message.
    init(firstMessage: String) throws {
        let lines = try String(contentsOfFile: Self.path, encoding: .utf8).split(separator: "\n")
        guard let header = lines.firstIndex(where: { $0.hasPrefix("| state | \(firstMessage) |") }) else {
            throw ScenarioError("\(Self.path) has no table with the header '| state | \(firstMessage) |'")
        }
        messages = Array(Self.row(lines[header]).dropFirst())
        for line in lines[(header + 2)...] {
            guard line.hasPrefix("|") else { break }
            let row = Self.row(line)
            cells[row[0]] = Dictionary(uniqueKeysWithValues: zip(messages, row.dropFirst()))
        }
    }

    private static func row(_ line: Substring) -> [String] {
        line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    func isAllowed(_ message: String, in state: String) -> Bool? {
        cells[state]?[message].map { $0 != "-" && !$0.isEmpty }
    }

    /// The states that a cell names by arrows.
    func successors(of state: String, _ message: String) -> Set<String> {
        let cell = cells[state]?[message] ?? ""
        if cell.hasPrefix("as "), let other = cell.split(separator: " ").last.map(String.init) {
            return successors(of: other, message)
        }
        let parts = cell.components(separatedBy: "→ ").dropFirst()
        return Set(parts.map { String($0.prefix { $0.isLetter }) })
    }
}

@Suite("The state tables of SPEC.md")
struct SpecificationTests {
    @Test("a connection's states allow just what the coordinator's table says")
    func peerStates() throws {
        let table = try StateTable(firstMessage: "hello")
        let sent = MessageType.allCases.filter { $0.mayCome(from: .client) }
        #expect(Set(table.messages) == Set(sent.map { "\($0)" }))
        #expect(Set(table.cells.keys) == Set(PeerState.allCases.map(\.rawValue)))
        for state in PeerState.allCases {
            for type in MessageType.allCases {
                let expected = table.isAllowed("\(type)", in: state.rawValue) ?? false
                #expect(state.allows(type) == expected, "\(type) in \(state)")
            }
        }
    }

    @Test("a client's link states allow just what the client's table says")
    func linkStates() throws {
        let table = try StateTable(firstMessage: "welcome")
        let sent = MessageType.allCases.filter { $0.mayCome(from: .coordinator) }
        #expect(Set(table.messages) == Set(sent.map { "\($0)" }))
        #expect(Set(table.cells.keys) == Set(LinkState.allCases.map(\.rawValue)))
        for state in LinkState.allCases {
            for type in MessageType.allCases {
                let expected = table.isAllowed("\(type)", in: state.rawValue) ?? false
                #expect(state.allows(type) == expected, "\(type) in \(state)")
            }
        }
    }

    /// Commands that bring connection 1, of alpha, into a state.
    private static let pathToPeerState: [PeerState: [String]] = [
        .awaitingHello: ["connect 1 alpha"],
        .ready: ["join 1 alpha"],
        .serving: ["join 1 alpha", "fetchBatch 1 0 2"],
        .waiting: ["join 1 alpha", "fetchRound 1 0"],
        .uploading: ["join 1 alpha", "offerUpdate 1 0 u"],
    ]
    private static let clientMessages: [MessageType: String] = [
        .hello: "hello 1", .fetchRound: "fetchRound 1 -1", .fetchBatch: "fetchBatch 1 0 2",
        .offerResponses: "offerResponses 1 0 2 r", .fetchPool: "fetchPool 1 0 2",
        .offerUpdate: "offerUpdate 1 0 u", .progress: "progress 1 0 0", .bye: "bye 1", .ask: "ask 1",
        .continue: "continue 1 batch 0", .chunk: "chunk 1 u 0", .heartbeat: "heartbeat 1",
    ]

    @Test("the coordinator's machine refuses what its table does not allow, and goes where it says")
    func coordinatorMachine() throws {
        let table = try StateTable(firstMessage: "hello")
        for (state, path) in Self.pathToPeerState {
            for (type, message) in Self.clientMessages {
                var driver = CoordinatorDriver()
                for command in [
                    "plan clients=alpha,beta,gamma quorum=1", "start", "join 8 beta", "1000 tick",
                ] {
                    _ = try driver.perform(command)
                }
                // Alpha's responses count, so that its fetchPool is in order.
                for command in ["join 9 alpha", "offerResponses 9 0 2 r", "stored 9", "disconnect 9"] + path {
                    _ = try driver.perform(command)
                }
                #expect(driver.machine.connections[ConnectionID(1)]?.activity.state == state)

                let lines = try driver.perform(message)

                let isRefused = lines.contains("#1 <- refused UNEXPECTED_MESSAGE")
                let isAllowed = table.isAllowed("\(type)", in: state.rawValue) == true
                #expect(isRefused == !isAllowed, "\(type) in \(state): \(lines)")
                guard isAllowed, let next = driver.machine.connections[ConnectionID(1)]?.activity.state else {
                    continue
                }
                let successors = table.successors(of: state.rawValue, "\(type)")
                let stays = next == state || (state == .serving && next == .ready)
                #expect(stays || successors.contains(next.rawValue), "\(type): \(state) to \(next)")
            }
        }
    }

    /// Commands that bring a client's link into a state.
    private static let pathToLinkState: [LinkState: [String]] = {
        let local = ["start", "online", "roundStart 0", "downloaded"]
        let asking = local + ["adapted 0 0 2"]
        let offering = asking + ["batch 0 2", "downloaded", "responded 0 2 r"]
        let pooling = offering + ["accepted r"]
        return [
            .offline: ["start"],
            .awaitingWelcome: ["start", "connected"],
            .ready: local,
            .awaitingRound: ["start", "online"],
            .awaitingBatch: asking,
            .awaitingPool: pooling,
            .downloading: ["start", "online", "roundStart 0"],
            .uploadingResponses: offering,
            .uploadingUpdate: pooling + ["pool 0 2", "downloaded", "absorbed 0 2", "packed 0 u"],
        ]
    }()
    private static let coordinatorMessages: [MessageType: String] = [
        .welcome: "welcome", .refused: "refused STORAGE", .roundStart: "roundStart 0", .batch: "batch 0 2",
        .pool: "pool 0 2", .stepSkipped: "stepSkipped 0 2", .accepted: "accepted",
        .rejected: "rejected STORAGE", .finished: "finished 1 final", .drain: "drain 10", .report: "report",
        .continue: "continue", .chunk: "chunk 0", .heartbeat: "heartbeat",
    ]

    @Test("the client's machine ends on what its table does not allow, and goes where it says")
    func clientMachine() throws {
        let table = try StateTable(firstMessage: "welcome")
        for (state, path) in Self.pathToLinkState {
            for (type, message) in Self.coordinatorMessages {
                var driver = ClientDriver()
                for command in path { _ = try driver.perform(command) }
                #expect(driver.machine.link == state)
                let digest = state == .uploadingUpdate ? "u" : "r"
                var command = message
                if type == .accepted { command += " \(digest)" }
                if type == .continue { command += " \(digest) 0" }

                let lines = try driver.perform(command)

                let isViolation = lines.contains { $0.contains("UNEXPECTED_MESSAGE") }
                let isAllowed = table.isAllowed("\(type)", in: state.rawValue) == true
                // Without a connection there is nobody to complain to: the message is dropped.
                #expect(isViolation == (!isAllowed && state != .offline), "\(type) in \(state): \(lines)")
                guard isAllowed else { continue }
                // A question may follow at once, so a step to `ready` may be one to its successor.
                let successors = table.successors(of: state.rawValue, "\(type)")
                let next = driver.machine.link
                let viaReady = successors.contains("ready")
                #expect(
                    next == state || successors.contains(next.rawValue) || viaReady,
                    "\(type): \(state) to \(next)"
                )
            }
        }
    }
}
