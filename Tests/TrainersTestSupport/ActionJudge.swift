package import Contract
internal import Randomness

/// The judge of `action`: it replays every walk itself.
package struct ActionJudge: PublicJudge {
    private let settings: ActionSettings
    private let seed: UInt64

    /// Takes the settings and the seed of the public walks.
    package init(settings: ActionSettings, context: CoordinatorContext) throws {
        self.settings = settings
        seed = context.run.seed
    }

    /// Zeros: every action equally likely.
    package func initialAdapter() throws -> AdapterWeights {
        AdapterWeights([NamedArray(name: "policy", shape: [9, 4], values: Array(repeating: 0, count: 36))])
    }

    /// Four walks, drawn from the seed; the item's name spells start and goal.
    package func batch(round: Int, step: Int) throws -> PublicBatch {
        var stream = RandomStream(seed: seed, "action-public", round, step)
        var items: [PublicItem] = []
        while items.count < 4 {
            let cells = (0..<4).map { _ in UInt8(stream.below(GridWalk.size)) }
            let id = "walk-" + cells.map(String.init).joined()
            if items.contains(where: { $0.id == id }) { continue }
            items.append(PublicItem(id: id, topic: "walk", payload: cells))
        }
        return PublicBatch(round: round, step: step, items: items, responsesPerItem: settings.responses)
    }

    /// 1 if the walk ends at the goal, else less by the distance left.
    package func score(
        _ responses: [[Response]],
        to batch: PublicBatch,
        from sender: Sender
    ) throws -> [[Double]] {
        try zip(batch.items, responses).map { item, group in
            guard let start = GridWalk(payload: item.payload) else { throw VectorTask.Malformed() }
            return try group.map { response in
                guard response.payload.count <= GridWalk.actionsMax else {
                    throw ResponseFault.tooLong(
                        item: response.itemID,
                        index: response.index,
                        length: response.payload.count,
                        limit: GridWalk.actionsMax
                    )
                }
                guard response.payload.allSatisfy({ $0 < 4 }) else {
                    throw ResponseFault.malformed(
                        item: response.itemID,
                        index: response.index,
                        reason: "an action is not in 0 ..< 4"
                    )
                }
                return start.score(response.payload.map(Int.init))
            }
        }
    }

    /// 1: the goal is reached.
    package var acceptedScore: Double { 1 }

    /// The share of greedy walks from all starts to the middle that arrive.
    package func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        try initialAdapter().layout.check(adapter.layout)
        let table = adapter.arrays[0].values
        var arrived = 0
        for cell in 0..<GridWalk.size * GridWalk.size {
            var walk = GridWalk(x: cell % GridWalk.size, y: cell / GridWalk.size, goalX: 2, goalY: 2)
            for _ in 0..<GridWalk.actionsMax where !walk.isDone {
                let row = Array(table[4 * walk.situation..<4 * walk.situation + 4])
                walk.act(row.indices.max { row[$0] < row[$1] } ?? 0)
            }
            if walk.isDone { arrived += 1 }
        }
        let share = Double(arrived) / Double(GridWalk.size * GridWalk.size)
        return Evaluation(
            Measure(
                key: "arrivals",
                unit: .fraction,
                meaning: "the share of starts from which the goal is reached",
                slice: "task"
            ),
            meanOf: [SliceEvaluation(name: "walk", items: 25, value: share)]
        )
    }
}
