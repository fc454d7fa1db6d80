package import Tensors

/// HyperFeatureAttention of order A (Ustaomeroglu and Qu, arXiv:2506.06179, definition 5.1, in its softmax form): a
/// head's scores are products over A pairs of queries and keys,
///
///     Z = (Q¹K¹ᵀ/√D) ⊙ (1 + Q²K²ᵀ/√D') ⊙ …,     head = softmax(mask(Z)) · (V¹ ⊙ V² ⊙ …)
///
/// Ours, where the paper is silent: each factor is scaled on its own; factors from the second on are 1 + z, whose
/// query maps start at zero, so that a layer starts as softmax attention and a trained one can be loaded; their
/// heads may have another width D'; the product of values is off unless asked for, and then V² is 1 + v likewise;
/// the mask comes once, after the product.
package struct HyperFeatureAttention: AttentionKind {
    package static let name = "hyperFeature"

    /// A, the factors of a score.
    package var order: Int
    /// Whether values are products too.
    package var hyperValue: Bool
    /// D', the width of a head in the factors from the second on; nil for D.
    package var factorSize: Int?
    /// Whether those factors are turned by their positions as well; needs an even width.
    package var rotaryFactors: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case order, hyperValue, factorSize, rotaryFactors
    }

    package static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// The kind.
    package init(
        order: Int = 2,
        hyperValue: Bool = false,
        factorSize: Int? = nil,
        rotaryFactors: Bool = true
    ) {
        self.order = order
        self.hyperValue = hyperValue
        self.factorSize = factorSize
        self.rotaryFactors = rotaryFactors
    }

    /// Reads the kind; a missing key takes the default of `init`.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        order = try values.decodeIfPresent(Int.self, forKey: .order) ?? order
        hyperValue = try values.decodeIfPresent(Bool.self, forKey: .hyperValue) ?? hyperValue
        factorSize = try values.decodeIfPresent(Int.self, forKey: .factorSize)
        rotaryFactors = try values.decodeIfPresent(Bool.self, forKey: .rotaryFactors) ?? rotaryFactors
    }

    package func fault(_ shape: HeadShape) -> String? {
        let width = factorSize ?? shape.headSize
        if !(1...8).contains(order) { return "order \(order) is not between 1 and 8" }
        if !(1...4096).contains(width) { return "factorSize \(width) is not between 1 and 4096" }
        if rotaryFactors && !width.isMultiple(of: 2) {
            return "factorSize \(width) is odd; rotary factors need pairs"
        }
        return nil
    }

    package func inputs(_ shape: HeadShape) -> [AttentionInput] {
        let width = factorSize ?? shape.headSize
        return [
            AttentionInput("q_proj", shape.heads * shape.headSize),
            AttentionInput("k_proj", shape.keyValueHeads * shape.headSize),
            AttentionInput("v_proj", shape.keyValueHeads * shape.headSize),
        ]
            + factors.flatMap { factor in
                [
                    AttentionInput("q_proj_\(factor)", shape.heads * width, initialScale: 0),
                    AttentionInput("k_proj_\(factor)", shape.keyValueHeads * width),
                ]
            }
            + (hyperValue ? factors : []).map { factor in
                AttentionInput("v_proj_\(factor)", shape.keyValueHeads * shape.headSize, initialScale: 0)
            }
    }

    private var factors: [Int] { Array(2..<order + 1) }

    package func attend(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor {
        attend(pass, projections(pass), pattern)
    }

    package func makeCache(_ shape: HeadShape, _ room: CacheRoom) -> any AttentionCache {
        guard order == 1 else {
            return Cache(kind: self, rows: RowCache(slots: room.slots, rowsMax: room.rowsMax))
        }
        let layer = room.pages.addLayer(
            heads: shape.heads,
            keyValueHeads: shape.keyValueHeads,
            headSize: shape.headSize,
            rule: shape.rule
        )
        return PlainCache(kind: self, layer: layer)
    }

    private struct Projections {
        var q: [Tensor]
        var k: [Tensor]
        var v: Tensor
    }

    private func projections(_ pass: AttentionPass) -> Projections {
        let shape = pass.shape
        func rotated(_ name: String, _ heads: Int, _ isOn: Bool) -> Tensor {
            isOn ? pass.rotate(pass.project(name), heads) : pass.project(name)
        }
        var all = Projections(
            q: [rotated("q_proj", shape.heads, true)],
            k: [rotated("k_proj", shape.keyValueHeads, true)],
            v: pass.project("v_proj")
        )
        for factor in factors {
            all.q.append(rotated("q_proj_\(factor)", shape.heads, rotaryFactors))
            all.k.append(rotated("k_proj_\(factor)", shape.keyValueHeads, rotaryFactors))
            if hyperValue {
                // v ⊙ (1 + v') = v + v ⊙ v'
                all.v = pass.tape.add(all.v, pass.tape.multiply(all.v, pass.project("v_proj_\(factor)")))
            }
        }
        return all
    }

    private func attend(_ pass: AttentionPass, _ all: Projections, _ pattern: AttentionPattern) -> Tensor {
        let shape = pass.shape
        return pass.tape.attention(
            factors: zip(all.q, all.k).enumerated().map { index, pair in
                ScoreFactor(q: pair.0, k: pair.1, offset: index == 0 ? 0 : 1, heads: shape.heads)
            },
            v: all.v,
            pattern: pattern,
            heads: shape.heads,
            keyValueHeads: shape.keyValueHeads,
            rule: shape.rule
        )
    }

    /// Keys and values in pages, for one factor.
    private final class PlainCache: AttentionCache {
        private let kind: HyperFeatureAttention
        private let layer: CacheLayer

        init(kind: HyperFeatureAttention, layer: CacheLayer) {
            self.kind = kind
            self.layer = layer
        }

        func prefill(_ pass: AttentionPass, _ beginnings: [CachedBeginning]) -> Tensor {
            let all = kind.projections(pass)
            for beginning in beginnings {
                layer.store(keys: all.k[0], values: all.v, rows: beginning.segment.rows, in: beginning.rows)
            }
            return kind.attend(pass, all, AttentionPattern(segments: beginnings.map(\.segment)))
        }

        func decode(_ pass: AttentionPass, _ samples: [CachedSample], _ step: CachedStep) -> Tensor {
            let all = kind.projections(pass)
            return pass.tape.cachedAttention(q: all.q[0], k: all.k[0], v: all.v, layer: layer, step: step)
        }

        func forget(_ beginning: Int) {}
    }

    /// A keys and the product of values of every row.
    private final class Cache: AttentionCache {
        private let kind: HyperFeatureAttention
        private let rows: RowCache

        init(kind: HyperFeatureAttention, rows: RowCache) {
            self.kind = kind
            self.rows = rows
        }

        func prefill(_ pass: AttentionPass, _ beginnings: [CachedBeginning]) -> Tensor {
            let all = kind.projections(pass)
            rows.begin(keys: all.k, values: [all.v], beginnings)
            return kind.attend(pass, all, AttentionPattern(segments: beginnings.map(\.segment)))
        }

        func decode(_ pass: AttentionPass, _ samples: [CachedSample], _ step: CachedStep) -> Tensor {
            let all = kind.projections(pass)
            return pass.tape.cachedAttention(
                q: all.q,
                offsets: all.q.indices.map { $0 == 0 ? 0 : 1 },
                segments: rows.store(keys: all.k, values: [all.v], samples),
                heads: pass.shape.heads,
                keyValueHeads: pass.shape.keyValueHeads
            )
        }

        func forget(_ beginning: Int) { rows.forget(beginning) }
    }
}
