package import Contract

/// A client's responses to a public batch, known to be complete: K for each item, in order.
package struct ResponseSet: Sendable, Equatable {
    /// For each item of the batch in its order, the K responses by index.
    package let groups: [[Response]]

    /// Checks and arranges responses that arrive in any order.
    ///
    /// Two equal answers under different indices are legal: a model may say the same thing twice.
    ///
    /// - Parameters:
    ///   - responses: What the client sent.
    ///   - batch: What it was asked.
    ///   - payloadBytesMax: The longest response allowed.
    /// - Throws: ``ResponseSetFault`` naming the item.
    package init(
        _ responses: [Response],
        to batch: PublicBatch,
        payloadBytesMax: Int
    ) throws(ResponseSetFault) {
        var places: [String: Int] = [:]
        for (place, item) in batch.items.enumerated() { places[item.id] = place }
        let row = [Response?](repeating: nil, count: batch.responsesPerItem)
        var table = [[Response?]](repeating: row, count: batch.items.count)
        for response in responses {
            guard let place = places[response.itemID] else { throw .unknownItem(response.itemID) }
            guard response.index >= 0, response.index < batch.responsesPerItem else {
                throw .indexOutOfRange(
                    item: response.itemID,
                    index: response.index,
                    responsesPerItem: batch.responsesPerItem
                )
            }
            guard response.payload.count <= payloadBytesMax else {
                throw .tooLong(item: response.itemID, bytes: response.payload.count, limit: payloadBytesMax)
            }
            guard table[place][response.index] == nil else {
                throw .duplicate(item: response.itemID, index: response.index)
            }
            table[place][response.index] = response
        }
        var groups: [[Response]] = []
        for (item, row) in zip(batch.items, table) {
            let present = row.compactMap { $0 }
            guard present.count == row.count else {
                throw .incomplete(item: item.id, found: present.count, responsesPerItem: row.count)
            }
            groups.append(present)
        }
        self.groups = groups
    }
}

/// Why a set of responses is refused.
package enum ResponseSetFault: Error, Equatable, CustomStringConvertible {
    /// A response to an item that is not in the batch.
    case unknownItem(String)
    /// An index outside 0 ..< K.
    case indexOutOfRange(item: String, index: Int, responsesPerItem: Int)
    /// A second response under the same item and index.
    case duplicate(item: String, index: Int)
    /// A response longer than allowed.
    case tooLong(item: String, bytes: Int, limit: Int)
    /// Fewer than K responses to an item.
    case incomplete(item: String, found: Int, responsesPerItem: Int)

    /// What is wrong, with the item and the limit.
    package var description: String {
        switch self {
        case .unknownItem(let item): "item '\(item)' is not in the batch"
        case .indexOutOfRange(let item, let index, let count):
            "item '\(item)': response index \(index) is not in 0..<\(count)"
        case .duplicate(let item, let index): "item '\(item)': response \(index) occurs twice"
        case .tooLong(let item, let bytes, let limit):
            "item '\(item)': response of \(bytes) B > limit \(limit) B"
        case .incomplete(let item, let found, let count):
            "item '\(item)': \(found) responses; expected \(count)"
        }
    }
}
