internal import Contract
internal import FoundationEssentials

// The payloads of batches, response sets and pools as protobuf (`exchange.proto`). The limits and
// the order of a response's place are checked here; whether responses answer a batch is not.

/// The only format of a payload so far.
private let payloadFormat: UInt32 = 1

struct PublicBatchPayload: ProtobufConvertible, Equatable {
    static var census: [Census] { [Census(field: 4, limit: "itemsMax", maximum: Limits.itemsMax)] }

    let batch: PublicBatch

    init(batch: PublicBatch) { self.batch = batch }

    init(_ proto: ProtoPublicBatch) throws(WireError) {
        let check = Check(message: "batch")
        try check.format(proto.format)
        var items: [PublicItem] = []
        var seen: Set<String> = []
        for item in proto.items {
            let id = try check.itemName(item.id)
            guard seen.insert(id).inserted else { throw .duplicateName(id) }
            let payload = try check.bytes(item.payload, limit: "itemBytesMax", Limits.itemBytesMax)
            items.append(PublicItem(id: id, topic: try check.topic(item.topic), payload: payload))
        }
        batch = PublicBatch(
            round: try check.round(proto.round),
            step: try check.step(proto.step),
            items: items,
            responsesPerItem: try check.number(
                proto.responsesPerItem,
                "responses_per_item",
                limit: "responsesPerItemMax",
                in: 1...Limits.responsesPerItemMax
            )
        )
    }

    var proto: ProtoPublicBatch {
        var proto = ProtoPublicBatch()
        proto.format = payloadFormat
        proto.round = UInt32(clamping: batch.round)
        proto.step = UInt32(clamping: batch.step)
        proto.responsesPerItem = UInt32(clamping: batch.responsesPerItem)
        proto.items = batch.items.map { item in
            var proto = ProtoPublicItem()
            proto.id = item.id
            proto.topic = item.topic
            proto.payload = Data(item.payload)
            return proto
        }
        return proto
    }
}

struct ResponseSetPayload: ProtobufConvertible, Equatable {
    static var census: [Census] { [Census(field: 2, limit: "responsesMax", maximum: Limits.responsesMax)] }

    let responses: [Response]

    init(responses: [Response]) { self.responses = responses }

    init(_ proto: ProtoResponseSet) throws(WireError) {
        let check = Check(message: "responses")
        try check.format(proto.format)
        var responses: [Response] = []
        for response in proto.responses {
            let id = try check.itemName(response.item)
            let index = try check.responseIndex(response.index)
            let payload = try check.responseBytes(response.payload)
            responses.append(Response(itemID: id, index: index, payload: payload))
        }
        self.responses = responses
    }

    var proto: ProtoResponseSet {
        var proto = ProtoResponseSet()
        proto.format = payloadFormat
        proto.responses = responses.map { response in
            var proto = ProtoResponse()
            proto.item = response.itemID
            proto.index = UInt32(clamping: response.index)
            proto.payload = Data(response.payload)
            return proto
        }
        return proto
    }
}

struct ResponsePoolPayload: ProtobufConvertible, Equatable {
    static var census: [Census] {
        let replacements = Census(
            field: 3,
            limit: "responsesPerItemMax",
            maximum: Limits.responsesPerItemMax
        )
        return [Census(field: 4, limit: "itemsMax", maximum: Limits.itemsMax, nested: [replacements])]
    }

    let pool: ResponsePool

    init(pool: ResponsePool) { self.pool = pool }

    init(_ proto: ProtoResponsePool) throws(WireError) {
        let check = Check(message: "pool")
        try check.format(proto.format)
        var groups: [PooledGroup] = []
        var replacementCount = 0
        var seen: Set<String> = []
        for group in proto.groups {
            let id = try check.itemName(group.item)
            guard seen.insert(id).inserted else { throw .duplicateName(id) }
            groups.append(
                PooledGroup(
                    itemID: id,
                    scores: try check.scores(group.scores, item: id),
                    replacements: try check.replacements(group.replacements, item: id),
                    target: try check.responseBytes(group.target)
                )
            )
            replacementCount += group.replacements.count
            guard replacementCount <= Limits.responsesMax else {
                throw .limitExceeded(
                    limit: "responsesMax",
                    value: replacementCount,
                    maximum: Limits.responsesMax
                )
            }
        }
        pool = ResponsePool(
            round: try check.round(proto.round),
            step: try check.step(proto.step),
            groups: groups,
            merged: try check.bytes(proto.merged, limit: "mergedBytesMax", Limits.mergedBytesMax)
        )
    }

    var proto: ProtoResponsePool {
        var proto = ProtoResponsePool()
        proto.format = payloadFormat
        proto.round = UInt32(clamping: pool.round)
        proto.step = UInt32(clamping: pool.step)
        proto.merged = Data(pool.merged)
        proto.groups = pool.groups.map { group in
            var proto = ProtoPooledGroup()
            proto.item = group.itemID
            proto.scores = group.scores
            proto.target = Data(group.target)
            proto.replacements = group.replacements.map { replacement in
                var proto = ProtoReplacement()
                proto.index = UInt32(clamping: replacement.index)
                proto.score = replacement.score
                proto.payload = Data(replacement.payload)
                return proto
            }
            return proto
        }
        return proto
    }
}

extension Check {
    fileprivate func format(_ value: UInt32) throws(WireError) {
        guard value == payloadFormat else {
            throw .malformed(message: message, reason: "format \(value), expected \(payloadFormat)")
        }
    }

    fileprivate func itemName(_ value: String) throws(WireError) -> String {
        try name(value, "the identifier of an item", limit: "itemNameBytesMax", Limits.itemNameBytesMax)
    }

    fileprivate func topic(_ value: String) throws(WireError) -> String {
        value.isEmpty
            ? value : try name(value, "a topic", limit: "itemNameBytesMax", Limits.itemNameBytesMax)
    }

    fileprivate func responseIndex(_ value: UInt32) throws(WireError) -> Int {
        let range = 0...Limits.responsesPerItemMax - 1
        return try number(value, "index", limit: "responsesPerItemMax", in: range)
    }

    fileprivate func responseBytes(_ value: Data) throws(WireError) -> [UInt8] {
        try bytes(value, limit: "responseBytesMax", Limits.responseBytesMax)
    }

    fileprivate func scores(_ values: [Double], item: String) throws(WireError) -> [Double] {
        guard values.count <= Limits.responsesPerItemMax else {
            throw .limitExceeded(
                limit: "responsesPerItemMax",
                value: values.count,
                maximum: Limits.responsesPerItemMax
            )
        }
        if let element = values.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(name: item, element: element)
        }
        return values
    }

    fileprivate func replacements(
        _ values: [ProtoReplacement],
        item: String
    ) throws(WireError) -> [Replacement] {
        var replacements: [Replacement] = []
        for value in values {
            let index = try responseIndex(value.index)
            if let last = replacements.last, last.index >= index {
                throw .malformed(message: message, reason: "'\(item)': replacements out of order")
            }
            guard value.score.isFinite else { throw .notFinite(name: item, element: index) }
            let payload = try responseBytes(value.payload)
            replacements.append(Replacement(index: index, score: value.score, payload: payload))
        }
        return replacements
    }
}
