internal import Tensors

/// Keys and values of one layer while samples are drawn: those of the shared beginnings, computed once, and those
/// of each sample's own rows, in one slot per sample. However many of each a kind has.
final class RowCache {
    /// A keys or values tensor of the beginnings, `[rows of all beginnings, width]`, and its slots,
    /// `[slots · capacity, width]`.
    private struct Stream {
        let beginning: Tensor
        var own: Tensor
    }

    private var keys: [Stream] = []
    private var values: [Stream] = []
    private let slots: Int
    private let capacityMax: Int
    /// Rows a slot has room for; grows by doubling.
    private var capacity: Int

    /// - Parameters:
    ///   - slots: The number of samples.
    ///   - rowsMax: The most rows that a sample puts in.
    init(slots: Int, rowsMax: Int) {
        self.slots = slots
        capacityMax = max(1, rowsMax)
        capacity = min(16, capacityMax)
    }

    /// Keeps the keys and values of the beginnings.
    func begin(keys: [Tensor], values: [Tensor]) {
        func stream(_ beginning: Tensor) -> Stream {
            Stream(beginning: beginning, own: Tensor(zeros: [slots * capacity, beginning.columns]))
        }
        self.keys = keys.map(stream)
        self.values = values.map(stream)
    }

    /// Stores new keys and values, one row per sample, and gives each sample's view of the cache.
    ///
    /// - Parameters:
    ///   - keys: As many as `begin` had, `[samples, width]` each.
    ///   - values: Likewise.
    ///   - samples: The slot and the beginning of each row.
    ///   - step: How many rows each slot holds already.
    func store(keys: [Tensor], values: [Tensor], _ samples: [CachedSample], step: Int) -> [CachedSegment] {
        reserve(step + 1)
        for (stream, new) in zip(self.keys + self.values, keys + values) {
            for (row, sample) in samples.enumerated() {
                stream.own.copyRows(row..<row + 1, of: new, to: sample.slot * capacity + step)
            }
        }
        return samples.enumerated().map { row, sample in
            let start = sample.slot * capacity
            return CachedSegment(
                rows: row..<row + 1,
                prefixKeys: self.keys.map(\.beginning),
                prefixValues: self.values.map(\.beginning),
                prefixRows: sample.beginning,
                keys: self.keys.map(\.own),
                values: self.values.map(\.own),
                ownRows: start..<start + step + 1
            )
        }
    }

    /// Makes room for `count` rows in every slot.
    private func reserve(_ count: Int) {
        precondition(count <= capacityMax, "RowCache: row \(count) in slots for \(capacityMax)")
        guard count > capacity else { return }
        let grown = min(capacityMax, max(count, 2 * capacity))
        for index in keys.indices { keys[index].own = regrown(keys[index].own, to: grown) }
        for index in values.indices { values[index].own = regrown(values[index].own, to: grown) }
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
