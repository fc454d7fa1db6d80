import Randomness
import Testing

@Suite("Philox4x32-10") struct PhiloxTests {
    /// Known answers from Random123's kat_vectors (Salmon et al.).
    @Test(
        "gives the known answers of Random123",
        arguments: [
            (
                [UInt32](repeating: 0, count: 6),
                [UInt32]([0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
            ),
            (
                [UInt32](repeating: 0xFFFF_FFFF, count: 6),
                [UInt32]([0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
            ),
            (
                [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344, 0xA409_3822, 0x299F_31D0],
                [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
            ),
        ]
    )
    func knownAnswers(input: [UInt32], expected: [UInt32]) {
        let block = Philox.block(
            key: (input[4], input[5]),
            counter: SIMD4(input[0], input[1], input[2], input[3])
        )
        #expect((0..<4).map { block[$0] } == expected)
    }
}
