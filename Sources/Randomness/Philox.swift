/// Philox4x32-10, a counter-based random number generator.
///
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). A block
/// of four 32-bit words is a pure function of a 64-bit key and a 128-bit counter, so any number in
/// any stream can be computed without computing the ones before it.
public enum Philox {
    /// The four output words for one key and counter.
    ///
    /// - Parameters:
    ///   - key: The two key words.
    ///   - counter: The four counter words.
    public static func block(key: (UInt32, UInt32), counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        var key = key
        var state = counter
        for _ in 0..<10 {
            let first = UInt64(0xD251_1F53) * UInt64(state[0])
            let second = UInt64(0xCD9E_8D57) * UInt64(state[2])
            state = SIMD4(
                UInt32(second >> 32) ^ state[1] ^ key.0,
                UInt32(truncatingIfNeeded: second),
                UInt32(first >> 32) ^ state[3] ^ key.1,
                UInt32(truncatingIfNeeded: first)
            )
            key.0 = key.0 &+ 0x9E37_79B9
            key.1 = key.1 &+ 0xBB67_AE85
        }
        return state
    }
}
