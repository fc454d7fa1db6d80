import CKernels
import Randomness
import Testing

@Suite("Quantised blocks") struct DequantiseTests {
    typealias Kernel = (UnsafePointer<UInt8>?, UnsafeMutablePointer<Float>?, Int) -> Void

    struct Format: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let values: Int
        let bytes: Int
        /// Where the halves are that scale a block: kept finite in the random bytes.
        let halves: [Int]
        let fast: @Sendable (UnsafePointer<UInt8>, UnsafeMutablePointer<Float>, Int) -> Void
        let reference: @Sendable (UnsafePointer<UInt8>, UnsafeMutablePointer<Float>, Int) -> Void
    }

    static let formats = [
        Format(
            testDescription: "Q8_0",
            values: 32,
            bytes: 34,
            halves: [0],
            fast: { kernel_dequantise_q8_0($0, $1, $2) },
            reference: { kernel_dequantise_q8_0_reference($0, $1, $2) }
        ),
        Format(
            testDescription: "Q4_0",
            values: 32,
            bytes: 18,
            halves: [0],
            fast: { kernel_dequantise_q4_0($0, $1, $2) },
            reference: { kernel_dequantise_q4_0_reference($0, $1, $2) }
        ),
        Format(
            testDescription: "Q4_1",
            values: 32,
            bytes: 20,
            halves: [0, 2],
            fast: { kernel_dequantise_q4_1($0, $1, $2) },
            reference: { kernel_dequantise_q4_1_reference($0, $1, $2) }
        ),
        Format(
            testDescription: "Q6_K",
            values: 256,
            bytes: 210,
            halves: [208],
            fast: { kernel_dequantise_q6_k($0, $1, $2) },
            reference: { kernel_dequantise_q6_k_reference($0, $1, $2) }
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
        expectClose(y, z, 3e-7)
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
}
