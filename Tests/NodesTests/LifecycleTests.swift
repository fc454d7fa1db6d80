import Foundation
import Ledger
import Rounds
import Testing
import Transport
import Wire

@testable import Nodes

/// Coming late, going early, coming back.
@Suite struct LifecycleTests {
    @Test("a straggler is left behind at the deadline, its update is late, and it joins the next round")
    func straggler() async throws {
        var recipe = Recipe(clients: ["ash", "slow"], rounds: 2, steps: 1, localPerPublic: "none", quorum: 1)
        recipe.deadlines = "{update: 6s, heartbeat: 500ms, idle: 20s}"
        recipe.encoding = "f32"
        recipe.extras["ash"] = "delay: 50ms"
        let stage = try await Stage(recipe, in: Scratch())
        let slow = try await stage.rawClient("slow")
        _ = try await slow.hello()

        async let outcome = stage.finish(with: [stage.client("ash")])
        let adapter = try await slow.fetchRound(after: -1).adapter
        let zeros = try BlobDecoder.adapter(from: adapter)
        let update = try BlobEncoder.encode(zeros, as: .update, encoding: .f32)
        try await waitUntil { try stage.facts().contains("roundClosed 0 ash") }
        let late = try await slow.offerUpdate(update, round: 0)
        let next = try await slow.fetchRound(after: 0)
        let counted = try await slow.offerUpdate(update, round: next.round)
        _ = try await slow.hearTheEnd(after: next.round)

        #expect(late?.code == .late)
        #expect(next.round == 1)
        #expect(counted?.type == .accepted)
        #expect(try await outcome == .completed)
        #expect(try stage.facts().contains("updateLate 0 slow"))
        let ledger = try Ledger.inspect(stage.layout.coordinatorState)
        #expect(try ledger.updates(round: 0).map(\.client) == ["ash"])
        #expect(try ledger.updates(round: 1).map(\.client) == ["ash", "slow"])
        #expect(try ledger.eventCount(named: "late") == 1)
    }

    @Test(
        "a coordinator and clients that drain in the middle go on to the same adapter, evaluating the base once"
    )
    func drain() async throws {
        var recipe = Recipe(clients: ["ash", "birch"], rounds: 2, steps: 6)
        let plain = try await runInMemory(recipe, in: Scratch())
        recipe.extras = ["ash": "delay: 20ms", "birch": "delay: 20ms"]
        let scratch = try Scratch()
        try await drainOnce(recipe, scratch)

        let result = try await runInMemory(recipe, in: scratch)

        let ledger = try Ledger.inspect(RunLayout(root: scratch.path).coordinatorState)
        #expect(result == plain)
        #expect(try ledger.events().filter { $0.name == "evaluation" && $0.round == -1 }.count == 1)
    }

    private func drainOnce(_ recipe: Recipe, _ scratch: Scratch) async throws {
        let stage = try await Stage(recipe, in: scratch)
        let clients = [try await stage.client("ash"), try await stage.client("birch")]
        let running = clients.map { client in Task { try await client.run() } }
        try await waitUntil { try stage.facts().contains { $0.hasPrefix("pooled 0 2") } }

        clients[0].post(.drainRequested)
        try await stage.drain()
        clients[1].post(.drainRequested)

        for client in running { #expect(try await client.value == .drained) }
    }

    @Test("state of another run or another client is not touched")
    func otherState() async throws {
        let scratch = try Scratch()
        _ = try await runInMemory(Recipe(rounds: 1, steps: 1), in: scratch)
        let other = Recipe(seed: 12, rounds: 1, steps: 1)

        await #expect(throws: LedgerError.self) { try await runInMemory(other, in: scratch) }
    }

    @Test("at the end every client has the coordinator's adapter in a folder of its own, byte for byte")
    func result() async throws {
        let scratch = try Scratch()
        let layout = RunLayout(root: scratch.path)
        var recipe = Recipe.rlvr
        recipe.rounds = 1
        _ = try await runInMemory(recipe, in: scratch)

        for file in ["adapter_model.safetensors", "adapter_config.json"] {
            let theirs = try Data(contentsOf: URL(filePath: layout.coordinatorState + "/adapter/" + file))
            for client in recipe.clients {
                let own = layout.state(ofClient: client) + "/adapter/" + file
                #expect(try Data(contentsOf: URL(filePath: own)) == theirs, "\(client): \(file)")
            }
        }
    }

    @Test("a finished run that is started again ends at once, with the same adapter")
    func again() async throws {
        let scratch = try Scratch()
        let recipe = Recipe(rounds: 1, steps: 3)

        let first = try await runInMemory(recipe, in: scratch)
        let second = try await runInMemory(recipe, in: scratch)

        #expect(first == second)
    }

    @Test("a full disk ends the coordinator with an error, acknowledges nothing, and a restart goes on")
    func fullDisk() async throws {
        let scratch = try Scratch()
        let state = RunLayout(root: scratch.path).coordinatorState
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        guard try shell("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", state) == 0 else {
            print("skipped: mounting a small file system needs root")
            return
        }
        defer { _ = try? shell("umount", "-l", state) }
        let recipe = Recipe(settings: "{size: 60000}", clients: ["ash"], rounds: 3, steps: 3, encoding: "f32")

        let failure = await #expect(throws: (any Error).self) { try await runInMemory(recipe, in: scratch) }
        #expect("\(String(describing: failure))".contains("no space"))
        #expect(try shell("mount", "-o", "remount,size=64m", state) == 0)
        let result = try await runInMemory(recipe, in: scratch)

        #expect(try await result == runInMemory(recipe, in: Scratch()))
    }

    private func shell(_ words: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

extension SocketTests {
    @Suite struct Revocation {
        @Test("a session whose certificate is revoked is cut, and the client hears why")
        func revoked() async throws {
            let recipe = Recipe(clients: ["ash", "birch"], rounds: 1, steps: 3)
            let scratch = try Scratch()
            let layout = RunLayout(root: scratch.path)
            let identities = try Identities(recipe, in: scratch)
            let job = try recipe.job()
            let transport = TCPTransport(logger: quiet)
            let context = try identities.context(.coordinator)
            let listener = try await transport.listen(host: recipe.host, port: 0, context: context)
            let coordinator = try await Coordinator.make(
                job,
                state: layout.coordinatorState,
                status: nil,
                adapter: nil,
                listener: listener,
                isRevoked: { context.isRevoked($0) },
                logger: quiet
            )
            let running = Task { try await coordinator.run() }
            let client = try await Client.make(
                job,
                name: "ash",
                state: layout.state(ofClient: "ash"),
                dataFile: nil,
                dialer: TCPDialer(
                    transport: transport,
                    host: recipe.host,
                    port: listener.port,
                    context: identities.context(.client("ash"))
                ),
                logger: quiet
            )
            let clientRun = Task { try await client.run() }
            try await waitUntil {
                try Ledger.inspect(layout.coordinatorState).facts().contains("sessionsReserved 1000")
            }

            try Provisioner(directory: identities.directory).revoke(.client("ash"), now: Date())
            try context.reload(now: Date())
            coordinator.revocationsChanged()

            let error = await #expect(throws: NodeError.self) { try await clientRun.value }
            #expect(error?.kind == .refused)
            #expect(error?.description.contains("REVOKED") == true)
            coordinator.post(.drainRequested(reconnectAfterMs: 100))
            #expect(try await running.value == .drained)
            await transport.shutdown()
        }
    }
}
