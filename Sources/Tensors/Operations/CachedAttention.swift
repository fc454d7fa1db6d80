internal import CKernels

/// Keys and values kept from earlier steps of generation, for the query rows of one sequence.
///
/// Attention has one tensor of keys per factor of its scores, and one of values; HyperAttention of order n
/// has n − 1 of each. The query rows are the last of `ownRows`: their keys and values are in the cache
/// already.
package struct CachedSegment {
    /// The sequence's rows of the query tensor.
    package let rows: Range<Int>
    /// Keys of the shared prompt, each `[·, Hkv·D]`; empty if there is none.
    package let prefixKeys: [Tensor]
    /// Values of the shared prompt.
    package let prefixValues: [Tensor]
    /// The prompt's rows in `prefixKeys` and `prefixValues`.
    package let prefixRows: Range<Int>
    /// The sequence's own keys, each `[·, Hkv·D]`.
    package let keys: [Tensor]
    /// The sequence's own values.
    package let values: [Tensor]
    /// The sequence's rows in `keys` and `values`, up to and including those of the query rows.
    package let ownRows: Range<Int>

    /// A sequence's view of the caches.
    package init(
        rows: Range<Int>,
        prefixKeys: [Tensor] = [],
        prefixValues: [Tensor] = [],
        prefixRows: Range<Int> = 0..<0,
        keys: [Tensor],
        values: [Tensor],
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
    /// Softmax attention of new rows over cached keys and values, for generation, with the scores
    /// Π_a (offset_a + q^a·k^a/√D_a). No gradient flows through it.
    ///
    /// - Parameters:
    ///   - q: One per factor, `[N, H·D_a]`: the new rows of all sequences.
    ///   - offsets: The offset of each factor, as in ``ScoreFactor``.
    ///   - segments: One per sequence, with as many keys as factors, and one tensor of values `[·, Hkv·Dv]`;
    ///     together their `rows` cover q.
    ///   - heads: H.
    ///   - keyValueHeads: Hkv, a divisor of H.
    /// - Returns: `[N, H·Dv]`.
    package func cachedAttention(
        q: [Tensor],
        offsets: [Float],
        segments: [CachedSegment],
        heads: Int,
        keyValueHeads: Int
    ) -> Tensor {
        precondition(
            !q.isEmpty && offsets.count == q.count && heads % keyValueHeads == 0
                && q.allSatisfy { $0.rows == q[0].rows && $0.columns % heads == 0 },
            "cachedAttention: q \(q.map(\.shape)), offsets \(offsets) for \(heads) heads, "
                + "\(keyValueHeads) key-value heads"
        )
        let sizes = q.map { $0.columns / heads }
        let valueSize = (segments.first?.values.first?.columns ?? keyValueHeads * sizes[0]) / keyValueHeads
        for segment in segments where !segment.rows.isEmpty {
            segment.check(
                queryRows: q[0].rows,
                keyColumns: sizes.map { keyValueHeads * $0 },
                valueColumns: [keyValueHeads * valueSize],
                "cachedAttention"
            )
        }
        let y = Tensor(
            shape: [q[0].rows, heads * valueSize],
            storage: workspace.take(q[0].rows * heads * valueSize)
        )
        for segment in segments where !segment.rows.isEmpty {
            let to = y.pointer + segment.rows.lowerBound * y.columns
            interact(q, offsets, segment, heads: heads, keyValueHeads: keyValueHeads, to: to)
        }
        return y
    }

    private func interact(
        _ q: [Tensor],
        _ offsets: [Float],
        _ segment: CachedSegment,
        heads: Int,
        keyValueHeads: Int,
        to y: UnsafeMutablePointer<Float>
    ) {
        let factors = q.indices.map { a in
            kernel_interaction_factor(
                size: q[a].columns / heads,
                offset: offsets[a],
                scale: ScoreFactor.scale(size: q[a].columns / heads),
                q: q[a].pointer + segment.rows.lowerBound * q[a].columns,
                prefix_keys: segment.prefixRow(of: segment.prefixKeys, a),
                own_keys: segment.ownRow(of: segment.keys, a)
            )
        }
        factors.withUnsafeBufferPointer { factors in
            var kernel = kernel_interaction_segment(
                rows: segment.rows.count,
                prefix_rows: segment.prefixRows.count,
                own_before: segment.ownBefore,
                heads: heads,
                key_value_heads: keyValueHeads,
                value_size: segment.values[0].columns / keyValueHeads,
                factor_count: factors.count,
                causal: 1,
                weighting: AttentionWeighting.softmax.kernel,
                factors: factors.baseAddress,
                prefix_values: segment.prefixRow(of: segment.prefixValues, 0),
                own_values: segment.ownRow(of: segment.values, 0),
                mask: nil,
                bias: nil
            )
            let scratch = workspace.take(kernel_interaction_scratch(&kernel))
            kernel_interaction(&kernel, scratch.pointer, y, nil)
        }
    }
}

// MARK: - For the operations

extension CachedSegment {
    /// How many of its own rows come before the query rows.
    var ownBefore: Int { ownRows.count - rows.count }

    /// The first of its own rows in one of `keys` or `values`.
    func ownRow(of tensors: [Tensor], _ index: Int) -> UnsafePointer<Float> {
        UnsafePointer(tensors[index].pointer + ownRows.lowerBound * tensors[index].columns)
    }

    /// The first row of the prompt in one of `prefixKeys` or `prefixValues`; nil if there is no prompt.
    func prefixRow(of tensors: [Tensor], _ index: Int) -> UnsafePointer<Float>? {
        guard !prefixRows.isEmpty else { return nil }
        return UnsafePointer(tensors[index].pointer + prefixRows.lowerBound * tensors[index].columns)
    }

    /// Checks that all rows are there, in tensors of as many columns as given, one for each tensor.
    func check(queryRows: Int, keyColumns: [Int], valueColumns: [Int], _ operation: String) {
        precondition(
            ownBefore >= 0 && rows.upperBound <= queryRows && keys.map(\.columns) == keyColumns
                && values.map(\.columns) == valueColumns
                && (keys + values).allSatisfy { ownRows.upperBound <= $0.rows },
            "\(operation): rows \(rows) of \(queryRows), own rows \(ownRows) of keys \(keys.map(\.shape)), "
                + "values \(values.map(\.shape))"
        )
        precondition(
            prefixRows.isEmpty
                || (prefixKeys.map(\.columns) == keyColumns && prefixValues.map(\.columns) == valueColumns
                    && (prefixKeys + prefixValues).allSatisfy { prefixRows.upperBound <= $0.rows }),
            "\(operation): prefix rows \(prefixRows) are not in the prefix cache"
        )
    }
}
