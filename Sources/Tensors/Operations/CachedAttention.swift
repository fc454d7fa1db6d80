internal import CKernels

/// Keys and values kept from earlier steps of generation, for the query rows of one sequence.
///
/// The query rows are the last of `ownRows`: their keys and values are in the cache already.
package struct CachedSegment {
    /// The sequence's rows of the query tensor.
    package let rows: Range<Int>
    /// Keys of the shared prompt, `[·, Hkv·D]`; nil if there is none.
    package let prefixKeys: Tensor?
    /// Values of the shared prompt.
    package let prefixValues: Tensor?
    /// The prompt's rows in `prefixKeys` and `prefixValues`.
    package let prefixRows: Range<Int>
    /// The sequence's own keys, `[·, Hkv·D]`.
    package let keys: Tensor
    /// The sequence's own values.
    package let values: Tensor
    /// The sequence's rows in `keys` and `values`, up to and including those of the query rows.
    package let ownRows: Range<Int>

    /// A sequence's view of the caches.
    package init(
        rows: Range<Int>,
        prefixKeys: Tensor? = nil,
        prefixValues: Tensor? = nil,
        prefixRows: Range<Int> = 0..<0,
        keys: Tensor,
        values: Tensor,
        ownRows: Range<Int>
    ) {
        self.rows = rows
        self.prefixKeys = prefixKeys
        self.prefixValues = prefixValues
        self.prefixRows = prefixRows
        self.keys = keys
        self.values = values
        self.ownRows = ownRows
    }
}

extension Tape {
    /// Attention of new rows over cached keys and values, for generation. No gradient flows through it.
    ///
    /// - Parameters:
    ///   - q: `[N, H·D]`: the new rows of all sequences.
    ///   - segments: One per sequence; together their `rows` cover q.
    ///   - heads: H.
    ///   - keyValueHeads: Hkv, a divisor of H.
    /// - Returns: `[N, H·D]`.
    package func cachedAttention(
        q: Tensor,
        segments: [CachedSegment],
        heads: Int,
        keyValueHeads: Int
    ) -> Tensor {
        let headSize = q.columns / heads
        let stride = keyValueHeads * headSize
        let y = Tensor(shape: q.shape, storage: workspace.take(q.count))
        for segment in segments where !segment.rows.isEmpty {
            let before = segment.ownRows.count - segment.rows.count
            precondition(
                before >= 0 && segment.rows.upperBound <= q.rows && segment.keys.columns == stride
                    && segment.values.columns == stride
                    && segment.ownRows.upperBound <= min(segment.keys.rows, segment.values.rows),
                "cachedAttention: rows \(segment.rows) of q \(q.shape), own rows \(segment.ownRows) of "
                    + "keys \(segment.keys.shape)"
            )
            precondition(
                segment.prefixRows.isEmpty
                    || segment.prefixRows.upperBound
                        <= min(segment.prefixKeys?.rows ?? 0, segment.prefixValues?.rows ?? 0),
                "cachedAttention: prefix rows \(segment.prefixRows) are not in the prefix cache"
            )
            let (own, prefix) = (segment.ownRows.lowerBound * stride, segment.prefixRows.lowerBound * stride)
            let query = segment.rows.lowerBound * q.columns
            var kernel = kernel_attention_segment(
                rows: segment.rows.count,
                prefix_rows: segment.prefixRows.count,
                own_before: before,
                heads: heads,
                key_value_heads: keyValueHeads,
                head_size: headSize,
                scale: 1 / Float(headSize).squareRoot(),
                q: q.pointer + query,
                prefix_keys: segment.prefixKeys.map { UnsafePointer($0.pointer + prefix) },
                prefix_values: segment.prefixValues.map { UnsafePointer($0.pointer + prefix) },
                own_keys: segment.keys.pointer + own,
                own_values: segment.values.pointer + own
            )
            let scratch = workspace.take(kernel_attention_scratch(&kernel))
            kernel_attention(&kernel, scratch.pointer, y.pointer + query, nil)
        }
        return y
    }
}
