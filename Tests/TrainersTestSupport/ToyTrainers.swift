package import Contract

/// The two toy trainers, for tests of everything around trainers: they need no model and no data, and
/// a step takes microseconds.
package enum ToyTrainers {
    /// A vector-valued response, scored by its distance to a hidden target; its statistics can be merged.
    package static let vector = TrainerEntry(VectorTrainer.self, judge: VectorJudge.self)
    /// An action sequence, scored by replay in a simulator.
    package static let action = TrainerEntry(ActionTrainer.self, judge: ActionJudge.self)

    /// What all members of a toy's run have in common.
    package static func run(
        schedule: Schedule = Schedule(stepsPerRound: 6, localPerPublic: 2),
        seed: UInt64 = 11
    ) -> RunContext {
        RunContext(seed: seed, schedule: schedule, clients: ["a", "b", "c"])
    }

    /// A toy client's context.
    package static func client(_ name: String, seed: UInt64 = 11) -> ClientContext {
        ClientContext(run: run(seed: seed), name: name)
    }

    /// A toy judge's context.
    package static func coordinator(
        schedule: Schedule = Schedule(stepsPerRound: 6, localPerPublic: 2),
        seed: UInt64 = 11
    ) -> CoordinatorContext {
        CoordinatorContext(run: run(schedule: schedule, seed: seed))
    }
}

extension TrainerEntry {
    /// Makes a trainer with settings written as JSON.
    package func makeTrainer(_ settings: [UInt8], _ context: ClientContext) throws -> any LocalTrainer {
        var context = context
        context.run.settings = try Mapping(json: settings.isEmpty ? Array("{}".utf8) : settings)
        return try makeTrainer(context)
    }

    /// Makes a judge with settings written as JSON.
    package func makeJudge(_ settings: [UInt8], _ context: CoordinatorContext) throws -> any PublicJudge {
        var context = context
        context.run.settings = try Mapping(json: settings.isEmpty ? Array("{}".utf8) : settings)
        return try makeJudge(context)
    }
}

extension PublicJudge {
    /// The scores of one client's responses in the batch's order, each item's by index.
    package func score(flat responses: [Response], to batch: PublicBatch) throws -> [[Double]] {
        let count = batch.responsesPerItem
        let groups = batch.items.indices.map { Array(responses[$0 * count..<($0 + 1) * count]) }
        return try score(groups, to: batch, from: someone)
    }

    /// A client that has what the judge gave out.
    private var someone: Sender {
        Sender("a", merged: { try initialAdapter() }, adapter: { try initialAdapter() })
    }

    /// The score of one response to an item by itself.
    package func score(_ response: Response, to item: PublicItem, in batch: PublicBatch) throws -> Double {
        let alone = PublicBatch(round: batch.round, step: batch.step, items: [item], responsesPerItem: 1)
        return try score([[response]], to: alone, from: someone)[0][0]
    }
}
