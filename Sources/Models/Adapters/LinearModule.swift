/// The seven linear maps of a decoder block, by their Hugging Face names.
package enum LinearModule: String, CaseIterable, Sendable, Codable {
    /// Hidden state to queries.
    case query = "q_proj"
    /// Hidden state to keys.
    case key = "k_proj"
    /// Hidden state to values.
    case value = "v_proj"
    /// Attention's heads back to the hidden state.
    case output = "o_proj"
    /// The gate of the feed-forward layer, which goes through SiLU.
    case gate = "gate_proj"
    /// The feed-forward layer's other input map.
    case up = "up_proj"
    /// The feed-forward layer's output map.
    case down = "down_proj"

    /// The module's path in a Hugging Face checkpoint: `model.layers.3.self_attn.q_proj`.
    package func path(layer: Int) -> String {
        switch self {
        case .query, .key, .value, .output: "model.layers.\(layer).self_attn.\(rawValue)"
        case .gate, .up, .down: "model.layers.\(layer).mlp.\(rawValue)"
        }
    }

    /// The shape `[out, in]` of its weight.
    package func shape(_ configuration: DecoderConfiguration) -> (rows: Int, columns: Int) {
        let hidden = configuration.hiddenSize
        let width = configuration.headCount * configuration.headSize
        let keyWidth = configuration.keyValueHeadCount * configuration.headSize
        let inner = configuration.intermediateSize
        return switch self {
        case .query: (width, hidden)
        case .key, .value: (keyWidth, hidden)
        case .output: (hidden, width)
        case .gate, .up: (inner, hidden)
        case .down: (hidden, inner)
        }
    }

    /// Its place in `allCases`.
    var ordinal: Int {
        switch self {
        case .query: 0
        case .key: 1
        case .value: 2
        case .output: 3
        case .gate: 4
        case .up: 5
        case .down: 6
        }
    }
}
