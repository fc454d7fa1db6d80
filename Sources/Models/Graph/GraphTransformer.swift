package import Contract
package import Tensors

/// A transformer over the nodes of graphs of any size: the actor and the critic of STACCA (arXiv:2511.13103; block by
/// block our reconstruction, with what our prototype settled).
///
///     e = f(features)                              F → d → d, GELU                       (f: paper)
///     h ← h + ELU(attention over neighbours)       pre-LayerNorm, itself included         (GAT: paper)
///     h ← h + attention over all within reach      pre-LayerNorm, bias by distance        (reconstruction)
///     h ← h + FFN(h)                               pre-LayerNorm, d → inner → d, GELU
///     LayerNorm, [mean over nodes], own features beside it, → d, GELU → outputs
///
/// No node has an index anywhere: outputs follow a permutation of the nodes. Own features come in after all
/// attention, so that they reach no other node. One thread, as tensors are.
package final class GraphTransformer {
    /// Its sizes and kinds.
    package let configuration: GraphTransformerConfiguration
    /// What is trained.
    package let adaptation: GraphAdaptation
    /// The trained tensors, in the order of `layout`.
    package let parameters: [Tensor]
    /// Names, shapes and parts of the trained arrays, in ascending order of name.
    package let layout: AdapterLayout
    /// All weights and factors by name.
    let tensors: [String: Tensor]

    /// The model that everyone with that seed starts from.
    ///
    /// - Parameters:
    ///   - configuration: Its sizes and kinds.
    ///   - seed: Fresh weights are drawn from it; two models of one federation take two seeds.
    ///   - adaptation: What is trained.
    /// - Throws: `SettingsFault` naming the key for a configuration that cannot be built.
    package init(
        _ configuration: GraphTransformerConfiguration,
        seed: UInt64,
        adaptation: GraphAdaptation = .dense
    ) throws(SettingsFault) {
        try configuration.validate()
        var arrays = GraphArray.all(configuration)
        var isTrained: (GraphArray) -> Bool = { _ in true }
        if case .lowRank(let rank, let alpha) = adaptation {
            try SettingsFault.require((1...1024).contains(rank), "rank", "found \(rank), expected 1 … 1024")
            try SettingsFault.require(
                alpha > 0 && alpha.isFinite,
                "alpha",
                "found \(alpha), expected more than 0"
            )
            arrays += GraphArray.factors(of: arrays, rank: rank)
            isTrained = { $0.part != .averaged || $0.name.hasPrefix("head.1.") }
        }
        self.configuration = configuration
        self.adaptation = adaptation
        let tensors = arrays.map { array in
            Tensor(shape: array.shape, values: array.values(seed: seed), trainable: isTrained(array))
        }
        let trained = zip(arrays, tensors).filter { isTrained($0.0) }
            .sorted { $0.0.name.utf8.lexicographicallyPrecedes($1.0.name.utf8) }
        parameters = trained.map { $0.1 }
        layout = GraphTransformer.layout(of: trained.map { $0.0 })
        self.tensors = Dictionary(uniqueKeysWithValues: zip(arrays.map { $0.name }, tensors))
    }

    private static func layout(of arrays: [GraphArray]) -> AdapterLayout {
        do throws(AdapterFault) {
            return try AdapterLayout(
                arrays.map { AdapterLayout.Entry(name: $0.name, shape: $0.shape, part: $0.part) }
            )
        } catch {
            preconditionFailure("two weights of a graph transformer have the same name: \(error)")
        }
    }

    /// The outputs for some states.
    ///
    /// - Parameters:
    ///   - tape: Records the pass, or not.
    ///   - batch: The states; features and own features must be of this configuration's widths, and graphs have
    ///     distances where ``GraphTransformerConfiguration/usesHops``.
    /// - Returns: `[N, outputs]`, a row for each node, or with mean pooling `[S, outputs]`, one for each state.
    package func outputs(tape: Tape, batch: GraphBatch) -> Tensor {
        let (structures, rows) = (batch.structures, batch.rows)
        let (features, own) = (configuration.features, configuration.ownFeatures)
        precondition(
            batch.features.count == rows * features && batch.own.count == rows * own,
            "GraphTransformer: \(batch.features.count) features and \(batch.own.count) own features for \(rows) "
                + "nodes, expected \(features) and \(own) each"
        )
        var h = tape.gelu(linear("embed.0", input(batch.features, rows, features, tape), tape))
        h = linear("embed.1", h, tape)
        for layer in 0..<configuration.graphLayers {
            let name = "graph.\(layer)"
            let mapped = linear("\(name).map", norm("\(name).norm", h, tape), tape)
            let seen = tape.graphAttention(
                mapped,
                source: self["\(name).source"],
                target: self["\(name).target"],
                structures: structures,
                heads: configuration.heads
            )
            h = tape.add(h, tape.elu(seen))
        }
        for layer in 0..<configuration.layers {
            let name = "layers.\(layer)"
            let seen = attention(layer, norm("\(name).attention_norm", h, tape), structures, tape)
            h = tape.add(h, linear("\(name).attention.o_proj", seen, tape))
            let normed = norm("\(name).feed_forward_norm", h, tape)
            let inner = tape.gelu(linear("\(name).feed_forward.0", normed, tape))
            h = tape.add(h, linear("\(name).feed_forward.1", inner, tape))
        }
        h = norm("norm", h, tape)
        if configuration.pooling == .mean { h = tape.meanRows(h, counts: structures.map(\.nodes)) }
        if own > 0 { h = tape.concatenateColumns([h, input(batch.own, rows, own, tape)]) }
        return linear("head.1", tape.gelu(linear("head.0", h, tape)), tape)
    }

    // MARK: - Parts

    subscript(name: String) -> Tensor {
        guard let tensor = tensors[name] else { preconditionFailure("GraphTransformer: no weight '\(name)'") }
        return tensor
    }

    private func input(_ values: [Float], _ rows: Int, _ columns: Int, _ tape: Tape) -> Tensor {
        let tensor = tape.workspace.tensor([rows, columns])
        _ = tensor.values.update(fromContentsOf: values)
        return tensor
    }

    private func linear(_ name: String, _ x: Tensor, _ tape: Tape) -> Tensor {
        let (weight, bias) = (self["\(name).weight"], tensors["\(name).bias"])
        guard let a = tensors["\(name).lora_A.weight"] else { return tape.linear(x, weight, bias: bias) }
        let y = tape.loRA(x, weight, a: a, b: self["\(name).lora_B.weight"], scale: adaptation.scale)
        return bias.map { tape.addVector(y, $0) } ?? y
    }

    private func norm(_ name: String, _ x: Tensor, _ tape: Tape) -> Tensor {
        tape.layerNorm(x, weight: self["\(name).weight"], bias: self["\(name).bias"])
    }

    private func attention(
        _ layer: Int,
        _ x: Tensor,
        _ structures: [GraphStructure],
        _ tape: Tape
    ) -> Tensor {
        let (kind, name) = (configuration.attention.kind, "layers.\(layer).attention")
        let reach = configuration.reach(layer: layer)
        if kind is SoftmaxAttention {
            return tape.nodeAttention(
                q: linear("\(name).q_proj", x, tape),
                k: linear("\(name).k_proj", x, tape),
                v: linear("\(name).v_proj", x, tape),
                table: self["\(name).distance"],
                structures: structures,
                reach: reach,
                heads: configuration.heads
            )
        }
        let pass = AttentionPass(
            tape: tape,
            shape: configuration.shape,
            project: { self.linear("\(name).\($0)", x, tape) }
        )
        return kind.attend(pass, pattern(structures, reach, tensors["\(name).distance"], tape))
    }

    /// Each state by itself, with masks and biases of its graph.
    private func pattern(
        _ structures: [GraphStructure],
        _ reach: Int?,
        _ table: Tensor?,
        _ tape: Tape
    ) -> AttentionPattern {
        var known: [ObjectIdentifier: (mask: AttentionMask?, bias: Tensor?)] = [:]
        var (segments, masks, biases) = ([AttentionSegment](), [AttentionMask?](), [Tensor?]())
        var row = 0
        for structure in structures {
            let made =
                known[ObjectIdentifier(structure)]
                ?? (
                    reach.map { reach in
                        AttentionMask(
                            rows: structure.nodes,
                            columns: structure.nodes,
                            allowed: structure.hops.map { Int($0) <= reach ? 1 : 0 }
                        )
                    },
                    table.map { tape.hopBias($0, structure) }
                )
            known[ObjectIdentifier(structure)] = made
            segments.append(AttentionSegment(rows: row..<row + structure.nodes))
            masks.append(made.mask)
            biases.append(made.bias)
            row += structure.nodes
        }
        return AttentionPattern(segments: segments, isCausal: false, masks: masks, biases: biases)
    }
}

/// Which of a graph transformer's weights are trained, and travel in a federation.
package enum GraphAdaptation: Sendable, Hashable {
    /// All of them.
    case dense
    /// Low-rank factors of every linear map but the last, W + alpha / rank · B A (Hu et al., arXiv:2106.09685), and the
    /// last map whole: that of one output has fewer values than its factors would have, and carries the scale of a
    /// critic's values. Everything else stays as the seed made it.
    case lowRank(rank: Int, alpha: Double)

    /// What a product of factors is multiplied by.
    var scale: Float {
        switch self {
        case .dense: 1
        case .lowRank(let rank, let alpha): Float(alpha / Double(rank))
        }
    }
}

/// States on graphs, one after the other: a row for each node. States on one graph should lie together, as some work is
/// then done once for all of them.
package struct GraphBatch {
    /// The graph of each of the S states; one structure shared by all states on a graph.
    package let structures: [GraphStructure]
    /// `[N, F]`: what a node shows to all that can reach it; N nodes in all.
    package let features: [Float]
    /// `[N, G]`: what only the node itself sees; empty where G is 0.
    package let own: [Float]

    /// A batch; the model checks that its sizes fit.
    package init(structures: [GraphStructure], features: [Float], own: [Float] = []) {
        self.structures = structures
        self.features = features
        self.own = own
    }

    /// N.
    package var rows: Int { structures.reduce(0) { $0 + $1.nodes } }
}
