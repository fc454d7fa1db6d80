/// An endless stream of random numbers, named by a seed and a path.
///
/// Two streams with the same seed and path give the same numbers on every machine; streams with
/// different paths are independent. Nothing in Tributary draws from any other source, so a result
/// depends on (federation seed, node, round, step, purpose) and on nothing else.
///
///     var stream = RandomStream(seed: 7, "client-a", "sample", round, step)
///     let u = stream.uniform()
public struct RandomStream: RandomNumberGenerator, Sendable {
    private let key: (UInt32, UInt32)
    private let high: (UInt32, UInt32)
    private var counter: UInt64 = 0
    private var block = SIMD4<UInt32>(repeating: 0)
    private var used = 4

    /// Opens the stream of a seed and a path.
    ///
    /// - Parameters:
    ///   - seed: The federation's seed.
    ///   - path: What the numbers are for: strings and integers, in order.
    public init(seed: UInt64, _ path: any StreamKey...) {
        var hash = StreamHash(seed: seed)
        for part in path { part.feed(into: &hash) }
        key = (UInt32(truncatingIfNeeded: hash.first), UInt32(truncatingIfNeeded: hash.first >> 32))
        high = (UInt32(truncatingIfNeeded: hash.second), UInt32(truncatingIfNeeded: hash.second >> 32))
    }

    /// The next 32 random bits.
    public mutating func nextWord() -> UInt32 {
        if used == 4 {
            let low = SIMD4(
                UInt32(truncatingIfNeeded: counter),
                UInt32(truncatingIfNeeded: counter >> 32),
                high.0,
                high.1
            )
            block = Philox.block(key: key, counter: low)
            counter &+= 1
            used = 0
        }
        defer { used += 1 }
        return block[used]
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return UInt64(nextWord()) << 32 | low
    }

    /// A number drawn uniformly from [0, 1), a multiple of 2⁻⁵³.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// An integer drawn uniformly from 0 ..< bound, without modulo bias.
    ///
    /// - Parameter bound: How many values there are; must be positive.
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "RandomStream.below: the bound must be positive, found \(bound)")
        let limit = UInt64(bound)
        let excess = (UInt64.max % limit &+ 1) % limit
        while true {
            let word = next()
            if word <= UInt64.max - excess { return Int(word % limit) }
        }
    }

    /// Shuffles in place (Fisher–Yates, from the end).
    ///
    /// The standard library's `shuffle(using:)` may change its algorithm; results here may not.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        var index = elements.count - 1
        while index > 0 {
            elements.swapAt(index, below(index + 1))
            index -= 1
        }
    }

    /// `count` different elements, drawn uniformly without replacement, in the order drawn.
    ///
    /// - Parameters:
    ///   - count: How many to draw; at most `elements.count`.
    ///   - elements: What to draw from.
    public mutating func choose<Element>(_ count: Int, from elements: [Element]) -> [Element] {
        precondition(count <= elements.count, "RandomStream.choose: \(count) of \(elements.count)")
        var rest = elements
        for index in 0..<count {
            rest.swapAt(index, index + below(rest.count - index))
        }
        return Array(rest.prefix(count))
    }
}

/// Something a stream can be named by: a string or an integer.
public protocol StreamKey {
    /// Mixes this part of the path into the stream's name.
    func feed(into hash: inout StreamHash)
}

extension String: StreamKey {
    /// Mixes the string's UTF-8 and its length into the stream's name.
    public func feed(into hash: inout StreamHash) {
        for byte in utf8 { hash.mix(UInt64(byte)) }
        hash.mix(UInt64(utf8.count) | 1 << 62)
    }
}

extension Int: StreamKey {
    /// Mixes the integer into the stream's name.
    public func feed(into hash: inout StreamHash) {
        hash.mix(UInt64(bitPattern: Int64(self)))
        hash.mix(1 << 61)
    }
}

/// The 128-bit name of a stream: two SplitMix64 chains over the parts of its path.
public struct StreamHash {
    var first: UInt64
    var second: UInt64

    init(seed: UInt64) {
        first = StreamHash.scramble(seed)
        second = StreamHash.scramble(seed ^ 0xA5A5_5A5A_C3C3_3C3C)
    }

    mutating func mix(_ word: UInt64) {
        first = StreamHash.scramble(first ^ word)
        second = StreamHash.scramble(second &+ word &* 0x9E37_79B9_7F4A_7C15)
    }

    /// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    private static func scramble(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
