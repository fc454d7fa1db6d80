import CKernels
import Randomness
import Testing

@Suite("Quantised blocks") struct DequantiseTests {
    typealias Kernel =
        @Sendable @convention(c) (UnsafePointer<UInt8>?, UnsafeMutablePointer<Float>?, Int) -> Void

    struct Format: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let values: Int
        let bytes: Int
        /// Where the halves are that scale a block: kept finite in the random bytes.
        let halves: [Int]
        let fast: Kernel
        let reference: Kernel

        init(_ name: String, _ values: Int, _ bytes: Int, halves: [Int], fast: Kernel, reference: Kernel) {
            testDescription = name
            (self.values, self.bytes, self.halves) = (values, bytes, halves)
            (self.fast, self.reference) = (fast, reference)
        }
    }

    static let formats = [
        Format(
            "Q8_0",
            32,
            34,
            halves: [0],
            fast: kernel_dequantise_q8_0,
            reference: kernel_dequantise_q8_0_reference
        ),
        Format(
            "Q4_0",
            32,
            18,
            halves: [0],
            fast: kernel_dequantise_q4_0,
            reference: kernel_dequantise_q4_0_reference
        ),
        Format(
            "Q4_1",
            32,
            20,
            halves: [0, 2],
            fast: kernel_dequantise_q4_1,
            reference: kernel_dequantise_q4_1_reference
        ),
        Format(
            "Q5_0",
            32,
            22,
            halves: [0],
            fast: kernel_dequantise_q5_0,
            reference: kernel_dequantise_q5_0_reference
        ),
        Format(
            "Q5_1",
            32,
            24,
            halves: [0, 2],
            fast: kernel_dequantise_q5_1,
            reference: kernel_dequantise_q5_1_reference
        ),
        Format(
            "IQ4_NL",
            32,
            18,
            halves: [0],
            fast: kernel_dequantise_iq4_nl,
            reference: kernel_dequantise_iq4_nl_reference
        ),
        Format(
            "Q2_K",
            256,
            84,
            halves: [80, 82],
            fast: kernel_dequantise_q2_k,
            reference: kernel_dequantise_q2_k_reference
        ),
        Format(
            "Q3_K",
            256,
            110,
            halves: [108],
            fast: kernel_dequantise_q3_k,
            reference: kernel_dequantise_q3_k_reference
        ),
        Format(
            "Q4_K",
            256,
            144,
            halves: [0, 2],
            fast: kernel_dequantise_q4_k,
            reference: kernel_dequantise_q4_k_reference
        ),
        Format(
            "Q5_K",
            256,
            176,
            halves: [0, 2],
            fast: kernel_dequantise_q5_k,
            reference: kernel_dequantise_q5_k_reference
        ),
        Format(
            "Q6_K",
            256,
            210,
            halves: [208],
            fast: kernel_dequantise_q6_k,
            reference: kernel_dequantise_q6_k_reference
        ),
        Format(
            "IQ4_XS",
            256,
            136,
            halves: [0],
            fast: kernel_dequantise_iq4_xs,
            reference: kernel_dequantise_iq4_xs_reference
        ),
    ]

    @Test("of random bytes equal the scalar twin", arguments: formats)
    func random(_ format: Format) {
        var stream = RandomStream(seed: 3, "blocks", format.testDescription)
        var bytes = (0..<7 * format.bytes).map { _ in UInt8(stream.below(256)) }
        for block in 0..<7 {
            for half in format.halves { bytes[block * format.bytes + half + 1] &= 0xBB }
        }
        let n = 7 * format.values
        var (y, z) = ([Float](repeating: .nan, count: n), [Float](repeating: .nan, count: n))
        format.fast(bytes, &y, n)
        format.reference(bytes, &z, n)
        #expect(y.allSatisfy { $0.isFinite })
        #expect(y.map(\.bitPattern) == z.map(\.bitPattern))
    }

    @Test("by hand: one block of each small format")
    func byHand() {
        var y = [Float](repeating: 0, count: 32)
        let half: [UInt8] = [0x00, 0x38]  // 0.5
        kernel_dequantise_q8_0(half + (0..<32).map { UInt8(bitPattern: Int8($0 - 16)) }, &y, 32)
        #expect(y == (0..<32).map { 0.5 * Float($0 - 16) })
        // Byte j holds j in the low nibble and 15 − j in the high one.
        let nibbles = (0..<16).map { UInt8($0 | (15 - $0) << 4) }
        kernel_dequantise_q4_0(half + nibbles, &y, 32)
        let low: [Float] = (0..<16).map { Float($0) }
        let nibbleValues = low + low.reversed()
        #expect(y == nibbleValues.map { 0.5 * ($0 - 8) })
        let minusTwo: [UInt8] = [0x00, 0xC0]
        kernel_dequantise_q4_1(half + minusTwo + nibbles, &y, 32)
        #expect(y == nibbleValues.map { 0.5 * $0 - 2 })
    }

    @Test("every binary16 and bfloat16 becomes exactly its float32")
    func halves() {
        let bytes = (0..<65536).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        var (y, z) = ([Float](repeating: 0, count: 65536), [Float](repeating: 0, count: 65536))
        kernel_dequantise_f16(bytes, &y, 65536)
        kernel_dequantise_f16_reference(bytes, &z, 65536)
        expectClose(y, z, 0, "f16")
        #expect(y[0x0001] == 0x1p-24 && y[0x3C00] == 1 && y[0xFBFF] == -65504 && y[0x7C00] == .infinity)
        #expect(y[0x8000] == 0 && y[0x8000].sign == .minus && y[0x7E00].isNaN)
        kernel_dequantise_bf16(bytes, &y, 65536)
        kernel_dequantise_bf16_reference(bytes, &z, 65536)
        expectClose(y, z, 0, "bf16")
        #expect(y[0x3F80] == 1 && y[0xFF80] == -.infinity && y[0x7FC0].isNaN)
    }

    @Test("float32 rounded to bfloat16 and to Q8_0 equals the scalar twin, ties and subnormals included")
    func rounding() {
        var stream = RandomStream(seed: 4, "rounding")
        var x = (0..<4096).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: stream.next())) }
        for index in stride(from: 0, to: 1024, by: 2) {
            // Halfway between two bfloat16 numbers.
            x[index] = Float(bitPattern: x[index].bitPattern & 0xFFFF_0000 | 0x8000)
        }
        var (y, z) = ([UInt8](repeating: 0, count: 8192), [UInt8](repeating: 0, count: 8192))
        kernel_quantise_bf16(x, &y, 4096)
        kernel_quantise_bf16_reference(x, &z, 4096)
        #expect(y == z)

        let small = x.map { $0.isFinite && abs($0) < 1e6 ? $0 : Float(Int(stream.below(255)) - 127) / 2 }
        kernel_quantise_q8_0(small, &y, 4096)
        kernel_quantise_q8_0_reference(small, &z, 4096)
        #expect(y == z)
    }
}
