internal import CKernels

/// One factor of the scores of attention: offset + scale · q·k, head by head.
package struct ScoreFactor {
    /// `[N, H·D]`.
    package let q: Tensor
    /// `[N, Hkv·D]`.
    package let k: Tensor
    /// 0, or 1 for a factor that starts out neutral.
    package let offset: Float
    /// What the product of q and k is multiplied with.
    package let scale: Float

    /// A factor with the scale 1/√D.
    package init(q: Tensor, k: Tensor, offset: Float = 0, heads: Int) {
        self.init(q: q, k: k, offset: offset, scale: Self.scale(size: q.columns / heads))
    }

    /// A factor with a given scale.
    package init(q: Tensor, k: Tensor, offset: Float = 0, scale: Float) {
        self.q = q
        self.k = k
        self.offset = offset
        self.scale = scale
    }

    static func scale(size: Int) -> Float { 1 / Float(size).squareRoot() }
}

/// What the scores weigh the values with.
package enum AttentionWeighting: Sendable {
    /// The softmax over the visible keys.
    case softmax
    /// The scores as they are: linear attention.
    case sum
    /// The scores divided by the number of visible keys.
    case mean

    var kernel: Int32 {
        switch self {
        case .softmax: Int32(KERNEL_SOFTMAX)
        case .sum: Int32(KERNEL_SUM)
        case .mean: Int32(KERNEL_MEAN)
        }
    }
}

extension Tape {
    /// Attention whose scores are products: z_ij = Π_a (offset_a + scale_a q^a_i · k^a_j) + bias_ij
    /// (HyperFeatureAttention, Ustaomeroglu and Qu, arXiv:2506.06179, definition 5.1; with one factor of
    /// offset 0, ordinary attention).
    ///
    /// The mask is laid over the product, once. The backward pass recomputes the weights, so memory is linear
    /// in N apart from biases. One plain factor with softmax goes through the kernel of causal attention.
    ///
    /// - Parameters:
    ///   - factors: 1 to 8 factors, whose head sizes D_a may differ; query head h uses key-value head
    ///     h / (H / Hkv).
    ///   - v: `[N, Hkv·Dv]`.
    ///   - pattern: Which rows attend to which; a row that sees nothing gives zeros.
    ///   - heads: H.
    ///   - keyValueHeads: Hkv, a divisor of H.
    ///   - weighting: What becomes of the scores.
    ///   - rule: Scale, soft cap and window; other than plain ones go with one factor of offset 0, softmax, and a
    ///     causal pattern without masks and biases, whose rows are consecutive positions.
    /// - Returns: `[N, H·Dv]`; differentiable in every q, k and bias, and in v.
    package func attention(
        factors: [ScoreFactor],
        v: Tensor,
        pattern: AttentionPattern,
        heads: Int,
        keyValueHeads: Int,
        weighting: AttentionWeighting = .softmax,
        rule: ScoreRule = ScoreRule()
    ) -> Tensor {
        rule.check("attention")
        let shape = InteractionShape(
            factors: factors,
            v: v,
            pattern: pattern,
            heads: heads,
            keyValueHeads: keyValueHeads,
            weighting: weighting
        )
        if let plain = shape.plainFactor {
            return plainAttention(
                q: plain.q,
                k: plain.k,
                v: v,
                segments: pattern.segments,
                heads: heads,
                keyValueHeads: keyValueHeads,
                rule: rule
            )
        }
        precondition(rule.isPlain, "attention: \(rule) with masks, biases or products of scores")
        let y = result([v.rows, heads * shape.valueSize], of: shape.inputs.first { $0.needsGradient })
        if pattern.leavesOut(of: v.rows) { y.values.update(repeating: 0) }
        let lse = weighting == .softmax ? workspace.take(v.rows * heads) : nil
        let segments = pattern.segments.indices.filter { !pattern.segments[$0].rows.isEmpty }
        let scratchCount = segments.map { shape.withSegment($0, kernel_interaction_scratch) }.max() ?? 0
        let scratch = workspace.take(scratchCount)
        for index in segments {
            let row = pattern.segments[index].rows.lowerBound
            shape.withSegment(index) {
                let sums = lse.map { $0.pointer + row * heads }
                kernel_interaction($0, scratch.pointer, y.pointer + row * y.columns, sums)
            }
        }
        record(y) { [workspace] dy in
            let gradients = InteractionGradients(shape, workspace)
            let scratch = workspace.take(scratchCount)
            for index in segments {
                let row = pattern.segments[index].rows.lowerBound
                shape.withSegment(index) { segment in
                    gradients.withSegment(index) { pointers in
                        pointers.out = UnsafePointer(y.pointer + row * y.columns)
                        pointers.lse = lse.map { UnsafePointer($0.pointer + row * heads) }
                        pointers.dout = dy + row * y.columns
                        kernel_interaction_backward(segment, &pointers, scratch.pointer)
                    }
                }
            }
        }
        return y
    }
}

/// The tensors and sizes of one attention, turned into the kernel's structures segment by segment.
private struct InteractionShape {
    let factors: [ScoreFactor]
    let v: Tensor
    let pattern: AttentionPattern
    let heads: Int
    let keyValueHeads: Int
    let weighting: AttentionWeighting
    let valueSize: Int
    /// D_a of each factor.
    let sizes: [Int]

    init(
        factors: [ScoreFactor],
        v: Tensor,
        pattern: AttentionPattern,
        heads: Int,
        keyValueHeads: Int,
        weighting: AttentionWeighting
    ) {
        valueSize = v.columns / keyValueHeads
        sizes = factors.map { $0.q.columns / heads }
        precondition(
            (1...8).contains(factors.count) && heads % keyValueHeads == 0
                && valueSize * keyValueHeads == v.columns,
            "attention: \(factors.count) factors, v \(v.shape) for \(heads) heads, "
                + "\(keyValueHeads) key-value heads"
        )
        for (factor, size) in zip(factors, sizes) {
            precondition(
                factor.q.columns == heads * size && factor.k.columns == keyValueHeads * size
                    && factor.q.rows == v.rows && factor.k.rows == v.rows,
                "attention: q \(factor.q.shape), k \(factor.k.shape), v \(v.shape) for \(heads) heads, "
                    + "\(keyValueHeads) key-value heads"
            )
        }
        pattern.check(rows: v.rows, heads: heads, "attention")
        self.factors = factors
        self.v = v
        self.pattern = pattern
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.weighting = weighting
    }

    /// The only factor, if causal softmax attention without masks and biases is all that is asked for.
    var plainFactor: ScoreFactor? {
        guard factors.count == 1, weighting == .softmax, pattern.isPlain, sizes[0] == valueSize,
            factors[0].offset == 0, factors[0].scale == ScoreFactor.scale(size: valueSize)
        else { return nil }
        return factors[0]
    }

    var inputs: [Tensor] {
        factors.flatMap { [$0.q, $0.k] } + [v] + pattern.biases.compactMap { $0 }
    }

    /// Calls `body` with the structure of one segment, valid during the call.
    func withSegment<Result>(
        _ index: Int,
        _ body: (UnsafePointer<kernel_interaction_segment>) -> Result
    ) -> Result {
        let (row, prefix) = (pattern.segments[index].rows.lowerBound, pattern.segments[index].prefix ?? 0..<0)
        let kernels = zip(factors, sizes).map { factor, size in
            kernel_interaction_factor(
                size: size,
                offset: factor.offset,
                scale: factor.scale,
                q: factor.q.pointer + row * factor.q.columns,
                prefix_keys: factor.k.pointer + prefix.lowerBound * factor.k.columns,
                own_keys: factor.k.pointer + row * factor.k.columns
            )
        }
        return kernels.withUnsafeBufferPointer { factors in
            pattern.mask(index).withAllowed { mask in
                var segment = kernel_interaction_segment(
                    rows: pattern.segments[index].rows.count,
                    prefix_rows: prefix.count,
                    own_before: 0,
                    heads: heads,
                    key_value_heads: keyValueHeads,
                    value_size: valueSize,
                    factor_count: factors.count,
                    causal: pattern.isCausal ? 1 : 0,
                    weighting: weighting.kernel,
                    factors: factors.baseAddress,
                    prefix_values: v.pointer + prefix.lowerBound * v.columns,
                    own_values: v.pointer + row * v.columns,
                    mask: mask,
                    bias: pattern.bias(index).map { UnsafePointer($0.pointer) }
                )
                return body(&segment)
            }
        }
    }
}

/// Where the gradients of one attention go: nil for inputs that need none.
private struct InteractionGradients {
    let shape: InteractionShape
    let dq: [UnsafeMutablePointer<Float>?]
    let dk: [UnsafeMutablePointer<Float>?]
    let dv: UnsafeMutablePointer<Float>?
    let dbiases: [UnsafeMutablePointer<Float>?]

    init(_ shape: InteractionShape, _ workspace: Workspace) {
        func gradient(_ tensor: Tensor) -> UnsafeMutablePointer<Float>? {
            tensor.needsGradient ? tensor.gradientForAdding(workspace) : nil
        }
        self.shape = shape
        dq = shape.factors.map { gradient($0.q) }
        dk = shape.factors.map { gradient($0.k) }
        dv = gradient(shape.v)
        dbiases = shape.pattern.biases.map { $0.flatMap(gradient) }
    }

    /// Calls `body` with the structure of one segment, in which `out`, `lse` and `dout` are left to set.
    func withSegment(_ index: Int, _ body: (inout kernel_interaction_gradients) -> Void) {
        let segment = shape.pattern.segments[index]
        let (row, prefix) = (segment.rows.lowerBound, segment.prefix?.lowerBound ?? 0)
        let factors = shape.factors.indices.map { a in
            let (query, key) = (shape.factors[a].q.columns, shape.factors[a].k.columns)
            return kernel_interaction_factor_gradients(
                dq: dq[a].map { $0 + row * query },
                dprefix_keys: dk[a].map { $0 + prefix * key },
                down_keys: dk[a].map { $0 + row * key }
            )
        }
        factors.withUnsafeBufferPointer { factors in
            var pointers = kernel_interaction_gradients()
            pointers.factors = factors.baseAddress
            pointers.dprefix_values = dv.map { $0 + prefix * shape.v.columns }
            pointers.down_values = dv.map { $0 + row * shape.v.columns }
            pointers.dbias = dbiases.isEmpty ? nil : dbiases[index]
            body(&pointers)
        }
    }
}
