/// A natural number of any size: answers state more digits than a machine word holds.
struct BigNatural: Equatable {
    /// Digits in base 10⁹, least first, without leading zeros; none for 0.
    private let limbs: [UInt32]

    private static let base: UInt64 = 1_000_000_000

    static let one = BigNatural(limbs: [1])

    private init(limbs: [UInt32]) {
        self.limbs = limbs.last == 0 ? Array(limbs.prefix((limbs.lastIndex { $0 != 0 } ?? -1) + 1)) : limbs
    }

    /// The number that ASCII digits state; 0 for none.
    init(digits: some BidirectionalCollection<UInt8>) {
        var limbs: [UInt32] = []
        var rest = digits[...]
        while !rest.isEmpty {
            limbs.append(rest.suffix(9).reduce(0) { $0 * 10 + UInt32($1 &- UInt8(ascii: "0")) })
            rest = rest.dropLast(9)
        }
        self.init(limbs: limbs)
    }

    /// Ten to a power.
    static func ten(to power: Int) -> BigNatural {
        BigNatural(digits: [UInt8(ascii: "1")] + Array(repeating: UInt8(ascii: "0"), count: power))
    }

    var isZero: Bool { limbs.isEmpty }

    /// How many digits the number has at most.
    var digits: Int { limbs.count * 9 }

    func isLess(than other: BigNatural) -> Bool {
        if limbs.count != other.limbs.count { return limbs.count < other.limbs.count }
        return limbs.reversed().lexicographicallyPrecedes(other.limbs.reversed())
    }

    static func + (left: BigNatural, right: BigNatural) -> BigNatural {
        var sum: [UInt32] = []
        var carry: UInt64 = 0
        for index in 0..<Swift.max(left.limbs.count, right.limbs.count) {
            if index < left.limbs.count { carry += UInt64(left.limbs[index]) }
            if index < right.limbs.count { carry += UInt64(right.limbs[index]) }
            sum.append(UInt32(carry % base))
            carry /= base
        }
        if carry > 0 { sum.append(UInt32(carry)) }
        return BigNatural(limbs: sum)
    }

    static func * (left: BigNatural, right: BigNatural) -> BigNatural {
        var product = [UInt32](repeating: 0, count: left.limbs.count + right.limbs.count)
        for (index, digit) in left.limbs.enumerated() {
            // Each sum is below base² + 2 · base, which fits in 64 bits.
            var carry: UInt64 = 0
            for (offset, other) in right.limbs.enumerated() {
                carry += UInt64(product[index + offset]) + UInt64(digit) * UInt64(other)
                product[index + offset] = UInt32(carry % base)
                carry /= base
            }
            product[index + right.limbs.count] = UInt32(carry)
        }
        return BigNatural(limbs: product)
    }
}
