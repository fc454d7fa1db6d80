import Foundation
import Ledger
import Randomness
import Testing
import Transport
import Wire

@testable import Nodes

/// Whatever carries the frames, and in whatever order they come, the result is the same.
@Suite struct FederationTests {
    @Test("frames that arrive in another order change nothing", arguments: 1...3)
    func order(seed: UInt64) async throws {
        var recipe = Recipe.action
        let plain = try await runInMemory(recipe, in: Scratch())
        for name in recipe.clients {
            var stream = RandomStream(seed: seed, "delays", name)
            recipe.extras[name] = "delay: \(stream.below(15))ms"
        }

        let shuffled = try await runInMemory(recipe, in: Scratch())

        #expect(shuffled == plain)
    }

    @Test("connections that break at any frames change nothing", arguments: 1...8)
    func cuts(seed: UInt64) async throws {
        let recipe = Recipe(
            clients: ["ash", "birch"],
            rounds: 2,
            steps: 3,
            encoding: seed % 2 == 0 ? "int8" : "bf16"
        )
        let plain = try await runInMemory(recipe, in: Scratch())

        let cut = try await runInMemory(recipe, in: Scratch()) { point in
            // A coordinator whose last word may have been lost lingers for a minute; that is not tested here.
            guard point.connection < 5, point.type != .bye else { return .none }
            var stream = RandomStream(
                seed: seed,
                "cuts",
                point.client,
                point.connection,
                "\(point.sender)",
                point.index
            )
            let draw = stream.uniform()
            if point.type == .finished { return draw < 0.3 ? .cutBefore : .none }
            return draw < 0.05 ? .cutBefore : draw < 0.1 ? .cutAfter : .none
        }

        #expect(cut == plain)
    }

    @Test("the same topology gives the same bytes again, and another seed gives others")
    func seeds() async throws {
        var recipe = Recipe()
        let first = try await runInMemory(recipe, in: Scratch())
        let second = try await runInMemory(recipe, in: Scratch())
        recipe.seed += 1
        let other = try await runInMemory(recipe, in: Scratch())

        #expect(first == second)
        #expect(first.adapter != other.adapter)
    }

    @Test("a run leaves a status, evaluations of the base and of each round, traffic and an adapter on disk")
    func traces() async throws {
        let scratch = try Scratch()
        let recipe = Recipe.rlvr

        _ = try await runInMemory(recipe, in: scratch)

        let layout = RunLayout(root: scratch.path)
        let status = try #require(RunStatus.read(from: layout.statusFile))
        let ledger = try Ledger.inspect(layout.coordinatorState)
        #expect(status.phase == .finished)
        #expect(status.round == recipe.rounds && status.waitingFor.isEmpty)
        #expect(status.clients.map(\.name) == recipe.clients)
        #expect(status.clients.allSatisfy { $0.step == recipe.steps - 1 })
        #expect(try ledger.evaluations().map(\.round) == [-1, 0, 1])
        #expect(try ledger.traffic().allSatisfy { (0..<recipe.rounds).contains($0.round) })
        let files = try FileManager.default.contentsOfDirectory(atPath: layout.coordinatorState + "/adapter")
        #expect(files.sorted() == ["adapter_config.json", "adapter_model.safetensors"])
    }
}

/// Everything that uses sockets or processes, one at a time.
@Suite(.serialized) enum SocketTests {
    @Suite struct SameBytes {
        @Test("memory and TLS give the same adapter", arguments: [Recipe(), .action, .sft, .rlvr])
        func memoryAndTLS(_ recipe: Recipe) async throws {
            let memory = try await runInMemory(recipe, in: Scratch())

            let network = try await runOverTLS(recipe, in: Scratch())

            #expect(memory == network)
            #expect(memory.values.count == recipe.rounds + 1)
        }
    }
}
