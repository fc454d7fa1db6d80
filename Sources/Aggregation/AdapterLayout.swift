internal import Exchange

/// Which arrays of an adapter are the two halves of a low-rank pair, and which stand alone.
struct AdapterLayout {
    /// A low-rank pair: the weight moves by `B A`, `[out, r] × [r, in]`, times a constant.
    struct Pair {
        /// The index of `….lora_A.weight` `[r, in]` in the adapter.
        let a: Int
        /// The index of `….lora_B.weight` `[out, r]` in the adapter.
        let b: Int
        let rank: Int
        let input: Int
        let output: Int
    }

    static let suffixA = ".lora_A.weight"
    static let suffixB = ".lora_B.weight"

    let pairs: [Pair]
    /// The indices of arrays that are no half of a pair.
    let dense: [Int]

    init(of adapter: AdapterWeights) throws(AggregationError) {
        var indices: [String: Int] = [:]
        for (index, array) in adapter.arrays.enumerated() { indices[array.name] = index }
        var pairs: [Pair] = []
        var dense: [Int] = []
        for (index, array) in adapter.arrays.enumerated() {
            if array.name.hasSuffix(Self.suffixB) {
                let partner = array.name.dropLast(Self.suffixB.count) + Self.suffixA
                guard indices[String(partner)] != nil else {
                    throw .malformedPair(array: array.name, reason: "there is no '\(partner)'")
                }
                continue
            }
            guard array.name.hasSuffix(Self.suffixA) else {
                dense.append(index)
                continue
            }
            let partner = array.name.dropLast(Self.suffixA.count) + Self.suffixB
            guard let other = indices[String(partner)] else {
                throw .malformedPair(array: array.name, reason: "there is no '\(partner)'")
            }
            let shapeB = adapter.arrays[other].shape
            guard array.shape.count == 2, shapeB.count == 2, array.shape[0] == shapeB[1] else {
                throw .malformedPair(
                    array: array.name,
                    reason: "A \(array.shape) and B \(shapeB) are not [r, in] and [out, r]"
                )
            }
            pairs.append(
                Pair(a: index, b: other, rank: array.shape[0], input: array.shape[1], output: shapeB[0])
            )
        }
        self.pairs = pairs
        self.dense = dense
    }
}
