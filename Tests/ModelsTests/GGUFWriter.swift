import Contract
import Models

/// Writes small GGUF files, right and wrong ones.
struct GGUFWriter {
    enum Value {
        case word(UInt32)
        case float(Float)
        case text(String)
        case texts([String])
        case words([Int32])
        case floats([Float])
        case octets([UInt8])
        case flag(Bool)
    }

    var version: UInt32 = 3
    var tensorCount: UInt64?
    var keys: [(String, Value)] = []
    /// Dimensions fastest first, GGUF type, offset in the data.
    var tensors: [(name: String, dimensions: [UInt64], type: UInt32, offset: UInt64)] = []
    var data: [UInt8] = []

    mutating func add(_ array: NamedArray, as name: String) {
        while data.count % 32 != 0 { data.append(0) }
        tensors.append((name, array.shape.reversed().map { UInt64($0) }, 0, UInt64(data.count)))
        for value in array.values { data.append(integer: value.bitPattern) }
    }

    func bytes() -> [UInt8] {
        var bytes = Array("GGUF".utf8)
        bytes.append(integer: version)
        bytes.append(integer: tensorCount ?? UInt64(tensors.count))
        bytes.append(integer: UInt64(keys.count))
        for (key, value) in keys {
            text(key, &bytes)
            switch value {
            case .word(let word):
                bytes.append(integer: UInt32(4))
                bytes.append(integer: word)
            case .float(let number):
                bytes.append(integer: UInt32(6))
                bytes.append(integer: number.bitPattern)
            case .text(let string):
                bytes.append(integer: UInt32(8))
                text(string, &bytes)
            case .texts(let strings):
                for word in [UInt32(9), 8] { bytes.append(integer: word) }
                bytes.append(integer: UInt64(strings.count))
                for string in strings { text(string, &bytes) }
            case .words(let words):
                for word in [UInt32(9), 5] { bytes.append(integer: word) }
                bytes.append(integer: UInt64(words.count))
                for word in words { bytes.append(integer: word) }
            case .floats(let numbers):
                for word in [UInt32(9), 6] { bytes.append(integer: word) }
                bytes.append(integer: UInt64(numbers.count))
                for number in numbers { bytes.append(integer: number.bitPattern) }
            case .octets(let octets):
                for word in [UInt32(9), 0] { bytes.append(integer: word) }
                bytes.append(integer: UInt64(octets.count))
                bytes += octets
            case .flag(let flag):
                bytes.append(integer: UInt32(7))
                bytes.append(flag ? 1 : 0)
            }
        }
        for tensor in tensors {
            text(tensor.name, &bytes)
            bytes.append(integer: UInt32(tensor.dimensions.count))
            for size in tensor.dimensions { bytes.append(integer: size) }
            bytes.append(integer: tensor.type)
            bytes.append(integer: tensor.offset)
        }
        while bytes.count % 32 != 0 { bytes.append(0) }
        return bytes + data
    }

    private func text(_ string: String, _ bytes: inout [UInt8]) {
        bytes.append(integer: UInt64(string.utf8.count))
        bytes += string.utf8
    }
}

extension GGUFWriter {
    /// A model in the way llama.cpp's converter writes it: rows of queries and keys interleaved.
    init(_ arrays: [NamedArray], _ model: DecoderConfiguration) {
        keys = [
            ("general.architecture", .text("llama")),
            ("llama.block_count", .word(UInt32(model.layerCount))),
            ("llama.embedding_length", .word(UInt32(model.hiddenSize))),
            ("llama.feed_forward_length", .word(UInt32(model.intermediateSize))),
            ("llama.context_length", .word(UInt32(model.positionsMax))),
            ("llama.attention.head_count", .word(UInt32(model.headCount))),
            ("llama.attention.head_count_kv", .word(UInt32(model.keyValueHeadCount))),
            ("llama.rope.dimension_count", .word(UInt32(model.headSize))),
            ("llama.rope.freq_base", .float(Float(model.ropeTheta))),
            ("llama.attention.layer_norm_rms_epsilon", .float(model.normEpsilon)),
            ("tokenizer.ggml.model", .text("gpt2")),
            ("tokenizer.ggml.pre", .text("smollm")),
            ("tokenizer.ggml.tokens", .texts(["<|end|>", "a", "b", "ab"])),
            ("tokenizer.ggml.token_type", .words([3, 1, 1, 1])),
            ("tokenizer.ggml.merges", .texts(["a b"])),
            ("tokenizer.ggml.eos_token_id", .word(0)),
        ]
        let parts = [
            "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "q_proj": "attn_q",
            "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate",
            "up_proj": "ffn_up", "down_proj": "ffn_down",
        ]
        for array in arrays {
            let path = array.name.split(separator: ".")
            switch array.name {
            case "model.embed_tokens.weight": add(array, as: "token_embd.weight")
            case "model.norm.weight": add(array, as: "output_norm.weight")
            case "lm_head.weight": add(array, as: "output.weight")
            default:
                let part = parts[String(path[path.count - 2])] ?? "?"
                let isTurned = part == "attn_q" || part == "attn_k"
                add(
                    isTurned ? interleaved(array, model.headSize) : array,
                    as: "blk.\(path[2]).\(part).weight"
                )
            }
        }
    }

    /// Row h·D/2 + i of a head goes to row 2i + h.
    private func interleaved(_ array: NamedArray, _ headSize: Int) -> NamedArray {
        let columns = array.shape[1]
        var result = array
        for row in 0..<array.shape[0] {
            let (head, place) = row.quotientAndRemainder(dividingBy: headSize)
            let target = head * headSize + 2 * (place % (headSize / 2)) + place / (headSize / 2)
            for column in 0..<columns {
                result.values[target * columns + column] = array.values[row * columns + column]
            }
        }
        return result
    }
}
