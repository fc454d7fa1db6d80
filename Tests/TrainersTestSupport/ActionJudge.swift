public import Exchange
internal import Randomness
public import Trainers

/// The judge of `action`: it replays every walk itself.
public struct ActionJudge: PublicJudge {
    private let settings: ActionSettings
    private let seed: UInt64

    /// Takes the settings and the seed of the public walks.
    public init(settings: ActionSettings, resources: CoordinatorResources) throws {
        self.settings = settings
        seed = resources.seed
    }

    /// Zeros: every action equally likely.
    public func initialAdapter() throws -> AdapterWeights {
        AdapterWeights([NamedArray(name: "policy", shape: [9, 4], values: Array(repeating: 0, count: 36))])
    }

    /// Four walks, drawn from the seed; the item's name spells start and goal.
    public func batch(round: Int, step: Int) throws -> PublicBatch {
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
    public func score(_ response: Response) throws -> Double {
        let cells = response.itemID.utf8.dropFirst(5).map { $0 &- UInt8(ascii: "0") }
        guard response.itemID.hasPrefix("walk-"), let start = GridWalk(payload: cells) else {
            throw ResponseFault.unknownItem(response.itemID)
        }
        guard (0..<settings.responses).contains(response.index) else {
            throw ResponseFault.indexOutOfRange(
                item: response.itemID,
                index: response.index,
                limit: settings.responses
            )
        }
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

    /// 1: the goal is reached.
    public var acceptedScore: Double { 1 }

    /// The share of greedy walks from all starts to the middle that arrive.
    public func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        try AdapterFault.check(adapter, against: initialAdapter())
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
        return Evaluation(topics: [
            TopicEvaluation(topic: "walk", items: 25, passAt1: share, greedyAccuracy: share)
        ])
    }
}
