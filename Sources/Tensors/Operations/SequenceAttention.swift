internal import CKernels

/// The tensors and sizes of one causal softmax attention over a packed batch, and how its work is cut up: by segment and
/// query head, which touch nothing of each other's. Gradients to keys and values that several of them share are taken
/// apart and added in a fixed order, so that the bits do not depend on the number of threads.
struct SequenceAttention {
    private let q: Tensor
    private let k: Tensor
    private let v: Tensor
    private let places: [kernel_attention_place]
    private let heads: Int
    private let keyValueHeads: Int
    private let headSize: Int
    /// `headSize` filled up to whole vectors, which the kernels need.
    private let depth: Int
    private let rule: ScoreRule

    init(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        segments: [AttentionSegment],
        heads: Int,
        keyValueHeads: Int,
        rule: ScoreRule
    ) {
        headSize = q.columns / heads
        depth = (headSize + 15) / 16 * 16
        precondition(
            heads % keyValueHeads == 0 && headSize * heads == q.columns && k.shape == v.shape
                && k.rows == q.rows && k.columns == keyValueHeads * headSize,
            "attention: q \(q.shape), k \(k.shape), v \(v.shape) for \(heads) heads, \(keyValueHeads) key-value heads"
        )
        places = segments.compactMap { segment in
            let prefix = segment.prefix ?? 0..<0
            precondition(
                segment.rows.upperBound <= q.rows && prefix.upperBound <= q.rows
                    && segment.rows.lowerBound >= 0 && prefix.lowerBound >= 0,
                "attention: segment rows \(segment.rows), prefix \(prefix) of \(q.rows) rows"
            )
            if segment.rows.isEmpty { return nil }
            return kernel_attention_place(
                first: segment.rows.lowerBound,
                rows: segment.rows.count,
                prefix_first: prefix.lowerBound,
                prefix_rows: prefix.count
            )
        }
        self.q = q
        self.k = k
        self.v = v
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.rule = rule
    }

    func forward(_ y: Tensor, lse: Storage, _ workspace: Workspace) {
        let inputs = Inputs(self, values: false, workspace)
        let out = widened(y.pointer, heads, workspace, copies: false)
        if places.reduce(0, { $0 + $1.rows }) < q.rows {
            out.pointer.update(repeating: 0, count: q.rows * heads * depth)
        }
        inputs.withBatch(self) { batch in
            places.withUnsafeBufferPointer { places in
                Compute.parallel(places.count * heads) { part in
                    let (segment, head) = part.quotientAndRemainder(dividingBy: heads)
                    guard let place = places.baseAddress.map({ $0 + segment }) else { return }
                    kernel_attention(batch, place, head, out.pointer, lse.pointer)
                }
            }
        }
        narrow(out, to: y.pointer, heads, adds: false)
    }

    func backward(_ y: Tensor, lse: Storage, dy: UnsafePointer<Float>, _ workspace: Workspace) {
        let inputs = Inputs(self, values: true, workspace)
        let out = widened(y.pointer, heads, workspace)
        let dout = widened(dy, heads, workspace)
        let dq = Sum(q, heads, self, workspace)
        let (dk, dv) = (Sum(k, keyValueHeads, self, workspace), Sum(v, keyValueHeads, self, workspace))
        let isShared = dk != nil || dv != nil
        // The kernel writes both or neither: a discarded buffer stands in for an input without gradient.
        let spare =
            isShared && (dk == nil || dv == nil) ? workspace.take(k.rows * keyValueHeads * depth) : nil
        let keys = dk?.pointer ?? spare?.pointer
        let values = dv?.pointer ?? spare?.pointer
        let base = kernel_attention_gradients(
            out: out.pointer,
            lse: lse.pointer,
            dout: dout.pointer,
            dq: dq?.pointer,
            dprefix_keys: nil,
            dprefix_values: nil,
            down_keys: nil,
            down_values: nil,
            stride: keyValueHeads * depth
        )
        // Pointers do not keep what they point to.
        withExtendedLifetime((out, dout, spare)) {
            for group in groups() {
                let partial = isShared ? workspace.take(group.partials) : nil
                inputs.withBatch(self) { batch in
                    Compute.parallel(group.segments.count * heads) { part in
                        let (index, head) = part.quotientAndRemainder(dividingBy: heads)
                        var place = places[group.segments.lowerBound + index]
                        var gradients = base
                        if let partial, let offset = group.offsets[index] {
                            let columns = place.prefix_rows + place.rows
                            let own = partial.pointer + offset + head * 2 * columns * depth
                            own.update(repeating: 0, count: 2 * columns * depth)
                            gradients.dprefix_keys = own
                            gradients.down_keys = own + place.prefix_rows * depth
                            gradients.dprefix_values = own + columns * depth
                            gradients.down_values = own + (columns + place.prefix_rows) * depth
                            gradients.stride = depth
                        } else if let keys, let values {
                            let at = (place.first * keyValueHeads + head) * depth
                            (gradients.down_keys, gradients.down_values) = (keys + at, values + at)
                        }
                        kernel_attention_backward(batch, &place, head, &gradients)
                    }
                }
                guard let partial, let keys, let values else { continue }
                add(partial, group, to: keys, values)
            }
        }
        dq?.finish(self)
        dk?.finish(self)
        dv?.finish(self)
    }

    /// Adds what each query head gave to the keys and values of the head that it reads, in the order of segments and heads.
    private func add(
        _ partial: Storage,
        _ group: Group,
        to keys: UnsafeMutablePointer<Float>,
        _ values: UnsafeMutablePointer<Float>
    ) {
        let (stride, size) = (keyValueHeads * depth, heads / keyValueHeads)
        Compute.parallel(2 * keyValueHeads) { part in
            let (kind, head) = part.quotientAndRemainder(dividingBy: keyValueHeads)
            let to = (kind == 0 ? keys : values) + head * depth
            for (place, offset) in zip(places[group.segments], group.offsets) {
                guard let offset else { continue }
                let columns = place.prefix_rows + place.rows
                for query in head * size..<(head + 1) * size {
                    let from = partial.pointer + offset + (2 * query + kind) * columns * depth
                    let (prefix, own) = (place.prefix_first * stride, place.first * stride)
                    kernel_copy_rows(from, depth, to + prefix, stride, 1, place.prefix_rows, depth)
                    let rest = from + place.prefix_rows * depth
                    kernel_copy_rows(rest, depth, to + own, stride, 1, place.rows, depth)
                }
            }
        }
    }

    /// Some segments whose partial gradients are held at once.
    private struct Group {
        var segments: Range<Int>
        /// Where each segment's begin; nil where the kernel adds in place, because nobody else does.
        var offsets: [Int?] = []
        /// The floats of all of them.
        var partials = 0
    }

    private func groups() -> [Group] {
        var groups: [Group] = []
        for (index, place) in places.enumerated() {
            let isAlone = heads == keyValueHeads && place.prefix_rows == 0
            let size = isAlone ? 0 : heads * 2 * (place.prefix_rows + place.rows) * depth
            if groups.isEmpty || groups[groups.count - 1].partials + size > Self.partialsMax {
                groups.append(Group(segments: index..<index))
            }
            groups[groups.count - 1].segments = groups[groups.count - 1].segments.lowerBound..<index + 1
            groups[groups.count - 1].offsets.append(isAlone ? nil : groups[groups.count - 1].partials)
            groups[groups.count - 1].partials += size
        }
        return groups
    }

    /// 16 MiB, unless one segment needs more.
    private static let partialsMax = 4 << 20

    // MARK: - Heads of whole vectors

    /// A tensor's heads at a width of whole vectors: its own buffer, or a copy filled up with zeros.
    private struct Heads {
        let pointer: UnsafeMutablePointer<Float>
        let copy: Storage?
    }

    private func widened(
        _ x: UnsafePointer<Float>,
        _ heads: Int,
        _ workspace: Workspace,
        copies: Bool = true
    ) -> Heads {
        if depth == headSize { return Heads(pointer: UnsafeMutablePointer(mutating: x), copy: nil) }
        let rows = q.rows * heads
        let copy = workspace.take(rows * depth)
        copy.pointer.update(repeating: 0, count: rows * depth)
        if copies { kernel_copy_rows(x, headSize, copy.pointer, depth, 0, rows, headSize) }
        return Heads(pointer: copy.pointer, copy: copy)
    }

    private func narrow(_ x: Heads, to y: UnsafeMutablePointer<Float>, _ heads: Int, adds: Bool) {
        guard x.copy != nil else { return }
        kernel_copy_rows(x.pointer, depth, y, headSize, adds ? 1 : 0, q.rows * heads, headSize)
    }

    /// A gradient that the kernels add to.
    private struct Sum {
        private let heads: Heads
        private let count: Int
        private let gradient: UnsafeMutablePointer<Float>
        var pointer: UnsafeMutablePointer<Float> { heads.pointer }

        init?(_ x: Tensor, _ count: Int, _ shape: SequenceAttention, _ workspace: Workspace) {
            guard let slot = x.slot else { return nil }
            gradient = slot.forAdding(workspace)
            heads = shape.widened(gradient, count, workspace, copies: false)
            self.count = count
        }

        func finish(_ shape: SequenceAttention) { shape.narrow(heads, to: gradient, count, adds: true) }
    }

    /// Queries, keys and values as the kernels want them.
    private struct Inputs {
        let q: Heads
        let k: Heads
        let v: Heads
        let keys: Storage
        let values: Storage?

        init(_ shape: SequenceAttention, values wantsValues: Bool, _ workspace: Workspace) {
            let (count, rows) = (shape.keyValueHeads, shape.k.rows)
            let depth = shape.depth
            let size = kernel_attention_stride(rows) * depth
            let k = shape.widened(shape.k.pointer, count, workspace)
            let v = shape.widened(shape.v.pointer, count, workspace)
            let keys = workspace.take(count * size)
            let values = wantsValues ? workspace.take(count * size) : nil
            Compute.parallel(values == nil ? count : 2 * count) { part in
                let (kind, head) = part.quotientAndRemainder(dividingBy: count)
                let (from, to) = (kind == 0 ? k : v, kind == 0 ? keys : values ?? keys)
                kernel_attention_transpose(from.pointer, rows, count, depth, head, to.pointer + head * size)
            }
            q = shape.widened(shape.q.pointer, shape.heads, workspace)
            (self.k, self.v, self.keys, self.values) = (k, v, keys, values)
        }

        func withBatch(_ shape: SequenceAttention, _ body: (UnsafePointer<kernel_attention_batch>) -> Void) {
            var batch = kernel_attention_batch(
                heads: shape.heads,
                key_value_heads: shape.keyValueHeads,
                head_size: shape.depth,
                stride: kernel_attention_stride(shape.k.rows),
                wide: Compute.path == kernel_path_avx512 ? 1 : 0,
                scale: shape.rule.scale ?? ScoreFactor.scale(size: shape.headSize),
                cap: shape.rule.cap ?? 0,
                window: shape.rule.window ?? 0,
                q: q.pointer,
                k: k.pointer,
                v: v.pointer,
                keys: keys.pointer,
                values: values?.pointer
            )
            body(&batch)
        }
    }
}
