internal import Tensors

/// One pass of a decoder over some rows: how a block is put together from its weights, an adapter and the features of
/// the configuration.
struct DecoderRun {
    private let decoder: LanguageDecoder
    private var tape: Tape
    private let positions: [Int32]
    private let adapter: Adapter?
    private let model: DecoderConfiguration
    /// The positions that angles are needed for.
    private let reach: Int

    init(_ decoder: LanguageDecoder, _ tape: Tape, positions: [Int32], adapter: Adapter?) {
        self.decoder = decoder
        self.tape = tape
        self.positions = positions
        self.adapter = adapter
        model = adapter?.adapted ?? decoder.configuration
        reach = positions.reduce(0) { max($0, Int($1) + 1) }
    }

    /// The same pass, recorded elsewhere.
    func on(_ tape: Tape) -> DecoderRun {
        var run = self
        run.tape = tape
        return run
    }

    /// The residual stream before the first block.
    func embed(_ tokens: [Int32], table: any Weight) -> Tensor {
        let x = tape.embedding(table: table, ids: tokens)
        return model.embeddingScale == 1 ? x : tape.scale(x, by: model.embeddingScale)
    }

    /// A norm, by the name of its weight in a checkpoint.
    func norm(_ x: Tensor, _ weight: any VectorWeight, _ name: String) -> Tensor {
        let weight = adapter?.others[name] ?? weight
        return tape.rmsNorm(x, weight: weight, epsilon: model.normEpsilon, offset: model.normOffset)
    }

    /// The residual stream behind a block.
    ///
    /// Where a family has norms after attention and after the feed-forward layer, the norm that is named after
    /// attention stands there, and the one before the feed-forward layer has a name of its own.
    ///
    /// - Parameter rows: The rows that go on behind attention; nil for all.
    func block(
        _ index: Int,
        _ x: Tensor,
        rows: [Int32]? = nil,
        _ attention: (_ layer: Int, _ kind: any AttentionKind, _ pass: AttentionPass) -> Tensor
    ) -> Tensor {
        // What is forgotten is made again in the backward pass, for less than keeping it takes.
        let normed = norm(x, layer: index, "input_layernorm")
        let attended = attention(index, model.attention(layer: index), pass(index, normed))
        normed.forget()
        var mixed = map("o_proj", take(rows, of: attended), index)
        if model.hasOuterNorms { mixed = norm(mixed, layer: index, "post_attention_layernorm") }
        let x = tape.add(take(rows, of: x), mixed)
        let before = model.hasOuterNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm"
        var fed = feedForward(index, norm(x, layer: index, before))
        if model.hasOuterNorms { fed = norm(fed, layer: index, "post_feedforward_layernorm") }
        return tape.add(x, fed)
    }

    /// Some rows of a tensor, or all.
    private func take(_ rows: [Int32]?, of x: Tensor) -> Tensor {
        rows.map { tape.gatherRows(x, rows: $0) } ?? x
    }

    private func pass(_ index: Int, _ normed: Tensor) -> AttentionPass {
        let angles = model.rotary(layer: index)
        let shape = model.headShape(layer: index)
        let fused = model.isFused ? map("qkv_proj", normed, index) : nil
        return AttentionPass(
            tape: tape,
            shape: shape,
            project: { name in
                let projected =
                    fused.map { part(name, of: $0, index, shape) } ?? map(name, normed, index)
                guard model.normalisesHeads else { return projected }
                switch name {
                case "q_proj": return norm(projected, layer: index, "self_attn.q_norm")
                case "k_proj": return norm(projected, layer: index, "self_attn.k_norm")
                default: return projected
                }
            },
            rotate: { x, heads in
                guard let angles else { return x }
                let table = decoder.rope(angles, headSize: x.columns / heads, reach)
                return tape.rope(x, positions: positions, heads: heads, table: table)
            }
        )
    }

    /// One of attention's projections within what the fused map gave.
    private func part(_ name: String, of fused: Tensor, _ index: Int, _ shape: HeadShape) -> Tensor {
        var start = 0
        for input in model.attention(layer: index).inputs(shape) {
            if input.name == name { return tape.takeColumns(fused, start..<start + input.width) }
            start += input.width
        }
        preconditionFailure("block \(index) has no projection '\(name)'")
    }

    private func feedForward(_ index: Int, _ x: Tensor) -> Tensor {
        let group = LinearModule.feedForward
        let (gate, up): (Tensor, Tensor)
        if model.isFused {
            let both = map("gate_up_proj", x, index, in: group)
            let width = model.intermediateSize
            gate = tape.takeColumns(both, 0..<width)
            up = tape.takeColumns(both, width..<2 * width)
        } else {
            gate = map("gate_proj", x, index, in: group)
            up = map("up_proj", x, index, in: group)
        }
        x.forget()
        let product =
            switch model.activation {
            case .silu: tape.swiGLU(gate: gate, up: up)
            case .geluTanh: tape.geGLU(gate: gate, up: up)
            }
        defer { product.forget() }
        return map("down_proj", product, index, in: group)
    }

    private func norm(_ x: Tensor, layer index: Int, _ name: String) -> Tensor {
        norm(x, vector("\(name).weight", index), "model.layers.\(index).\(name).weight")
    }

    private func vector(_ name: String, _ index: Int) -> any VectorWeight {
        guard let vector = decoder.parameters.weights.layers[index].vectors[name] else {
            preconditionFailure("block \(index) has no vector '\(name)'")
        }
        return vector
    }

    /// A linear map with its adapter and its bias.
    private func map(
        _ module: String,
        _ x: Tensor,
        _ index: Int,
        in group: String = LinearModule.attention
    ) -> Tensor {
        let y = linear(module, x, index)
        guard model.biasedModules.contains(module) else { return y }
        let name = "\(group).\(module).bias"
        let bias = adapter?.others["model.layers.\(index).\(name)"] ?? vector(name, index)
        return tape.addVector(y, bias)
    }

    private func linear(_ module: String, _ x: Tensor, _ index: Int) -> Tensor {
        if let whole = adapter?.blocks[index].modules[module] { return tape.linear(x, whole) }
        guard let weight = decoder.parameters.weights.layers[index].linears[module] else {
            preconditionFailure("block \(index) has no linear map '\(module)'")
        }
        guard let adapter, let pair = adapter.blocks[index].pairs[module] else {
            return tape.linear(x, weight)
        }
        return tape.loRA(x, weight, a: pair.a, b: pair.b, scale: adapter.scale)
    }
}

extension LanguageDecoder {
    /// About how many bytes of activations a recorded pass keeps of each token for the way back.
    package var activationBytesPerToken: Int {
        let model = adapter?.adapted ?? configuration
        let width = model.hiddenSize
        let floats = (0..<model.layerCount).reduce(0) { sum, layer in
            let shape = model.headShape(layer: layer)
            let kind = model.attention(layer: layer)
            let inputs = kind.inputs(shape).reduce(0) { $0 + $1.width }
            let ranks = adapter?.blocks[layer].pairs.values.reduce(0) { $0 + $1.a.rows } ?? 0
            let block = 2 * width + inputs + kind.outputWidth(shape) + 2 * model.intermediateSize + ranks
            return recomputes ? max(sum, block) : sum + block
        }
        return 4 * (floats + (recomputes ? model.layerCount * width : 0))
    }
}
