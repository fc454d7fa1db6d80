import Contract
import Ledger
import Rounds
import Testing
import Trainers
import Wire

@testable import Nodes

/// What a federation computes, against the same computed by hand.
@Suite struct ExactnessTests {
    @Test(
        "without public steps the result is FedAvg of the factors, bit for bit",
        arguments: ["rlvr", "sft"]
    )
    func federatedAveraging(trainer: String) async throws {
        var recipe = trainer == "rlvr" ? Recipe.rlvr : .sft
        recipe.localPerPublic = "none"
        recipe.encoding = "f32"
        let scratch = try Scratch()

        _ = try await runInMemory(recipe, in: scratch)

        let expected = try averagedByHand(recipe)
        let ledger = try Ledger.inspect(RunLayout(root: scratch.path).coordinatorState)
        #expect(try BlobDecoder.adapter(from: ledger.adapterBlob(round: recipe.rounds)) == expected)
    }

    @Test(
        "extra factors and whole models are averaged bit for bit, and come back from their folder",
        arguments: ["{kind: hyperFeature, rank: 4}", "{kind: whole}"]
    )
    func denseAdapters(adapter: String) async throws {
        var recipe = Recipe.sft
        recipe.localPerPublic = "none"
        recipe.encoding = "f32"
        recipe.adapter = adapter
        let scratch = try Scratch()

        _ = try await runInMemory(recipe, in: scratch)

        let expected = try averagedByHand(recipe)
        let layout = RunLayout(root: scratch.path)
        let ledger = try Ledger.inspect(layout.coordinatorState)
        #expect(try BlobDecoder.adapter(from: ledger.adapterBlob(round: recipe.rounds)) == expected)
        let job = try recipe.job()
        let folder = scratch.path + "/adapter"
        try job.writeAdapter(expected, to: folder)
        #expect(try job.readAdapter(from: folder, like: expected.layout) == expected)
    }

    /// McMahan et al., arXiv:1602.05629, with each client training in turn: w ← w + Σ (w_i − w) / N.
    private func averagedByHand(_ recipe: Recipe) throws -> AdapterWeights {
        let job = try recipe.job()
        var adapter = try job.makeJudge().initialAdapter()
        var trainers = try recipe.clients.map { try job.makeTrainer(client: $0, dataFile: nil) }
        for round in 0..<recipe.rounds {
            for place in trainers.indices {
                try trainers[place].beginRound(round, adapter: adapter)
                _ = try trainers[place].adapt(StepPlan(round: round, steps: 0..<recipe.steps)) { _ in }
            }
            let trained = trainers.map { $0.adapter }
            adapter = AdapterWeights(
                adapter.arrays.enumerated().map { place, array in
                    let values = array.values.enumerated().map { index, value in
                        let deltas = trained.map { Double($0.arrays[place].values[index] - value) }
                        return Float(Double(value) + deltas.reduce(0, +) / Double(recipe.clients.count))
                    }
                    return NamedArray(name: array.name, shape: array.shape, values: values)
                }
            )
        }
        return adapter
    }

    @Test("clients that make the same update in a single step aggregate to that client's adapter")
    func identicalClients() async throws {
        let recipe = Recipe(
            clients: ["ash", "birch", "cedar"],
            rounds: 1,
            steps: 1,
            localPerPublic: "none",
            encoding: "f32"
        )
        let stage = try await Stage(recipe, in: Scratch())
        var raws: [RawClient] = []
        for name in recipe.clients {
            raws.append(try await stage.rawClient(name))
            _ = try await raws[raws.count - 1].hello()
        }
        let values = (0..<12).map { Float($0) / 7 - 0.5 }
        let update = AdapterWeights([NamedArray(name: "vector", shape: [12], values: values)])
        let blob = try BlobEncoder.encode(update, as: .update, encoding: .f32)

        for raw in raws {
            _ = try await raw.fetchRound(after: -1)
            #expect(try await raw.offerUpdate(blob, round: 0)?.type == .accepted)
        }
        for raw in raws { _ = try await raw.hearTheEnd(after: 0) }
        #expect(try await stage.outcome() == .completed)

        let ledger = try Ledger.inspect(stage.layout.coordinatorState)
        #expect(try BlobDecoder.adapter(from: ledger.adapterBlob(round: 1)) == update)
    }
}
