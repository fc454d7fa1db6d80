package import Tensors

/// Heads of several kinds in one layer, such as two of softmax and two of HyperFeatureAttention (the hybrid of
/// arXiv:2506.06179's experiments). Each group has projections of its own, `heads_0.q_proj` and so on; the
/// groups' outputs stand side by side before the common output map.
package struct MixedAttention: AttentionKind {
    package static let name = "mixed"

    /// Some heads of one kind.
    package struct Group: Sendable, Hashable, Codable {
        /// How many of the layer's query heads.
        package var heads: Int
        /// Their kind.
        package var attention: AnyAttention

        /// Makes a group.
        package init(heads: Int, _ kind: any AttentionKind) {
            self.heads = heads
            attention = AnyAttention(kind)
        }
    }

    package static let keys = ["groups"]

    /// The groups; their heads are all of the layer's.
    package var groups: [Group]

    /// The kind.
    package init(_ groups: [Group]) { self.groups = groups }

    package func fault(_ shape: HeadShape) -> String? {
        guard (1...shape.heads).contains(groups.count),
            groups.allSatisfy({ (1...shape.heads).contains($0.heads) }),
            groups.reduce(0, { $0 + $1.heads }) == shape.heads
        else {
            return "the heads of its \(groups.count) groups do not add up to the layer's \(shape.heads)"
        }
        for (index, group) in groups.enumerated() {
            if (group.heads * shape.keyValueHeads) % shape.heads != 0 {
                return "group \(index): \(group.heads) of \(shape.heads) heads take no whole share of "
                    + "\(shape.keyValueHeads) key-value heads"
            }
            if let fault = group.attention.kind.fault(part(group, of: shape)) {
                return "group \(index): \(fault)"
            }
        }
        return nil
    }

    /// A bias goes to the heads of those kinds that take one.
    package var takesBias: Bool { groups.contains { $0.attention.kind.takesBias } }

    package func inputs(_ shape: HeadShape) -> [AttentionInput] {
        groups.enumerated().flatMap { index, group in
            group.attention.kind.inputs(part(group, of: shape)).map { input in
                AttentionInput(prefix(index) + input.name, input.width, initialScale: input.initialScale)
            }
        }
    }

    package func outputWidth(_ shape: HeadShape) -> Int {
        groups.reduce(0) { $0 + $1.attention.kind.outputWidth(part($1, of: shape)) }
    }

    package func attend(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor {
        side(pass) { index, part in
            groups[index].attention.kind.attend(part, narrowed(pattern, to: index, pass.tape))
        }
    }

    package func makeCache(_ shape: HeadShape, _ room: CacheRoom) -> any AttentionCache {
        Cache(kind: self, parts: groups.map { $0.attention.kind.makeCache(part($0, of: shape), room) })
    }

    private func prefix(_ index: Int) -> String { "heads_\(index)." }

    private func part(_ group: Group, of shape: HeadShape) -> HeadShape {
        var part = shape
        part.heads = group.heads
        part.keyValueHeads = max(1, group.heads * shape.keyValueHeads / max(1, shape.heads))
        return part
    }

    /// The groups' outputs side by side.
    private func side(_ pass: AttentionPass, _ run: (_ index: Int, _ part: AttentionPass) -> Tensor) -> Tensor
    {
        pass.tape.concatenateColumns(
            groups.indices.map { index in
                let part = AttentionPass(
                    tape: pass.tape,
                    shape: part(groups[index], of: pass.shape),
                    project: { pass.project(prefix(index) + $0) },
                    rotate: pass.rotate
                )
                return run(index, part)
            }
        )
    }

    /// A pattern with one group's heads of each bias.
    private func narrowed(_ pattern: AttentionPattern, to index: Int, _ tape: Tape) -> AttentionPattern {
        guard !pattern.biases.isEmpty else { return pattern }
        let first = groups[..<index].reduce(0) { $0 + $1.heads }
        let takesBias = groups[index].attention.kind.takesBias
        let biases = pattern.biases.map { bias in
            takesBias ? bias.map { tape.slice($0, first..<first + groups[index].heads) } : nil
        }
        return AttentionPattern(
            segments: pattern.segments,
            isCausal: pattern.isCausal,
            masks: pattern.masks,
            biases: biases
        )
    }

    /// One cache for each group.
    private final class Cache: AttentionCache {
        private let kind: MixedAttention
        private let parts: [any AttentionCache]

        init(kind: MixedAttention, parts: [any AttentionCache]) {
            self.kind = kind
            self.parts = parts
        }

        func prefill(_ pass: AttentionPass, _ beginnings: [CachedBeginning]) -> Tensor {
            kind.side(pass) { index, part in parts[index].prefill(part, beginnings) }
        }

        func decode(_ pass: AttentionPass, _ samples: [CachedSample], _ step: CachedStep) -> Tensor {
            kind.side(pass) { index, part in parts[index].decode(part, samples, step) }
        }

        func forget(_ beginning: Int) { for part in parts { part.forget(beginning) } }
    }
}
