internal import CKernels

/// What the sums of linear HyperAttention are divided by.
package enum HyperDivisor: Sendable {
    /// Nothing.
    case none
    /// The number of visible tuples: that of visible keys to the power n − 1.
    case visible
}

extension Tape {
    /// HyperAttention of order n = keys.count + 1 without softmax (arXiv:2506.06179, appendix F.3), by sums
    /// over the keys: out_i[c] = Σ_σ q_i[σ] Π_m P_m[σ, c] with P_m = Σ_j k^m[j] v^m[j]ᵀ over the keys that
    /// row i sees, which is the sum over all visible tuples.
    ///
    /// Order 2 is linear attention. Time is linear in N: causal rows run the sums along, otherwise they are
    /// made once per segment; with a mask they are made anew for every row from its allowed keys, in time
    /// rows · (prefix + rows). The backward pass keeps states of (n − 1)·R·Rv floats √rows apart.
    ///
    /// - Parameters:
    ///   - q: `[N, H·R]`.
    ///   - keys: n − 1 tensors `[N, H·R]`; one tensor may stand for several.
    ///   - values: n − 1 tensors `[N, H·Rv]`; with Rv = 1 and ones, the result for positive q and keys is the
    ///     denominator of a normalised form.
    ///   - pattern: Which rows attend to which, without biases. A row that sees nothing gives zeros.
    ///   - heads: H.
    ///   - divisor: What the sums are divided by.
    /// - Returns: `[N, H·Rv]`; differentiable in q, keys and values.
    package func hyperAttentionLinear(
        q: Tensor,
        keys: [Tensor],
        values: [Tensor],
        pattern: AttentionPattern,
        heads: Int,
        divisor: HyperDivisor = .none
    ) -> Tensor {
        precondition(pattern.biases.isEmpty, "hyperAttentionLinear: there are no scores to add a bias to")
        var shape = HyperShape(
            q: q,
            keys: keys,
            values: values,
            pattern: pattern,
            heads: heads,
            "hyperAttentionLinear"
        )
        shape.divides = divisor == .visible
        let y = result([q.rows, heads * shape.valueSize], of: shape.differentiable)
        if pattern.leavesOut(of: q.rows) { y.values.update(repeating: 0) }
        let scratchCount =
            shape.segments.map { shape.withSegment($0, kernel_hyper_linear_scratch) }.max() ?? 0
        let scratch = workspace.take(scratchCount)
        for index in shape.segments {
            let row = pattern.segments[index].rows.lowerBound
            shape.withSegment(index) {
                kernel_hyper_linear($0, scratch.pointer, y.pointer + row * y.columns)
            }
        }
        record(y) { [workspace, shape] dy in
            let gradients = HyperGradients(shape, workspace)
            let scratch = workspace.take(scratchCount)
            for index in shape.segments {
                shape.withSegment(index) { segment in
                    gradients.withSegment(index, dy: dy) {
                        kernel_hyper_linear_backward(segment, &$0, scratch.pointer)
                    }
                }
            }
        }
        return y
    }

    /// The state of causal linear HyperAttention after some rows, for `hyperAttentionStep`: all that
    /// generation needs of them, whatever their number. No gradient flows through it.
    ///
    /// - Parameters:
    ///   - keys: n − 1 tensors `[N, H·R]`.
    ///   - values: n − 1 tensors `[N, H·Rv]`.
    ///   - rows: The rows to sum over, e.g. those of a prompt; an empty range gives the state before any row.
    ///   - heads: H.
    /// - Returns: `[H·2·(n − 1)·R, Rv]`: for each head the n − 1 sums P_m `[R, Rv]`, then as many matrices of
    ///   what rounding has added to the sums. A step changes it in place: every sample needs its own.
    package func hyperAttentionState(
        keys: [Tensor],
        values: [Tensor],
        rows: Range<Int>,
        heads: Int
    ) -> Tensor {
        let shape = HyperShape(
            q: keys[0],
            keys: keys,
            values: values,
            pattern: AttentionPattern(segments: [AttentionSegment(rows: rows)]),
            heads: heads,
            "hyperAttentionState"
        )
        let state = Tensor(zeros: [heads * 2 * keys.count * shape.size, shape.valueSize])
        shape.withSegment(0) { kernel_hyper_state_add($0, state.pointer) }
        return state
    }

    /// One step of generation with causal linear HyperAttention: adds a new row of each sample to its state,
    /// in place, and gives what `hyperAttentionLinear` gives for that row. No gradient flows through it.
    ///
    /// - Parameters:
    ///   - q: `[N, H·R]`, one row per live sample.
    ///   - keys: n − 1 tensors `[N, H·R]`.
    ///   - values: n − 1 tensors `[N, H·Rv]`.
    ///   - states: For each row, the state of its sample, as ``hyperAttentionState(keys:values:rows:heads:)``
    ///     makes it.
    ///   - counts: For each row, how many rows went into its state before.
    ///   - heads: H.
    ///   - divisor: What the sums are divided by.
    /// - Returns: `[N, H·Rv]`.
    package func hyperAttentionStep(
        q: Tensor,
        keys: [Tensor],
        values: [Tensor],
        states: [Tensor],
        counts: [Int],
        heads: Int,
        divisor: HyperDivisor = .none
    ) -> Tensor {
        var shape = HyperShape(
            q: q,
            keys: keys,
            values: values,
            pattern: AttentionPattern(segments: (0..<q.rows).map { AttentionSegment(rows: $0..<$0 + 1) }),
            heads: heads,
            "hyperAttentionStep"
        )
        let stateShape = [heads * 2 * keys.count * shape.size, shape.valueSize]
        precondition(
            states.count == q.rows && counts.count == q.rows && states.allSatisfy { $0.shape == stateShape },
            "hyperAttentionStep: \(states.count) states of shape \(states.first?.shape ?? []), "
                + "\(counts.count) counts for \(q.rows) rows; a state is \(stateShape)"
        )
        shape.divides = divisor == .visible
        let width = heads * shape.valueSize
        let y = Tensor(shape: [q.rows, width], storage: workspace.take(q.rows * width))
        for (row, state) in states.enumerated() {
            shape.withSegment(row) { segment in
                var segment = segment.pointee
                segment.own_before = counts[row]
                let scratch = workspace.take(kernel_hyper_linear_scratch(&segment))
                kernel_hyper_step(&segment, state.pointer, scratch.pointer, y.pointer + row * width)
            }
        }
        return y
    }
}
