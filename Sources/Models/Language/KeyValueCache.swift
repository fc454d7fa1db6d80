internal import Tensors

/// The keys and values of a generation: those of the prompts, computed once, and those of each sample's own
/// tokens, in one slot per sample.
final class KeyValueCache {
    private struct Layer {
        /// `[rows of all prompts, Hkv·D]`
        let promptKeys: Tensor
        let promptValues: Tensor
        /// `[slots · capacity, Hkv·D]`
        var keys: Tensor
        var values: Tensor
    }

    private var layers: [Layer] = []
    private let slots: Int
    private let capacityMax: Int
    private let width: Int
    /// Tokens a slot has room for; grows by doubling.
    private var capacity: Int

    /// - Parameters:
    ///   - slots: The number of samples.
    ///   - tokensMax: The most tokens that a sample puts in.
    ///   - width: Hkv·D.
    init(slots: Int, tokensMax: Int, width: Int) {
        self.slots = slots
        self.width = width
        capacityMax = max(1, tokensMax)
        capacity = min(16, capacityMax)
    }

    /// Keeps one more layer's keys and values of the prompts.
    func appendLayer(promptKeys: Tensor, promptValues: Tensor) {
        layers.append(
            Layer(
                promptKeys: promptKeys,
                promptValues: promptValues,
                keys: Tensor(zeros: [slots * capacity, width]),
                values: Tensor(zeros: [slots * capacity, width])
            )
        )
    }

    /// Makes room for `count` tokens in every slot.
    func reserve(_ count: Int) {
        guard count > capacity else { return }
        let grown = min(capacityMax, max(count, 2 * capacity))
        for index in layers.indices {
            layers[index].keys = regrown(layers[index].keys, to: grown)
            layers[index].values = regrown(layers[index].values, to: grown)
        }
        capacity = grown
    }

    /// Stores the new keys and values of a layer and gives each sample's view of the cache.
    ///
    /// - Parameters:
    ///   - layer: The layer.
    ///   - keys: `[samples, Hkv·D]`, one row per live sample.
    ///   - values: Likewise.
    ///   - step: How many tokens each slot holds already.
    ///   - samples: Slot and prompt rows of each live sample.
    func store(
        layer: Int,
        keys: Tensor,
        values: Tensor,
        step: Int,
        samples: [(slot: Int, prompt: Range<Int>)]
    ) -> [CachedSegment] {
        precondition(step < capacity, "KeyValueCache: token \(step) in slots for \(capacity)")
        let cache = layers[layer]
        return samples.enumerated().map { row, sample in
            let start = sample.slot * capacity
            cache.keys.copyRows(row..<row + 1, of: keys, to: start + step)
            cache.values.copyRows(row..<row + 1, of: values, to: start + step)
            return CachedSegment(
                rows: row..<row + 1,
                prefixKeys: [cache.promptKeys],
                prefixValues: [cache.promptValues],
                prefixRows: sample.prompt,
                keys: [cache.keys],
                values: [cache.values],
                ownRows: start..<start + step + 1
            )
        }
    }

    private func regrown(_ old: Tensor, to grown: Int) -> Tensor {
        let fresh = Tensor(zeros: [slots * grown, width])
        for slot in 0..<slots {
            fresh.copyRows(slot * capacity..<(slot + 1) * capacity, of: old, to: slot * grown)
        }
        return fresh
    }
}
