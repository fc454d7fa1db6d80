internal import Contract

/// A client's group after the pool's orders: its own responses, some replaced by others' correct ones
/// (PubSwap, arXiv:2604.12160, steps 17 and 18 of our pseudocode in RLVR/README.md).
struct MixedGroup: Equatable {
    /// The K responses, as token ids.
    var responses: [[Int32]]
    /// The coordinator's score of each.
    var scores: [Double]
    /// Which of them came from elsewhere, in ascending order.
    var imported: [Int]

    /// Applies the orders of a pool to a client's own responses, group by group.
    ///
    /// - Parameters:
    ///   - pool: What the coordinator returned.
    ///   - batch: The batch it is about.
    ///   - own: The client's own responses, by item and index.
    ///   - vocabulary: Incoming token ids must lie below this.
    ///   - limit: The most tokens an incoming response may have.
    /// - Throws: `PoolFault`.
    static func apply(
        _ pool: ResponsePool,
        to batch: PublicBatch,
        own: [[[Int32]]],
        vocabulary: Int,
        limit: Int
    ) throws(PoolFault) -> [MixedGroup] {
        try pool.check(against: batch)
        var groups: [MixedGroup] = []
        for (group, responses) in zip(pool.groups, own) {
            var mixed = MixedGroup(responses: responses, scores: group.scores, imported: [])
            for replacement in group.replacements {
                do {
                    mixed.responses[replacement.index] = try TokenPayload.decode(
                        replacement.payload,
                        vocabulary: vocabulary,
                        limit: limit
                    )
                } catch {
                    throw .malformed(item: group.itemID, index: replacement.index, reason: error.reason)
                }
                mixed.scores[replacement.index] = replacement.score
                mixed.imported.append(replacement.index)
            }
            groups.append(mixed)
        }
        return groups
    }
}
