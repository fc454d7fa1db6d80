// What a public step exchanges. Trainers give the payload bytes their meaning; federation carries,
// bounds and swaps them, and never reads them.

/// One public item: what every client is asked, without the answer, which stays at the coordinator.
public struct PublicItem: Sendable, Equatable {
    /// The identifier, unique within the public set.
    public var id: String
    /// The topic, for reports.
    public var topic: String
    /// What the trainer asks, in the trainer's encoding (such as a text in UTF-8).
    public var payload: [UInt8]

    /// Makes an item.
    public init(id: String, topic: String, payload: [UInt8]) {
        self.id = id
        self.topic = topic
        self.payload = payload
    }
}

/// The items of one public step; every client gets the same ones in the same order.
public struct PublicBatch: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// The items.
    public var items: [PublicItem]
    /// K, how many responses each client gives to each item.
    public var responsesPerItem: Int

    /// Makes a batch.
    public init(round: Int, step: Int, items: [PublicItem], responsesPerItem: Int) {
        self.round = round
        self.step = step
        self.items = items
        self.responsesPerItem = responsesPerItem
    }
}

/// One client's answer to one item. It carries no score: the coordinator verifies it itself.
public struct Response: Sendable, Equatable {
    /// The item answered.
    public var itemID: String
    /// Which of the K responses to this item, 0 ..< K.
    public var index: Int
    /// The response in the trainer's encoding; at most 8 MiB.
    public var payload: [UInt8]

    /// Makes a response.
    public init(itemID: String, index: Int, payload: [UInt8]) {
        self.itemID = itemID
        self.index = index
        self.payload = payload
    }
}

/// A response from elsewhere that takes the place of one of a client's own.
public struct Replacement: Sendable, Equatable {
    /// Which of the client's K responses it replaces.
    public var index: Int
    /// The score the coordinator gave the incoming response.
    public var score: Double
    /// The incoming response, in the trainer's encoding.
    public var payload: [UInt8]

    /// Makes a replacement.
    public init(index: Int, score: Double, payload: [UInt8]) {
        self.index = index
        self.score = score
        self.payload = payload
    }
}

/// What the coordinator returns to one client about one item.
public struct PooledGroup: Sendable, Equatable {
    /// The item.
    public var itemID: String
    /// The coordinator's scores of the client's own K responses, by index, before replacement.
    public var scores: [Double]
    /// Which of them to replace, and by what; at most one for an index, in ascending order of index.
    public var replacements: [Replacement]
    /// What the client is to learn about the item in place of responses, such as logits or a trajectory, in
    /// the trainer's encoding; empty where there is nothing of the kind.
    public var target: [UInt8]

    /// Makes a group.
    public init(itemID: String, scores: [Double], replacements: [Replacement] = [], target: [UInt8] = []) {
        self.itemID = itemID
        self.scores = scores
        self.replacements = replacements
        self.target = target
    }
}

/// What the coordinator returns to one client after a public step, in the order of the batch's items.
public struct ResponsePool: Sendable, Equatable {
    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// One group for each item of the batch.
    public var groups: [PooledGroup]
    /// What the coordinator made of all clients' responses together, such as summed counts or centroids, in
    /// the trainer's encoding; empty where there is nothing of the kind.
    public var merged: [UInt8]

    /// Makes a pool.
    public init(round: Int, step: Int, groups: [PooledGroup], merged: [UInt8] = []) {
        self.round = round
        self.step = step
        self.groups = groups
        self.merged = merged
    }

    /// Throws unless the pool is one of a batch: its round and step, its items in their order, a finite score
    /// for each response, replacements in ascending order of index.
    public func check(against batch: PublicBatch) throws(PoolFault) {
        guard round == batch.round, step == batch.step else {
            throw .wrongStep(
                round: round,
                step: step,
                expectedRound: batch.round,
                expectedStep: batch.step
            )
        }
        guard groups.map(\.itemID) == batch.items.map(\.id) else {
            throw .wrongItems(expected: batch.items.count, found: groups.count)
        }
        for group in groups {
            guard group.scores.count == batch.responsesPerItem, group.scores.allSatisfy(\.isFinite) else {
                throw .wrongScores(
                    item: group.itemID,
                    expected: batch.responsesPerItem,
                    found: group.scores.count
                )
            }
            var next = 0
            for replacement in group.replacements {
                guard replacement.index >= next, replacement.index < batch.responsesPerItem else {
                    throw .wrongIndex(item: group.itemID, index: replacement.index)
                }
                guard replacement.score.isFinite else {
                    throw .malformed(
                        item: group.itemID,
                        index: replacement.index,
                        reason: "its score is not finite"
                    )
                }
                next = replacement.index + 1
            }
        }
    }
}

/// A pool that does not fit the batch that the trainer answered last.
public enum PoolFault: Error, Equatable {
    /// No batch has been answered since the last pool or round.
    case nothingPending
    /// The pool is of another round or step.
    case wrongStep(round: Int, step: Int, expectedRound: Int, expectedStep: Int)
    /// The pool's items are not the batch's, in the batch's order.
    case wrongItems(expected: Int, found: Int)
    /// A group has another count of scores than responses were given.
    case wrongScores(item: String, expected: Int, found: Int)
    /// A replacement's index is out of range, or not above the one before it.
    case wrongIndex(item: String, index: Int)
    /// A replacement is not a response in the trainer's encoding.
    case malformed(item: String, index: Int, reason: String)
    /// What the coordinator merged, or a target, is not in the trainer's encoding.
    case unreadable(String)
}

/// Numbers as a payload: little-endian float32, one after the other.
public enum FloatPayload {
    /// The bytes of some numbers.
    public static func encode(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
    }

    /// The numbers of a payload; nil unless it holds just `count`, all of them finite.
    public static func decode(_ bytes: [UInt8], count: Int) -> [Float]? {
        guard bytes.count == 4 * count else { return nil }
        let values = (0..<count).map { index in
            let word = bytes[4 * index..<4 * index + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return Float(bitPattern: word)
        }
        return values.allSatisfy(\.isFinite) ? values : nil
    }
}

/// What may travel in a public step: settings and data are checked against these where they are read, so that nothing
/// that was accepted fails at the first exchange.
///
/// The protocol has them under the same names.
package enum ExchangeLimits {
    /// Items in one public batch.
    package static let itemsMax = 4_096
    /// K, the responses of one client to one item.
    package static let responsesPerItemMax = 256
    /// The responses of one client to a batch.
    package static let responsesMax = 65_536
    /// The bytes of all responses of one client to a batch.
    package static let responsesRawBytesMax = 67_108_864
    /// The bytes of one response.
    package static let responseBytesMax = 8_388_608
    /// The bytes of an item's identifier or topic.
    package static let itemNameBytesMax = 256
    /// The bytes of one item.
    package static let itemBytesMax = 1_048_576
}
