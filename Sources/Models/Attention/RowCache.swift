internal import Tensors

/// Keys and values of one layer while samples are drawn: those of the shared beginnings, computed once, and those
/// of each sample's own rows, in one slot per sample. However many of each a kind has.
final class RowCache {
    /// A beginning's keys and values, `[rows of all beginnings of its pass, width]` each, and its rows in them.
    private struct Beginning {
        let keys: [Tensor]
        let values: [Tensor]
        let rows: Range<Int>
    }

    private var beginnings: [Int: Beginning] = [:]
    /// The samples' own keys, then values, `[slots · capacity, width]` each.
    private var own: [Tensor] = []
    private let slots: Int
    private let capacityMax: Int
    /// Rows a slot has room for; grows by doubling.
    private var capacity: Int

    /// - Parameters:
    ///   - slots: The number of samples at once.
    ///   - rowsMax: The most rows that a sample puts in.
    init(slots: Int, rowsMax: Int) {
        self.slots = slots
        capacityMax = max(1, rowsMax)
        capacity = min(16, capacityMax)
    }

    /// Keeps the keys and values of beginnings.
    func begin(keys: [Tensor], values: [Tensor], _ beginnings: [CachedBeginning]) {
        if own.isEmpty { own = (keys + values).map { Tensor(zeros: [slots * capacity, $0.columns]) } }
        for beginning in beginnings {
            let rows = beginning.segment.rows
            self.beginnings[beginning.number] = Beginning(keys: keys, values: values, rows: rows)
        }
    }

    /// Lets go of a beginning.
    func forget(_ beginning: Int) { beginnings[beginning] = nil }

    /// Stores new keys and values, one row per sample, and gives each sample's view of the cache.
    ///
    /// - Parameters:
    ///   - keys: As many as `begin` had, `[samples, width]` each.
    ///   - values: Likewise.
    ///   - samples: The slot and the beginning of each row.
    func store(keys: [Tensor], values: [Tensor], _ samples: [CachedSample]) -> [CachedSegment] {
        reserve(samples.reduce(0) { max($0, $1.step + 1) })
        for (own, new) in zip(own, keys + values) {
            for (row, sample) in samples.enumerated() {
                own.copyRows(row..<row + 1, of: new, to: sample.slot * capacity + sample.step)
            }
        }
        return samples.enumerated().map { row, sample in
            let start = sample.slot * capacity
            let beginning = beginnings[sample.beginning]
            return CachedSegment(
                rows: row..<row + 1,
                prefixKeys: beginning?.keys ?? [],
                prefixValues: beginning?.values ?? [],
                prefixRows: beginning?.rows ?? 0..<0,
                keys: Array(own[..<keys.count]),
                values: Array(own[keys.count...]),
                ownRows: start..<start + sample.step + 1
            )
        }
    }

    /// Makes room for `count` rows in every slot.
    private func reserve(_ count: Int) {
        precondition(count <= capacityMax, "RowCache: row \(count) in slots for \(capacityMax)")
        guard count > capacity else { return }
        let grown = min(capacityMax, max(count, 2 * capacity))
        own = own.map { regrown($0, to: grown) }
        capacity = grown
    }

    private func regrown(_ old: Tensor, to grown: Int) -> Tensor {
        let fresh = Tensor(zeros: [slots * grown, old.columns])
        for slot in 0..<slots {
            fresh.copyRows(slot * capacity..<(slot + 1) * capacity, of: old, to: slot * grown)
        }
        return fresh
    }
}
