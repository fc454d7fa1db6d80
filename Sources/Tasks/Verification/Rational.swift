/// A number as answers state it, compared by value: 0.5, .50 and 1/2 are equal.
struct Rational: Equatable {
    private let isNegative: Bool
    private let numerator: BigNatural
    private let denominator: BigNatural

    /// The digits that a number may have; what is longer has no value.
    private static let digitsMax = 2_000

    static func == (left: Rational, right: Rational) -> Bool {
        left.numerator * right.denominator == right.numerator * left.denominator
            && (left.isNegative == right.isNegative || left.numerator.isZero)
    }

    private init?(_ numerator: BigNatural, over denominator: BigNatural, isNegative: Bool = false) {
        let digits = Swift.max(numerator.digits, denominator.digits)
        guard !denominator.isZero, digits <= Rational.digitsMax else { return nil }
        self.numerator = numerator
        self.denominator = denominator
        self.isNegative = isNegative
    }

    /// The number of ASCII digits, the last `places` of which are behind the point; nil if there are too
    /// many.
    init?(digits: [UInt8], places: Int = 0) {
        guard digits.count < Rational.digitsMax else { return nil }
        self.init(BigNatural(digits: digits), over: .ten(to: places))
    }

    var isZero: Bool { numerator.isZero }

    var negated: Rational { with(isNegative: !isNegative) }

    /// The number plus another, both of them not negative.
    func adding(_ other: Rational) -> Rational? {
        Rational(
            numerator * other.denominator + other.numerator * denominator,
            over: denominator * other.denominator
        )
    }

    /// Whether the number lies between 0 and 1, both excluded.
    var isProper: Bool {
        !numerator.isZero && !isNegative && numerator.isLess(than: denominator)
    }

    func multiplied(by other: Rational) -> Rational? {
        Rational(
            numerator * other.numerator,
            over: denominator * other.denominator,
            isNegative: isNegative != other.isNegative
        )
    }

    /// The quotient; nil by zero.
    func divided(by other: Rational) -> Rational? {
        Rational(
            numerator * other.denominator,
            over: denominator * other.numerator,
            isNegative: isNegative != other.isNegative
        )
    }

    /// A power; nil for one that is too long, and for a power of zero below one.
    func raised(to exponent: Int) -> Rational? {
        let count = abs(exponent)
        guard count <= Rational.digitsMax * 4, exponent > 0 || !isZero else { return nil }
        var power = self.with(isNegative: false)
        var result: Rational? = Rational(.one, over: .one)
        var rest = count
        while rest > 0 {
            if rest & 1 == 1 { result = result?.multiplied(by: power) }
            rest >>= 1
            if rest > 0 {
                guard let square = power.multiplied(by: power) else { return nil }
                power = square
            }
        }
        guard let result else { return nil }
        let signed = result.with(isNegative: isNegative && count % 2 == 1)
        return exponent < 0 ? Rational(.one, over: .one)?.divided(by: signed) : signed
    }

    private func with(isNegative: Bool) -> Rational {
        Rational(numerator, over: denominator, isNegative: isNegative) ?? self
    }
}
