import Contract
import Ledger
import Rounds
import Testing
import Wire

@testable import Nodes

/// What no language model needs and another trainer may: statistics that are merged, counters that are summed, parts
/// that stay, and steps that updates go through.
@Suite struct AnyTrainerTests {
    @Test("merged statistics reach the clients, counters are summed, and figures of the merge are kept")
    func merges() async throws {
        var recipe = Recipe(clients: ["ash", "birch", "cedar"], rounds: 2, steps: 6)
        recipe.settings = "{merges: true}"
        let scratch = try Scratch()

        let result = try await runInMemory(recipe, in: scratch)

        let layout = RunLayout(root: scratch.path)
        let ledger = try Ledger.inspect(layout.coordinatorState)
        let adapter = try BlobDecoder.adapter(from: ledger.adapterBlob(round: 2))
        // Four of six steps of each round are local.
        #expect(adapter["samples"]?.values == [Float(3 * 2 * 4)])
        let pool = try BlobDecoder.pool(from: ledger.blob(ledger.pools(round: 1, step: 2)[0].blob))
        #expect(pool.groups.allSatisfy { $0.replacements.isEmpty && $0.target.count == 16 })
        #expect(pool.merged == [12, 0, 0, 0])
        #expect(
            try RunMetrics(reading: ledger).publicSteps.allSatisfy { $0.metrics?["merged/responses"] == 12 }
        )
        let status = RunStatus.read(from: layout.statusFile)
        #expect(status?.measure?.higherIsBetter == false)
        #expect(result.values.count == 3 && result.values[2] < result.values[0])
    }

    @Test("a part that stays is in no byte that is sent, and outlives rounds and restarts")
    func localPart() async throws {
        var recipe = Recipe.action
        recipe.settings = "{critic: true}"
        recipe.clients = ["ash", "birch"]
        let scratch = try Scratch()
        let plain = try await runInMemory(recipe, in: scratch)

        let ledger = try Ledger.inspect(RunLayout(root: scratch.path).coordinatorState)
        let broadcast = try ledger.adapterBlob(round: 1).manifest.entries.map(\.name)
        let updates = try ledger.updates(round: 1).flatMap {
            try ledger.blob($0.blob).manifest.entries.map(\.name)
        }
        #expect(!broadcast.contains("critic") && !updates.contains("critic"))
        #expect(Set(updates) == Set(broadcast))

        let point = CrashPoint(victim: "ash", sender: .client, type: .offerUpdate, skipping: 1, arrives: true)
        let (again, crashed) = try await runCrashing(recipe, at: point, in: Scratch("critic"))
        #expect(crashed)
        #expect(again == plain)
    }

    @Test(
        "an update that a client clips travels with the norm it is clipped to, and one that is not is not changed"
    )
    func clipping() async throws {
        let recipe = Recipe(clients: ["ash"], rounds: 1, steps: 3, encoding: "f32")
        let plain = try await runInMemory(recipe, in: Scratch())
        let norms = try await [0.25, 1e6].asyncMap { norm in
            var clipped = recipe
            clipped.more = "transforms: {client: [clip: {norm: \(norm)}]}"
            let scratch = try Scratch()
            let result = try await runInMemory(clipped, in: scratch)
            let ledger = try Ledger.inspect(RunLayout(root: scratch.path).coordinatorState)
            let update = try BlobDecoder.adapter(from: ledger.blob(ledger.updates(round: 0)[0].blob))
            return (norm: update.norm, isPlain: result.adapter == plain.adapter)
        }

        #expect(abs(norms[0].norm - 0.25) < 1e-6 && !norms[0].isPlain)
        #expect(norms[1].norm > 0.25 && norms[1].isPlain)
    }

    @Test("the coordinator clips as well, and says how much of each update it kept")
    func clippingAtTheCoordinator() async throws {
        var recipe = Recipe(clients: ["ash", "birch"], rounds: 1, steps: 3, encoding: "f32")
        recipe.more = "transforms: {coordinator: [clip: {norm: 0.25}]}"
        let scratch = try Scratch()

        _ = try await runInMemory(recipe, in: scratch)

        let ledger = try Ledger.inspect(RunLayout(root: scratch.path).coordinatorState)
        let adapter = try BlobDecoder.adapter(from: ledger.adapterBlob(round: 1))
        #expect(adapter.norm <= 0.25 + 1e-6 && adapter.norm > 0)
        let measured = try #require(try RunMetrics(reading: ledger).aggregations.first).transforms
        #expect(measured?.keys.sorted() == ["ash", "birch"])
    }

    @Test("responses far larger than a chunk travel, and one that is over the limit is refused")
    func largeResponses() async throws {
        let recipe = Recipe(clients: ["ash"], rounds: 1, steps: 3)
        let stage = try await Stage(recipe, in: Scratch())
        let raw = try await stage.rawClient("ash")
        _ = try await raw.hello()
        _ = try await raw.fetchRound(after: -1)
        let batch = try BlobDecoder.batch(from: await raw.fetchBatch(round: 0, step: 2))
        let responses = batch.items.flatMap { item in
            (0..<batch.responsesPerItem).map { index in
                Response(itemID: item.id, index: index, payload: [UInt8](repeating: 7, count: 1_100_000))
            }
        }

        // They are 8.8 MB in all and arrive whole: it is the judge who finds that they are no vectors.
        let answer = try await raw.offerResponses(BlobEncoder.encode(responses), round: 0, step: 2)

        guard case .rejected(let rejected) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(rejected.code == .badResponse)
        #expect(rejected.message.contains("length 275000 > limit 4"))
        try await stage.drain()
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows
        -> [Result]
    {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
