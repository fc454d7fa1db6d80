// What a public step exchanges. Trainers give the payload bytes their meaning; federation carries,
// bounds and pools them, and never reads them.

/// One public item: what every client is asked, without the answer, which stays at the coordinator.
public struct PublicItem: Sendable, Equatable {
    /// The identifier, unique within the public set.
    public var id: String
    /// The topic, for reports.
    public var topic: String
    /// What the trainer asks, in the trainer's encoding (RLVR: the prompt's UTF-8 text).
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
    /// The response in the trainer's encoding (RLVR: token ids, little-endian int32, end of sequence included).
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

    /// Makes a group.
    public init(itemID: String, scores: [Double], replacements: [Replacement]) {
        self.itemID = itemID
        self.scores = scores
        self.replacements = replacements
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

    /// Makes a pool.
    public init(round: Int, step: Int, groups: [PooledGroup]) {
        self.round = round
        self.step = step
        self.groups = groups
    }
}
