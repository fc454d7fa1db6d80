internal import CKernels

/// How a tensor's values lie in a file, and how to widen them to float32.
struct ElementEncoding: Sendable, Equatable {
    /// Its name, as both formats write it: `F32`, `Q4_K`.
    let name: String
    /// Its number in GGUF.
    let ggufType: UInt32
    /// How many values share a block; rows are whole blocks.
    let blockValues: Int
    /// How many bytes a block takes.
    let blockBytes: Int
    /// Widens whole blocks: from, to, how many values.
    let widen: @Sendable @convention(c) (UnsafePointer<UInt8>?, UnsafeMutablePointer<Float>?, Int) -> Void

    /// Rounds to whole blocks: from, to, how many values; nil for an encoding that is not written.
    var narrow: (@Sendable @convention(c) (UnsafePointer<Float>?, UnsafeMutablePointer<UInt8>?, Int) -> Void)?
    /// The largest magnitude that it can hold.
    var largest = Float.greatestFiniteMagnitude

    static let f32 = ElementEncoding(
        name: "F32",
        ggufType: 0,
        blockValues: 1,
        blockBytes: 4,
        widen: {
            guard let from = $0, let to = $1 else { return }
            UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: 4 * $2)
        },
        narrow: {
            guard let from = $0, let to = $1 else { return }
            UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: 4 * $2)
        }
    )
    static let f16 = ElementEncoding(
        name: "F16",
        ggufType: 1,
        blockValues: 1,
        blockBytes: 2,
        widen: kernel_dequantise_f16,
        narrow: kernel_quantise_f16,
        largest: 65504
    )
    static let bf16 = ElementEncoding(
        name: "BF16",
        ggufType: 30,
        blockValues: 1,
        blockBytes: 2,
        widen: kernel_dequantise_bf16,
        narrow: kernel_quantise_bf16,
        largest: Float(bitPattern: 0x7F7F_0000)
    )
    static let q8 = ElementEncoding(
        name: "Q8_0",
        ggufType: 8,
        blockValues: 32,
        blockBytes: 34,
        widen: kernel_dequantise_q8_0,
        narrow: kernel_quantise_q8_0,
        largest: 65504 * 127
    )

    /// The encodings that are read, one line for each.
    static let all: [ElementEncoding] = [
        f32, f16, bf16, q8,
        small("Q4_0", 2, 18, kernel_dequantise_q4_0),
        small("Q4_1", 3, 20, kernel_dequantise_q4_1),
        small("Q5_0", 6, 22, kernel_dequantise_q5_0),
        small("Q5_1", 7, 24, kernel_dequantise_q5_1),
        small("IQ4_NL", 20, 18, kernel_dequantise_iq4_nl),
        large("Q2_K", 10, 84, kernel_dequantise_q2_k),
        large("Q3_K", 11, 110, kernel_dequantise_q3_k),
        large("Q4_K", 12, 144, kernel_dequantise_q4_k),
        large("Q5_K", 13, 176, kernel_dequantise_q5_k),
        large("Q6_K", 14, 210, kernel_dequantise_q6_k),
        large("IQ4_XS", 23, 136, kernel_dequantise_iq4_xs),
    ]

    /// Those that a safetensors file of weights may have.
    static let ofSafetensors = [f32, f16, bf16]

    /// What GGUF calls the types that are not read, for errors.
    private static let others: [UInt32: String] = [
        9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S",
        22: "IQ2_S", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0",
        35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
    ]

    /// The encoding of a GGUF type number; nil for one that is not read.
    static func gguf(_ type: UInt32) -> ElementEncoding? { all.first { $0.ggufType == type } }

    /// The encoding of a safetensors type; nil for one that is not read.
    static func safetensors(_ type: String) -> ElementEncoding? {
        ofSafetensors.first { $0.name == type }
    }

    /// A GGUF type that is not read, for people: its name, or its number.
    static func unread(gguf type: UInt32) -> String { others[type] ?? "number \(type)" }

    /// How many bytes whole blocks of so many values take.
    func bytes(of count: Int) -> Int { count / blockValues * blockBytes }

    /// Appends rounded values to a file.
    ///
    /// - Parameters:
    ///   - values: Whole blocks.
    ///   - file: Where they go.
    ///   - name: The tensor, for errors.
    /// - Throws: for a value that is too large for the encoding.
    func append(
        _ values: UnsafeBufferPointer<Float>,
        to file: WritableFile,
        name: String
    ) throws(CheckpointError) {
        guard let narrow, values.count % blockValues == 0 else {
            preconditionFailure("'\(name)' cannot be written as \(self.name)")
        }
        if let value = values.first(where: { abs($0) > largest }) {
            throw .malformed(
                file: file.path,
                offset: nil,
                detail: "tensor '\(name)' holds \(value), which is too large for \(self.name)"
            )
        }
        var piece: [UInt8] = []
        for start in stride(from: 0, to: values.count, by: 1 << 18) {
            let rest = UnsafeBufferPointer(rebasing: values[start..<min(values.count, start + 1 << 18)])
            piece = [UInt8](unsafeUninitializedCapacity: bytes(of: rest.count)) { buffer, count in
                narrow(rest.baseAddress, buffer.baseAddress, rest.count)
                count = bytes(of: rest.count)
            }
            try file.append(piece)
        }
    }

    static func == (one: Self, other: Self) -> Bool { one.name == other.name }

    private typealias Kernel =
        @Sendable @convention(c) (UnsafePointer<UInt8>?, UnsafeMutablePointer<Float>?, Int) -> Void

    private static func small(_ name: String, _ type: UInt32, _ bytes: Int, _ widen: Kernel) -> Self {
        Self(name: name, ggufType: type, blockValues: 32, blockBytes: bytes, widen: widen)
    }

    private static func large(_ name: String, _ type: UInt32, _ bytes: Int, _ widen: Kernel) -> Self {
        Self(name: name, ggufType: type, blockValues: 256, blockBytes: bytes, widen: widen)
    }
}
