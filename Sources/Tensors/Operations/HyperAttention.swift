internal import CKernels

extension Tape {
    /// HyperAttention of order n = keys.count + 1 (Ustaomeroglu and Qu, arXiv:2506.06179, definition 6.1),
    /// exact: a row attends to tuples of n − 1 keys,
    /// u_i[σ] = Σ A_i(j_1, …) Π_m v^m[j_m, σ] with A_i the softmax, jointly over all visible tuples, of
    /// scale Σ_σ q_i[σ] Π_m k^m[j_m, σ] + Σ_m bias[i, j_m].
    ///
    /// The paper's V^n and W_O follow as one linear map of u. Order 2 is ordinary softmax attention. A row
    /// costs time (prefix + rows)^(n−1) · R; memory is linear in N, as the backward pass recomputes A.
    ///
    /// - Parameters:
    ///   - q: `[N, H·R]`.
    ///   - keys: n − 1 tensors `[N, H·R]`; one tensor may stand for several.
    ///   - values: n − 1 tensors `[N, H·Rv]`.
    ///   - pattern: Which rows attend to which; each key of a tuple must be visible by itself. A row that
    ///     sees nothing gives zeros.
    ///   - windows: One w per key, positive: only j_m > i − w, in positions of prefix and own rows.
    ///   - heads: H.
    ///   - scale: Of the scores; nil is 1/√R.
    /// - Returns: `[N, H·Rv]`; differentiable in q, keys, values and biases.
    package func hyperAttention(
        q: Tensor,
        keys: [Tensor],
        values: [Tensor],
        pattern: AttentionPattern,
        windows: [Int]? = nil,
        heads: Int,
        scale: Float? = nil
    ) -> Tensor {
        var shape = HyperShape(
            q: q,
            keys: keys,
            values: values,
            pattern: pattern,
            heads: heads,
            "hyperAttention"
        )
        checkWindows(windows, places: keys.count)
        shape.windows = windows
        shape.scale = scale ?? ScoreFactor.scale(size: shape.size)
        let y = result([q.rows, heads * shape.valueSize], of: shape.differentiable)
        if pattern.leavesOut(of: q.rows) { y.values.update(repeating: 0) }
        let lse = workspace.take(q.rows * heads)
        let scratchCount = shape.segments.map { shape.withSegment($0, kernel_hyper_scratch) }.max() ?? 0
        let scratch = workspace.take(scratchCount)
        for index in shape.segments {
            let row = pattern.segments[index].rows.lowerBound
            shape.withSegment(index) {
                kernel_hyper($0, scratch.pointer, y.pointer + row * y.columns, lse.pointer + row * heads)
            }
        }
        record(y) { [workspace, shape] dy in
            let gradients = HyperGradients(shape, workspace)
            let scratch = workspace.take(scratchCount)
            for index in shape.segments {
                let row = pattern.segments[index].rows.lowerBound
                shape.withSegment(index) { segment in
                    gradients.withSegment(index, dy: dy) { pointers in
                        pointers.out = UnsafePointer(y.pointer + row * y.columns)
                        pointers.lse = UnsafePointer(lse.pointer + row * heads)
                        kernel_hyper_backward(segment, &pointers, scratch.pointer)
                    }
                }
            }
        }
        return y
    }

    /// ``hyperAttention(q:keys:values:pattern:windows:heads:scale:)``, causal, of new rows over cached keys
    /// and values, for generation. No gradient flows through it.
    ///
    /// - Parameters:
    ///   - q: `[N, H·R]`: the new rows of all sequences.
    ///   - segments: One per sequence, with n − 1 tensors of keys `[·, H·R]` and of values `[·, H·Rv]`;
    ///     together their `rows` cover q.
    ///   - windows: One w per key, positive, or nil.
    ///   - heads: H.
    ///   - scale: Of the scores; nil is 1/√R.
    /// - Returns: `[N, H·Rv]`.
    package func cachedHyperAttention(
        q: Tensor,
        segments: [CachedSegment],
        windows: [Int]? = nil,
        heads: Int,
        scale: Float? = nil
    ) -> Tensor {
        let size = q.columns / heads
        let places = segments.first?.keys.count ?? 1
        let width = segments.first?.values.first?.columns ?? q.columns
        precondition(
            (1...7).contains(places) && q.columns == heads * size && width % heads == 0,
            "cachedHyperAttention: q \(q.shape), \(places) keys, values of \(width) for \(heads) heads"
        )
        checkWindows(windows, places: places)
        let y = Tensor(shape: [q.rows, width], storage: workspace.take(q.rows * width))
        for segment in segments where !segment.rows.isEmpty {
            segment.check(
                queryRows: q.rows,
                keyColumns: [Int](repeating: q.columns, count: places),
                valueColumns: [Int](repeating: width, count: places),
                "cachedHyperAttention"
            )
            let kernels = (0..<places).map { m in
                kernel_hyper_place(
                    prefix_keys: segment.prefixRow(of: segment.prefixKeys, m),
                    own_keys: segment.ownRow(of: segment.keys, m),
                    prefix_values: segment.prefixRow(of: segment.prefixValues, m),
                    own_values: segment.ownRow(of: segment.values, m),
                    window: windows?[m] ?? 0
                )
            }
            kernels.withUnsafeBufferPointer { kernels in
                var kernel = kernel_hyper_segment()
                (kernel.rows, kernel.prefix_rows) = (segment.rows.count, segment.prefixRows.count)
                kernel.own_before = segment.ownBefore
                (kernel.heads, kernel.size, kernel.value_size) = (heads, size, width / heads)
                (kernel.places, kernel.place_count) = (kernels.baseAddress, places)
                kernel.causal = 1
                kernel.scale = scale ?? ScoreFactor.scale(size: size)
                kernel.q = UnsafePointer(q.pointer + segment.rows.lowerBound * q.columns)
                let scratch = workspace.take(kernel_hyper_scratch(&kernel))
                kernel_hyper(&kernel, scratch.pointer, y.pointer + segment.rows.lowerBound * width, nil)
            }
        }
        return y
    }

    private func checkWindows(_ windows: [Int]?, places: Int) {
        precondition(
            windows.map { $0.count == places && $0.allSatisfy { $0 > 0 } } ?? true,
            "hyperAttention: windows \(windows ?? []) for \(places) keys"
        )
    }
}
