internal import CKernels

/// How a tensor's values lie in a file, and how to widen them to float32.
enum ElementEncoding: Sendable {
    case f32
    case f16
    case bf16
    /// GGUF's Q8_0.
    case quantised8
    /// GGUF's Q4_0.
    case quantised4
    /// GGUF's Q4_1.
    case quantised4Offset
    /// GGUF's Q6_K.
    case quantised6

    /// The encoding of a GGUF type number; nil for one that is not read.
    init?(ggufType: UInt32) {
        switch ggufType {
        case 0: self = .f32
        case 1: self = .f16
        case 2: self = .quantised4
        case 3: self = .quantised4Offset
        case 8: self = .quantised8
        case 14: self = .quantised6
        case 30: self = .bf16
        default: return nil
        }
    }

    /// The encoding of a safetensors type; nil for one that is not read.
    init?(safetensorsType: String) {
        switch safetensorsType {
        case "F32": self = .f32
        case "F16": self = .f16
        case "BF16": self = .bf16
        default: return nil
        }
    }

    /// How many values share a block; rows are whole blocks.
    var blockValues: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .quantised8, .quantised4, .quantised4Offset: 32
        case .quantised6: 256
        }
    }

    /// How many bytes a block takes.
    var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .quantised8: 34
        case .quantised4: 18
        case .quantised4Offset: 20
        case .quantised6: 210
        }
    }

    /// How many bytes whole blocks of so many values take.
    func bytes(of count: Int) -> Int { count / blockValues * blockBytes }

    /// Reads `count` values at `offset`; throws unless all are finite.
    func read(
        _ count: Int,
        from file: ReadableFile,
        at offset: Int,
        name: String
    ) throws(CheckpointError) -> [Float] {
        let byteCount = bytes(of: count)
        try file.require(byteCount, at: offset, for: "tensor '\(name)'")
        let values: [Float]
        if case .f32 = self {
            values = try [Float](unsafeUninitializedCapacity: count) {
                (buffer, initialized) throws(CheckpointError) in
                let raw = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: byteCount)
                try file.read(at: offset, into: raw, for: "tensor '\(name)'")
                initialized = count
            }
        } else {
            let bytes = try file.bytes(byteCount, at: offset, for: "tensor '\(name)'")
            values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                widen(bytes, to: buffer, count: count)
                initialized = count
            }
        }
        // Little-endian float32 as in the file is the machine's own; a NaN would only surface much later.
        guard kernel_all_finite(values, values.count) == 1 else {
            throw .notFinite(file: file.path, name: name)
        }
        return values
    }

    private func widen(_ bytes: [UInt8], to buffer: UnsafeMutableBufferPointer<Float>, count: Int) {
        guard let values = buffer.baseAddress else { return }
        switch self {
        case .f32: preconditionFailure("float32 needs no widening")
        case .f16: kernel_dequantise_f16(bytes, values, count)
        case .bf16: kernel_dequantise_bf16(bytes, values, count)
        case .quantised8: kernel_dequantise_q8_0(bytes, values, count)
        case .quantised4: kernel_dequantise_q4_0(bytes, values, count)
        case .quantised4Offset: kernel_dequantise_q4_1(bytes, values, count)
        case .quantised6: kernel_dequantise_q6_k(bytes, values, count)
        }
    }
}
