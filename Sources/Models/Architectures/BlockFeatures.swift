package import Tensors

/// What of a block's attention may differ from one block to the next.
package struct BlockAttention: Sendable, Hashable {
    /// Which angles turn a block's queries and keys.
    package enum Positions: Sendable, Hashable {
        /// The model's (`DecoderConfiguration.rotary`).
        case rotary
        /// Those for windows (`DecoderConfiguration.localRotary`).
        case local
        /// None: only causality tells an order (NoPE, Kazemnejad et al., arXiv:2305.19466).
        case none
    }

    /// How many of the last rows a row sees; nil for all.
    package var window: Int?
    /// The angles.
    package var positions: Positions

    /// A block that sees everything, with the model's angles, unless more is said.
    package init(window: Int? = nil, positions: Positions = .rotary) {
        self.window = window
        self.positions = positions
    }
}

/// What the gate of a feed-forward layer passes through.
package enum GateActivation: Sendable, Hashable {
    /// x·σ(x): SwiGLU.
    case silu
    /// GELU's approximation by tanh: GEGLU.
    case geluTanh
}

/// A vector of a block, such as a norm's weight or a linear map's bias.
package struct BlockVector: Sendable, Hashable {
    /// Its name within the block, as in a checkpoint: `input_layernorm.weight`, `self_attn.q_proj.bias`.
    package let name: String
    /// How many values it has.
    package let count: Int
    /// What each value of a fresh one is.
    package let start: Float

    /// Its name in a checkpoint: `model.layers.3.input_layernorm.weight`.
    package func path(layer: Int) -> String { "model.layers.\(layer).\(name)" }
}

extension DecoderConfiguration {
    /// What of a block's attention is its own.
    package func block(_ layer: Int) -> BlockAttention {
        blocks.indices.contains(layer) ? blocks[layer] : BlockAttention()
    }

    /// What a block does with its scores.
    package func rule(layer: Int) -> ScoreRule {
        ScoreRule(
            scale: attentionScalar.map { Float(1 / $0.squareRoot()) },
            cap: attentionCap,
            window: block(layer).window
        )
    }

    /// The angles of a block; nil where it has no positions.
    package func rotary(layer: Int) -> RotaryPositions? {
        switch block(layer).positions {
        case .rotary: rotary
        case .local: localRotary ?? rotary
        case .none: nil
        }
    }

    /// The sizes that a block's attention kind is told.
    package func headShape(layer: Int) -> HeadShape {
        var shape = headShape
        shape.rule = rule(layer: layer)
        return shape
    }

    /// The vectors of a block: its norms, then the biases of its linear maps.
    package func vectors(layer: Int) -> [BlockVector] {
        let one = 1 - normOffset
        func norm(_ name: String, _ count: Int) -> BlockVector {
            BlockVector(name: "\(name).weight", count: count, start: one)
        }
        var vectors = [norm("input_layernorm", hiddenSize), norm("post_attention_layernorm", hiddenSize)]
        if hasOuterNorms {
            vectors.append(norm("pre_feedforward_layernorm", hiddenSize))
            vectors.append(norm("post_feedforward_layernorm", hiddenSize))
        }
        if normalisesHeads {
            vectors.append(norm("self_attn.q_norm", headSize))
            vectors.append(norm("self_attn.k_norm", headSize))
        }
        return vectors
            + modules(layer: layer).filter { biasedModules.contains($0.name) }.map {
                BlockVector(name: "\($0.group).\($0.name).bias", count: $0.rows, start: 0)
            }
    }

    /// The names of the linear maps that adapters are usually put on: all but what an attention kind adds to softmax's.
    package var usualTargets: [String] {
        isFused ? ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"] : LoRAConfiguration.usualTargets
    }

    /// Why a block cannot have an attention kind; nil if it can.
    func fault(of kind: any AttentionKind, layer: Int) -> String? {
        let shape = headShape(layer: layer)
        if kind is SoftmaxAttention { return kind.fault(shape) }
        guard shape.rule.isPlain else {
            return "scores with a scale, a soft cap or a window are softmax attention's"
        }
        guard !normalisesHeads, !isFused, biasedModules.isEmpty else {
            return "norms of heads, biases and fused maps are softmax attention's"
        }
        guard rotary(layer: layer)?.scaling == RotaryScaling.none else {
            return "scaled rotary positions, or none, are softmax attention's"
        }
        return kind.fault(shape)
    }
}
